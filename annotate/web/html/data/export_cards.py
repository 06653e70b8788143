"""The HTML of an export: the choice of a form, whose choices, where to, and where it lies."""

from collections.abc import Sequence
from html import escape

from annotate.views.data import ExportForm, ExportResult
from annotate.web.html.data.words import left_out_list
from annotate.wording import in_bytes, quantity


def export_form(
    forms: Sequence[ExportForm], people: Sequence[str], has_sources: bool, place: str
) -> str:
    """Return the form of an export; `place` is where it goes unless a folder is named."""
    return (
        '<form class="data-export" data-form="export">'
        f"<fieldset><legend>Form</legend>{_forms(forms)}</fieldset>"
        f'<div class="data-row">{_whose(people, has_sources)}'
        '<label>Folder to write into <input name="target" spellcheck="false" '
        f'placeholder="a new one in {escape(place, quote=True)}"></label></div>'
        '<label class="data-check"><input type="checkbox" name="names"> Write the names of people. '
        "Without, each is a pseudonym.</label>"
        '<div><button type="submit" class="main">Export</button></div></form>'
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
        f"<p>{quantity(result['rows'], 'row')} in {quantity(result['files'], 'file')}, "
        f"{in_bytes(result['bytes'])}.</p>{left_out_list(result['left_out'], 'vote')}"
        f"{download}</div>"
    )


def _forms(forms: Sequence[ExportForm]) -> str:
    return "".join(_form(form, checked=not number) for number, form in enumerate(forms))


def _form(form: ExportForm, checked: bool) -> str:
    """Return the choice of one form, with what it does not hold, folded."""
    loses = "".join(f"<li>{escape(sentence)}</li>" for sentence in form["loses"])
    folded = (
        f"<details><summary>Not in it</summary><ul>{loses}</ul></details>"
        if loses
        else '<p class="soft">Holds everything but control pairs and blind tests.</p>'
    )
    title = form["title"][:1].upper() + form["title"][1:]
    return (
        '<div class="data-choice"><label><input type="radio" name="form" '
        f'value="{form["form"]}"{" checked" if checked else ""}><span><b>{escape(title)}</b>'
        f'<span class="soft">For {escape(form["read_by"])}</span></span></label>{folded}</div>'
    )


def _whose(people: Sequence[str], has_sources: bool) -> str:
    """Return the choice of whose votes are written."""
    options = [("", "Everybody here")]
    if has_sources:
        options.append(("all", "Everybody here, and all sources in use"))
    options += [(f"person:{name}", name) for name in people]
    shown = "".join(
        f'<option value="{escape(value, quote=True)}">{escape(title)}</option>'
        for value, title in options
    )
    return f'<label>Whose choices <select name="whose">{shown}</select></label>'
