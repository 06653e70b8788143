"""The HTML of what would come in from a file: counts, columns, ten votes, what is left out."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape

from annotate.views.data import ExampleVote, MappedField, SourcePreview
from annotate.web.html.data.words import KINDS, button, kinds_line, left_out_list
from annotate.web.html.run_cards import facts_row
from annotate.wording import percent, pluralize, quantity

NO_VOTES = "No row gives a vote that way. Below is why, and what can be read otherwise."
MAX_IMAGES = 4
"""Images of an example: a ranking may have nine."""

Thumbnails = Sequence[Sequence[bytes | None]]


def source_preview(preview: SourcePreview, name: str, thumbnails: Thumbnails) -> str:
    """Return what would come in, with a form to bring it in; images as WebP, per example."""
    votes = sum(preview["votes"].values())
    return (
        f'<div class="card plan preview data-preview" data-path="{escape(preview["path"])}" '
        f'data-layout="{escape(preview["layout"])}">'
        f"{_facts(preview, votes)}{_told(preview, votes)}"
        f"{left_out_list(preview['left_out'])}{mapping_form(preview)}"
        f"{_examples(preview['examples'], thumbnails)}{import_form(preview, name, votes)}</div>"
    )


def _facts(preview: SourcePreview, votes: int) -> str:
    """Return the counts of what was looked at, and the rows of all files."""
    rows, left_out = preview["rows"], sum(preview["left_out"].values())
    looked_at = preview["looked_at"]
    seen = "" if preview["whole"] else f" in the first {looked_at:,} rows"
    return facts_row(
        (
            (f"{votes:,}", f"{pluralize(votes, 'vote')}{seen}"),
            (f"{left_out:,}", f"{pluralize(left_out, 'row')} left out{seen}"),
            (f"{preview['images']:,}", f"{pluralize(preview['images'], 'image')}{seen}"),
            ("?" if rows is None else f"{rows:,}", f"rows in {quantity(preview['files'], 'file')}"),
        )
    )


def _told(preview: SourcePreview, votes: int) -> str:
    """Return what the votes are, what came in before, and what keeps rows from being read."""
    told = []
    if preview["problem"]:
        told.append(f'<p class="data-problem" role="alert">{escape(preview["problem"])}</p>')
    else:
        line = kinds_line(preview["votes"]) if votes else NO_VOTES
        told.append(f"<p>{escape(line[:1].upper() + line[1:])}{'.' if votes else ''}</p>")
    if known := preview["known"]:
        names = sorted(set(known.values()))
        told.append(
            f"<p>{quantity(len(known), 'file')} came in before, as {escape(' and '.join(names))}, "
            "and would add nothing.</p>"
        )
    return "".join(told)


def mapping_form(preview: SourcePreview) -> str:
    """Return the layout, and for each field of a vote the column that it is read from."""
    fields = "".join(
        _field(each, preview["columns"], each["field"] == preview["field"])
        for each in preview["mapping"]
    )
    read_from = "these columns" if preview["columns"] else "this text"
    return (
        '<form class="data-mapping" data-form="preview"><fieldset><legend>Read as</legend>'
        f'<div class="data-fields">{_layouts(preview)}{fields}</div></fieldset>'
        f'<button type="submit" data-again hidden>Preview with {read_from}</button></form>'
    )


def import_form(preview: SourcePreview, name: str, votes: int) -> str:
    """Return the name of the source, and the button that brings it in."""
    unable = "" if votes and len(preview["known"]) < preview["files"] else " disabled"
    count = quantity(votes, "vote") if preview["whole"] else "all of it"
    return (
        '<form class="data-row" data-form="import"><label>Name of the source '
        f'<input name="name" value="{escape(name, quote=True)}" maxlength="100" required></label>'
        f"{_place(preview)}"
        f'<button type="submit" class="main"{unable}>Bring in {count}</button>'
        f"{button('forget', 'Cancel')}</form>"
    )


def _place(preview: SourcePreview) -> str:
    """Return the choice whether Parquet files stay where they are; other images are copied."""
    if preview["kind"] != "parquet" or preview["sent"]:
        return ""
    return (
        '<label class="data-check"><input type="checkbox" name="copy"> Copy the files into the '
        "studio. Otherwise they are read where they are, and must stay there.</label>"
    )


def _layouts(preview: SourcePreview) -> str:
    """Return the choice of a layout; another one has other fields, so that it is read again."""
    known = any(each["layout"] == preview["layout"] for each in preview["layouts"])
    options = "" if known else '<option value="" selected>choose</option>'
    options += "".join(
        f'<option value="{each["layout"]}"'
        f"{' selected' if each['layout'] == preview['layout'] else ''}>{escape(each['title'])}"
        "</option>"
        for each in preview["layouts"]
    )
    return f'<label>Layout <select name="layout" data-layout-choice>{options}</select></label>'


def _field(field: MappedField, columns: Sequence[str], at_fault: bool) -> str:
    """Return the select of one field; without columns it is a text that holds for all rows."""
    title = escape(field["title"].capitalize())
    name = escape(field["field"], quote=True)
    if not columns:
        text = escape(field["column"].removeprefix("="), quote=True)
        return f'<label>{title} <input name="{name}" value="{text}"></label>'
    none = "" if field["needed"] else '<option value="">none</option>'
    known = [*dict.fromkeys([*columns, *([field["column"]] if field["column"] else [])])]
    options = "".join(
        f'<option value="{escape(column, quote=True)}"'
        f"{' selected' if column == field['column'] else ''}>{escape(column)}</option>"
        for column in known
    )
    marked = ' aria-invalid="true"' if at_fault else ""
    missing = "" if field["column"] or not field["needed"] else '<option value="">choose</option>'
    return f'<label>{title} <select name="{name}"{marked}>{none}{missing}{options}</select></label>'


def _examples(examples: Sequence[ExampleVote], thumbnails: Thumbnails) -> str:
    """Return votes as they would come in, so that a person sees whether sides are right."""
    if not examples:
        return ""
    shown = "".join(map(_example, examples, thumbnails))
    return (
        f"<h4>{quantity(len(examples), 'vote')} from all over: is the marked image the better one, "
        "and does the prompt fit?</h4>"
        f'<ul class="examples data-examples">{shown}</ul>'
    )


def _example(example: ExampleVote, images: Sequence[bytes | None]) -> str:
    """Return one vote with its images, the better one first and marked."""
    decided = example["kind"] in ("preference", "ranking")
    shown = "".join(
        _image(image, "better" if decided and not number else "")
        for number, image in enumerate(images[:MAX_IMAGES])
    )
    more = len(images) - MAX_IMAGES
    rest = f'<span class="soft">and {more} more</span>' if more > 0 else ""
    prompt = escape(example["prompt"], quote=True)
    return (
        f'<li><div class="data-images">{shown}{rest}</div><div><p title="{prompt}">{prompt}</p>'
        f"<span>{escape(verdict(example))}</span></div></li>"
    )


def verdict(example: ExampleVote) -> str:
    """Return what a vote says, who gave it, and where it stands."""
    kind, share = example["kind"], example["share"]
    said = {"preference": "The first is better", "tie": "Equally good"}.get(
        kind, KINDS.get(kind, kind).capitalize()
    )
    if share is not None and kind == "preference":
        said = f"{percent(share)} say the first is better"
    if example["ranks"]:
        said = f"Ranked {', '.join(map(str, example['ranks']))}"
    who = f"by {example['annotator']}" if example["annotator"] else ""
    return " · ".join(part for part in (said, who, example["place"]) if part)


def _image(content: bytes | None, mark: str) -> str:
    badge = f'<figcaption class="badge done">{mark}</figcaption>' if mark else ""
    # Inline, since images have no address before they are brought in.
    shown = (
        f'<img alt="" src="data:image/webp;base64,{b64encode(content).decode()}">'
        if content
        else '<span class="no-image"></span>'
    )
    return f"<figure>{shown}{badge}</figure>"
