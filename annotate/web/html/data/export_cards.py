"""The HTML of an export: the choice of a form, whose choices, where to, and where it lies."""

from collections.abc import Sequence
from html import escape

from annotate.views.data import ExportForm, ExportResult
from annotate.web.html.data.words import kinds_line, left_out_list
from annotate.wording import in_bytes, quantity


def export_form(
    forms: Sequence[ExportForm], people: Sequence[str], sources: Sequence[str], target: str
) -> str:
    """Return the form of an export; `target` is where it goes unless another place is named."""
    return (
        '<form class="data-export" data-form="export">'
        f"<fieldset><legend>Form</legend>{_forms(forms)}</fieldset>"
        f'<div class="data-row">{_whose(people, sources)}'
        '<label>Folder to write into <input name="target" spellcheck="false" '
        f'placeholder="{escape(target, quote=True)}"></label></div>'
        '<label class="data-check"><input type="checkbox" name="names"> Write the names of people. '
        "Without, each is a pseudonym.</label>"
        '<div><button type="submit" class="main">Write</button></div></form>'
    )


def export_result(result: ExportResult) -> str:
    """Return where an export lies, what is in it, and a download where it is small."""
    download = (
        f'<a class="data-download" href="{escape(result["download"], quote=True)}" download>'
        f"Download {in_bytes(result['bytes'])}</a>"
        if result["download"]
        else ""
    )
    return (
        '<div class="card notice data-written"><b>Written, read back and compared</b>'
        f'<p class="data-path"><code>{escape(result["path"])}</code></p>'
        f"<p>{escape(kinds_line(result['votes']))} in {quantity(result['files'], 'file')}, "
        f"{in_bytes(result['bytes'])}.</p>{left_out_list(result['left_out'])}{download}</div>"
    )


def _forms(forms: Sequence[ExportForm]) -> str:
    return "".join(
        f'<label class="data-choice"><input type="radio" name="form" value="{form["form"]}"'
        f"{'' if number else ' checked'}><span><b>{escape(form['title'])}</b>"
        f'<span class="soft">{escape(form["about"])}</span></span></label>'
        for number, form in enumerate(forms)
    )


def _whose(people: Sequence[str], sources: Sequence[str]) -> str:
    """Return the choice of whose votes are written."""
    options = [
        ("", "Everybody here"),
        *((f"person:{name}", name) for name in people),
        *((f"source:{name}", f"{name} (source)") for name in sources),
    ]
    if sources:
        options.insert(1, ("all", "Everybody here and all sources"))
    shown = "".join(
        f'<option value="{escape(value, quote=True)}">{escape(title)}</option>'
        for value, title in options
    )
    return f'<label>Whose choices <select name="whose">{shown}</select></label>'
