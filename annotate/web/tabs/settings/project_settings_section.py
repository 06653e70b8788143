"""Project settings (reasons, criteria, overlap) and the list of flagged pairs."""

from html import escape
from typing import Any

import gradio as gr

from annotate.auth.identity import name_of
from annotate.service.studio import Studio
from annotate.views.project import FlagView, ProjectOptions
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error

DEFAULT_ACTOR = "me"
NO_FLAGS = '<p class="soft">No pair is flagged. Press X on the stage to flag one.</p>'
FLAG_STATES = {
    "open": "hidden, waiting for a decision",
    "hidden": "stays hidden",
    "shown": "shown again",
    "withdrawn": "taken back by the labeler who flagged it, and shown as before",
}


class ProjectSection:
    """The form of the project settings, and the list of flags below it."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        with gr.Accordion("Project settings", open=False, elem_id="project") as section:
            self._build_form()
            self._build_flags()
        section.expand(self._open, None, [*self._fields, *self._shown], **PRIVATE)

    def _build_form(self) -> None:
        with gr.Row():
            reasons = gr.Textbox(
                label="Reasons, one per line",
                info="Why the other image lost: one key each, after a choice.",
                lines=6,
            )
            criteria = gr.Textbox(
                label="Criteria, one per line",
                info="Each is asked after a vote, about the same pair. None is quickest.",
                lines=6,
                placeholder="detail\nlighting",
            )
        overlap = gr.Slider(
            1, 20, step=1, label="Votes per pair", info="How many people are asked about each pair."
        )

        save = gr.Button("Save", size="sm", variant="primary")
        self._fields = [reasons, criteria, overlap]
        save.click(errors_as_gr_error(self._save), self._fields, self._fields, **PRIVATE)

    def _build_flags(self) -> None:
        gr.HTML('<h3 class="section">Flagged pairs</h3>', apply_default_css=False)
        self._list = gr.HTML(NO_FLAGS, elem_id="flags", apply_default_css=False)
        with gr.Row(visible=False) as decision_row:
            self._which = gr.Dropdown([], label="Flag", interactive=True)
            shown = gr.Button("Show it again", size="sm")
            hidden = gr.Button("Keep it hidden", size="sm")
        self._shown = [self._list, self._which, decision_row]
        for button, decision in ((shown, "shown"), (hidden, "hidden")):
            button.click(
                errors_as_gr_error(self._decide(decision)), self._which, self._shown, **PRIVATE
            )

    def _open(self) -> list[Any]:
        offered = self._studio.annotations.options()
        return [*texts_of(offered), *self._listed(self._studio.annotations.flags())]

    def _save(self, reasons: str, criteria: str, overlap: float, request: gr.Request) -> list[Any]:
        offered = self._studio.annotations.set_options(
            reasons, criteria, overlap, name_of(request, DEFAULT_ACTOR)
        )
        gr.Info("Saved. Every page follows within a few seconds.")
        return texts_of(offered)

    def _decide(self, decision: str) -> Any:
        def decide(flag: int | None, request: gr.Request) -> list[Any]:
            if flag is None:
                return [gr.skip(), gr.skip(), gr.skip()]
            return self._listed(
                self._studio.annotations.decide_flag(
                    flag, decision, name_of(request, DEFAULT_ACTOR)
                )
            )

        return decide

    def _listed(self, flags: list[FlagView]) -> list[Any]:
        choices = [
            (f"{flag['report']}: {flag['prompt']}", flag["report"])
            for flag in flags
            if flag["decision"] != "withdrawn"
        ]

        # The first that waits for a decision is preselected.
        waiting = [flag["report"] for flag in flags if flag["decision"] == "open"]
        chosen = waiting[0] if waiting else (choices[0][1] if choices else None)

        listed = f'<div class="flags">{"".join(map(flag_card, flags))}</div>'
        return [
            listed if flags else NO_FLAGS,
            gr.Dropdown(choices, value=chosen),
            gr.Row(visible=bool(choices)),
        ]


def texts_of(options: ProjectOptions) -> list[str | int]:
    """Return the project's options as the form's fields show them."""
    return ["\n".join(options["reasons"]), "\n".join(options["criteria"]), options["overlap"]]


def flag_card(flag: FlagView) -> str:
    """Return one flagged pair; its images are blurred until the pointer is on them."""
    images = "".join(
        f'<img src="{escape(flag[side])}" alt="" loading="lazy">'
        for side in ("left_url", "right_url")
    )

    note = f", “{escape(flag['note'])}”" if flag["note"] else ""
    return (
        f'<figure class="flag" tabindex="0"><span class="both">{images}</span><figcaption>'
        f"<b>{flag['report']}: {escape(flag['prompt'])}</b>"
        f'<span class="soft">by {escape(flag["by"])}{note}: '
        f"{FLAG_STATES[flag['decision']]}</span>"
        "</figcaption></figure>"
    )
