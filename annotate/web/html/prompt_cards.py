"""The HTML of the list of prompts in Settings."""

from html import escape

from annotate.rendering.prompts.project_prompts import WEIGHTS
from annotate.views.prompts import PromptsPage, PromptView
from annotate.wording import quantity

HOW_OFTEN = {0.5: "half as often", 1.0: "as often as others", 2.0: "twice as often", 4.0: "4 times"}
FROM = {
    "built-in": "built-in list",
    "file": "file at the start",
    "pasted": "added",
    "typed": "typed on the stage",
    "edited": "edited",
}


def prompt_rows(page: PromptsPage, search: str, removed: bool) -> str:
    """Return the prompts of a page as rows, and the buttons to other pages."""
    if not page["prompts"]:
        return f'<p class="soft">{empty_sentence(search, removed)}</p>'
    rows = "".join(map(prompt_row, page["prompts"]))
    return f'<ul class="prompt-rows">{rows}</ul>{_pager(page)}'


def prompt_row(prompt: PromptView) -> str:
    """Return a prompt with what can be done with it."""
    text, number = escape(prompt["text"]), prompt["prompt"]
    short = escape(prompt["text"][:60], quote=True)
    choose = f'<input type="checkbox" data-choose="{number}" aria-label="Choose {short}">'
    words = f'<span class="prompt-text">{text}</span>'
    about = f'<span class="soft">{escape(_about(prompt))}</span>'
    buttons = (
        _button("restore", "Use again", short)
        if prompt["removed"]
        else _weights(prompt["weight"], short)
        + _button("edit", "Edit", short)
        + _button("remove", "Remove", short)
    )
    return (
        f'<li data-prompt="{number}">{choose}<div class="prompt-words">{words}{about}</div>'
        f'<div class="prompt-acts">{buttons}</div></li>'
    )


def prompt_options(page: PromptsPage) -> str:
    """Return the list that new pairs are made from, and whether labelers may add prompts."""
    options = "".join(
        f'<option value="{escape(each["name"])}"{_selected(each["name"] == page["chosen_list"])}>'
        f"{escape(each['title'])}{_count(each['prompts'])}</option>"
        for each in page["lists"]
    )
    checked = " checked" if page["labelers_may_add"] else ""
    return (
        f'<label>New pairs are made from <select data-option="list">{options}</select></label>'
        f'<label class="prompt-check"><input type="checkbox" data-option="labelers"{checked}> '
        "Labelers may add prompts on the stage</label>"
    )


def empty_sentence(search: str, removed: bool) -> str:
    """Return why no prompt is listed."""
    if search:
        return "No prompt holds these words."
    return "No prompt was removed." if removed else "There are no prompts yet. Add some above."


def _about(prompt: PromptView) -> str:
    """Return where a prompt came from, what was made of it, and what took its place."""
    parts = [FROM.get(prompt["source"], prompt["source"])]
    if prompt["varies"]:
        parts.append("varies")
    parts += [quantity(prompt["pairs"], "pair"), quantity(prompt["votes"], "vote")]
    if prompt["replaced_by"]:
        parts.append(f"replaced by “{prompt['replaced_by']}”")
    return " · ".join(parts)


def _weights(weight: float, short: str) -> str:
    options = "".join(
        f'<option value="{each:g}"{_selected(each == weight)}>{HOW_OFTEN[each]}</option>'
        for each in WEIGHTS
    )
    changed = " data-changed" if weight != 1 else ""
    return f'<select data-weight{changed} aria-label="How often {short} comes">{options}</select>'


def _button(action: str, label: str, short: str) -> str:
    return (
        f'<button type="button" data-act="{action}" aria-label="{label}: {short}">{label}</button>'
    )


def _pager(page: PromptsPage) -> str:
    if page["pages"] == 1:
        return ""
    first = 50 * (page["page"] - 1) + 1
    last = first + len(page["prompts"]) - 1
    before, after = page["page"] == 1, page["page"] == page["pages"]
    return (
        '<nav class="prompt-pages" aria-label="Pages of prompts">'
        f'<button type="button" data-page="-1"{_disabled(before)}>Previous</button>'
        f"<span>{first:,} to {last:,} of {page['found']:,}</span>"
        f'<button type="button" data-page="1"{_disabled(after)}>Next</button></nav>'
    )


def _count(prompts: int) -> str:
    return f" ({prompts:,})" if prompts else ""


def _selected(yes: bool) -> str:
    return " selected" if yes else ""


def _disabled(yes: bool) -> str:
    return " disabled" if yes else ""
