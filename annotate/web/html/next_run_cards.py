"""HTML of the next run: its plan or what is wrong with its settings, and words at its button."""

from html import escape

from annotate.service.next_run import question_sentence
from annotate.views.next_run import (
    AutomaticRunsView,
    LongRunQuestion,
    PolicyActivation,
    RunPreview,
)
from annotate.web.html.run_cards import notice_card, plan_card


def preview_card(preview: RunPreview) -> str:
    """Return the plan of the next run, why there is none yet, or what is wrong."""
    if preview["error"]:
        return error_card("The settings have an error", preview["error"])
    if preview["plan"] is None:
        return notice_card("Not yet", preview["reason"])
    return plan_card(preview["plan"])


def error_card(title: str, sentence: str) -> str:
    """Return a card that says what is wrong."""
    return (
        f'<div class="card notice error" role="alert"><b>{escape(title)}</b>'
        f"<p>{escape(sentence)}</p></div>"
    )


def beside_button(preview: RunPreview) -> str:
    """Return why the button cannot be used; empty where it can."""
    if preview["error"]:
        return note_line("Mend the settings first.")
    if preview["plan"] is None and preview["reason"]:
        # The card says it.
        return note_line("There is nothing to learn from yet.")
    return note_line(preview["reason"])


def note_line(sentence: str) -> str:
    """Return a sentence beside the button; an empty text for none."""
    return f'<p class="run-note">{escape(sentence)}</p>' if sentence else ""


def question_card(question: LongRunQuestion) -> str:
    """Return the question before a long run starts by itself, with its three answers."""
    answers = (
        ("now", "Now"),
        ("tonight", f"Tonight, after {question['tonight']}"),
        ("not_yet", "Not yet"),
    )
    buttons = "".join(
        f'<button type="button" data-answer="{name}">{escape(text)}</button>'
        for name, text in answers
    )
    return (
        f'<div class="run-notice" role="region" aria-label="A run is due"><p>'
        f"<b>{escape(question_sentence(question))}</b> Start it? <span>Later runs follow your "
        f'answer until one takes much longer.</span></p><div class="answers">{buttons}</div></div>'
    )


def activation_card(activation: PolicyActivation) -> str:
    """Return that a version became active by itself, with a button that puts it away."""
    return (
        f'<div class="run-notice" role="status"><p>{escape(activation["sentence"])}</p>'
        '<div class="answers"><button type="button" data-dismiss>OK</button></div></div>'
    )


def automatic_title(view: AutomaticRunsView) -> str:
    """Return in a few words when runs start by themselves."""
    starts = []
    if view["every"]:
        starts.append(f"after {view['every']} new choices")
    if view["at"]:
        starts.append(f"every day after {view['at']}")
    return f"Automatic runs: {', or '.join(starts) or 'never'}"


def activated_list(view: AutomaticRunsView) -> str:
    """Return the versions that became active by themselves, newest first."""
    if not view["activated"]:
        return ""
    rows = "".join(
        f'<li>{escape(each["sentence"])} <time class="soft" datetime="{escape(each["created"])}">'
        f"{escape(each['created'][:16].replace('T', ' '))} UTC</time></li>"
        for each in view["activated"]
    )
    return f'<ul class="counts activated">{rows}</ul>'
