"""The HTML of the look: one line of what it is, and what became of a change."""

from html import escape

from align.contracts.rendering import LookFacts
from align.contracts.solvers import name_of_class
from annotate.views.look import LookView
from annotate.web.html.run_cards import notice_card

MAX_SIZES_NAMED = 4


def look_line(look: LookFacts) -> str:
    """Return a look in a line of plain text."""
    sizes = look["sizes"]
    more = f" and {len(sizes) - MAX_SIZES_NAMED} more" if len(sizes) > MAX_SIZES_NAMED else ""
    parts = [
        f"{look['steps']} steps",
        f"guidance {look['guidance']:g}" if look["guidance"] > 1 else "no guidance",
        ", ".join(sizes[:MAX_SIZES_NAMED]) + more,
        name_of_class(look["scheduler"]),
    ]
    parts += [f"clip skip {look['clip_skip']}"] if look["clip_skip"] != 1 else []
    parts += [f"before prompts “{look['prompt_prefix']}”"] if look["prompt_prefix"] else []
    parts += [f"after prompts “{look['prompt_suffix']}”"] if look["prompt_suffix"] else []
    parts += [f"negative “{look['negative_prompt']}”"] if look["negative_prompt"] else []
    parts += [f"{lora['file']} at {lora['weight']:g}" for lora in look["loras"]]
    return " · ".join(parts)


def look_summary(look: LookView) -> str:
    """Return what images are rendered with now, and whether that is the model's own."""
    whose = "Changed from the model's own." if look["changed"] else "The model's own settings."
    return f'<p class="soft">{escape(whose)} {escape(look_line(look))}</p>'


def saved_card(look: LookView) -> str:
    """Return the message after a change."""
    notes = " ".join(look["notes"])
    text = "Ready pairs of another look were dropped, and new ones are rendered. " + notes
    return notice_card("Saved", text.strip())


def refused_card(sentence: str) -> str:
    """Return why nothing was changed."""
    return f'<div class="card notice" role="alert"><b>Not saved</b><p>{escape(sentence)}</p></div>'
