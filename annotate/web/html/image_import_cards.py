"""The HTML of an import: its preview, its progress and its result."""

from base64 import b64encode
from html import escape

from annotate.charts.bar_charts import progress_bar
from annotate.image_import.listing import NAMES_ON_A_LINE, first_of
from annotate.image_import.preview import ImportPreview, PreviewExample
from annotate.image_import.thumbnails import thumbnail
from annotate.views.image_import import ImportProgressView, ImportSummaryView, SkippedFilesView
from annotate.web.html.run_cards import time_left
from annotate.wording import pluralize, quantity


def import_progress_card(progress: ImportProgressView) -> str:
    """Return the progress of an import."""
    done, of = progress["done"], progress["of"]
    percent = round(100 * done / of) if of else 0
    left = f" · {time_left(progress['left_s'])}" if progress["left_s"] is not None else ""
    return (
        f'<div class="card run" role="status"><b>{escape(progress["phase"])}</b>'
        f"{progress_bar(percent, 'running', 'Progress of the import')}"
        f'<p class="soft">{done:,} of {of:,} images{left}. You can label meanwhile.</p></div>'
    )


def preview_card(preview: ImportPreview) -> str:
    """Return the preview of an import, with example images to check the prompts."""
    summary = preview.as_dict()
    facts = [
        (summary["images"], pluralize(summary["images"], "new image")),
        (summary["prompts"], pluralize(summary["prompts"], "prompt")),
        (summary["pairs"], f"{pluralize(summary['pairs'], 'pair')} at most"),
        (sum(summary["skipped"].values()), "skipped"),
    ]

    numbers = "".join(f"<div><b>{count:,}</b><span>{name}</span></div>" for count, name in facts)
    notes = [*["Stopped early: there may be more."] * preview.stopped, *preview.notes()]

    shown = "".join(_example(example, preview) for example in preview.examples)
    examples = (
        f"<h4>{quantity(len(preview.examples), 'image')} from all over the folder: does each "
        f'prompt fit its image?</h4><ul class="examples">{shown}</ul>'
    ) * bool(shown)

    return (
        f'<div class="card plan preview" role="status"><div class="facts">{numbers}</div>'
        f"<p>{escape(' '.join(notes))}</p>{skip_list(summary)}{examples}</div>"
    )


def import_result_card(result: ImportSummaryView) -> str:
    """Return the result of an import."""
    title = "Ready to label" if result["pairs"] else "Nothing new to label"
    return (
        f'<div class="card notice" role="status"><b>{title}</b>'
        f"<p>{escape(result['summary'])}</p>{skip_list(result)}</div>"
    )


def skip_list(summary: SkippedFilesView) -> str:
    """Return the number of skipped files by reason, with the first of their names."""
    names = summary["skipped_names"]
    lines = "".join(
        f"<li>{count:,} skipped: {escape(reason)} ({escape(first_of(names[reason], count))})"
        f"{_all_names(names[reason], count)}</li>"
        for reason, count in summary["skipped"].items()
    )
    return f'<ul class="soft counts">{lines}</ul>' if lines else ""


def _all_names(names: list[str], count: int) -> str:
    """Return the names of skipped files one a line, folded, where a line does not hold them."""
    if len(names) <= NAMES_ON_A_LINE:
        return ""
    label = "All of them" if count == len(names) else f"The first {len(names)}"
    listed = "".join(f"<li>{escape(name)}</li>" for name in names)
    return f'<details class="skipped-names"><summary>{label}</summary><ul>{listed}</ul></details>'


def _example(example: PreviewExample, preview: ImportPreview) -> str:
    head = example.header
    small = thumbnail(head.path, preview.root)
    # Inline, since files of the folder have no URL before they are imported.
    image = (
        f'<img alt="" src="data:image/webp;base64,{b64encode(small).decode()}">'
        if small
        else '<span class="no-image"></span>'
    )

    name = escape(head.path.name)
    about = f"{escape(head.source)} · {quantity(example.images, 'image')}"
    return (
        f'<li>{image}<div><p title="{escape(head.prompt)}">{escape(head.prompt)}</p>'
        f'<span title="{name}">{about}</span></div></li>'
    )
