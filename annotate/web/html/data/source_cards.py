"""The HTML of the sources that came in: what each holds, and what can be done with it."""

from collections.abc import Sequence
from html import escape

from annotate.views.data import SourceView
from annotate.web.html.data.words import button, kinds_line, left_out_list
from annotate.web.html.run_cards import when
from annotate.wording import quantity

NOTHING = (
    '<p class="soft">Nothing came in yet. Drop a file above, or name one: you see what it holds '
    "before anything is brought in.</p>"
)
WEIGHTS = (0.05, 0.1, 0.25, 0.5, 1.0)


def source_list(sources: Sequence[SourceView]) -> str:
    """Return a row for each source."""
    if not sources:
        return NOTHING
    return f'<ul class="data-list">{"".join(map(_row, sources))}</ul>'


def _row(source: SourceView) -> str:
    """Return a source with its weight, whether runs take it, and its name and removal."""
    name = escape(source["name"], quote=True)
    used = " checked" if source["used"] else ""
    return (
        f'<li data-source="{name}"><div class="data-about"><b><bdi>{name}</bdi></b>'
        f'<span>{escape(about(source))}</span><span class="soft">{origin(source)}</span>'
        f"{_faults(source)}{_details(source)}</div>"
        '<div class="data-acts"><label class="data-check"><input type="checkbox" '
        f'data-change="used" aria-label="Use {name} in runs"{used}> Use in runs</label>'
        f"{_weight(source)}{_rename(source)}{_removal(source)}</div></li>"
    )


def about(source: SourceView) -> str:
    """Return how many votes and images a source has."""
    return f"{kinds_line(source['votes'])} on {quantity(source['images'], 'image')}"


def origin(source: SourceView) -> str:
    """Return from which files a source came, when, and who brought it in."""
    files = source["files"]
    named = files[0] if len(files) == 1 else quantity(len(files), "file")
    moment = when(source["created"])
    return f"{escape(source['layout'])} · {escape(named)} · {moment}, {escape(source['who'])}"


def _faults(source: SourceView) -> str:
    """Return which files of a source cannot be read now, and what helps."""
    faults = source["faults"]
    if not faults:
        return ""
    told = ", ".join(f"{escape(file)} is {why}" for file, why in list(faults.items())[:3])
    return (
        f'<span class="data-problem" role="alert">{told}: images in it cannot be read now, and '
        "runs leave their votes out. Put the file back as it was.</span>"
    )


def _details(source: SourceView) -> str:
    """Return what was left out of a source, folded."""
    double = "".join(
        f"<li>{quantity(count, 'vote')} also in {escape(other)}</li>"
        for other, count in source["double"].items()
    )
    told = left_out_list(source["left_out"]) + (
        f'<ul class="soft counts">{double}</ul>' if double else ""
    )
    count = sum(source["left_out"].values())
    label = f"{quantity(count, 'row')} left out" if count else "Also in other sources"
    return f"<details><summary>{label}</summary>{told}</details>" if told else ""


def _weight(source: SourceView) -> str:
    weights = sorted({*WEIGHTS, source["weight"]})
    options = "".join(
        f'<option value="{each:g}"{" selected" if each == source["weight"] else ""}>'
        f"{each:g} ×</option>"
        for each in weights
    )
    name = escape(source["name"], quote=True)
    return (
        f'<label>Weight <select data-change="weight" aria-label="Weight of {name}">{options}'
        "</select></label>"
    )


def _rename(source: SourceView) -> str:
    name = escape(source["name"], quote=True)
    return (
        f'<button type="button" data-ask="rename" aria-label="Rename {name}">Rename</button>'
        '<form data-form="rename" data-asks="rename" hidden>'
        f'<input name="name" value="{name}" maxlength="100" required aria-label="New name">'
        '<button type="submit" class="main">Save</button>'
        '<button type="button" data-keep>Cancel</button></form>'
    )


def _removal(source: SourceView) -> str:
    votes = quantity(sum(source["votes"].values()), "vote")
    return (
        '<button type="button" data-ask="remove" '
        f'aria-label="Remove {escape(source["name"], quote=True)}">Remove</button>'
        f'<div data-asks="remove" hidden><span>Remove {votes}? Runs that learned from them stay. '
        f"</span>{button('remove', 'Remove')}"
        '<button type="button" data-keep>Keep</button></div>'
    )
