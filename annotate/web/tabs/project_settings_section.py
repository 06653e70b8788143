"""What the project asks of everybody who labels, and the pairs that people reported."""

from html import escape
from typing import Any

import gradio as gr

from annotate.auth.identity import name_of
from annotate.labeling.annotations import CRITERIA, REASONS
from annotate.service.studio import Studio
from annotate.web.errors_to_ui import PRIVATE, Errors, errors_as_gr_error

DEFAULT_ACTOR = "me"
NO_FLAGS = '<p class="soft">Nobody reported a pair. X on the stage does.</p>'
FLAG_STATES = {
    "open": "hidden, to be looked at",
    "hidden": "stays hidden",
    "shown": "shown again",
    "withdrawn": "taken back by who reported it, and shown as before",
}


class ProjectSection:
    """A form for the project, and the list of reports under it."""

    def __init__(self, studio: Studio, expected: Errors) -> None:
        self._studio, self._refuse = studio, errors_as_gr_error(expected)
        with gr.Accordion("What everybody is asked", open=False, elem_id="project") as section:
            self._form()
            self._reports()
        section.expand(self._look, None, [*self._fields, *self._shown], **PRIVATE)

    def _form(self) -> None:
        with gr.Row():
            reasons = gr.Textbox(
                label="Reasons, one a line",
                info="Why the other image lost: one key each, after a choice.",
                lines=6,
            )
            criteria = gr.Textbox(
                label="Criteria, one a line",
                info="Each is asked after a vote, about the same pair. None is quickest.",
                lines=6,
                placeholder="detail\nlighting",
            )
        overlap = gr.Slider(
            1, 20, step=1, label="People a pair", info="How many are asked about each pair."
        )
        save = gr.Button("Save", size="sm", variant="primary")
        self._fields = [reasons, criteria, overlap]
        save.click(self._refuse(self._save), self._fields, self._fields, **PRIVATE)

    def _reports(self) -> None:
        gr.HTML('<h3 class="section">Reported pairs</h3>', apply_default_css=False)
        self._list = gr.HTML(NO_FLAGS, elem_id="flags", apply_default_css=False)
        with gr.Row(visible=False) as deciding:
            self._which = gr.Dropdown([], label="Report", interactive=True)
            shown = gr.Button("Show it again", size="sm")
            hidden = gr.Button("Keep it hidden", size="sm")
        self._shown = [self._list, self._which, deciding]
        for button, decision in ((shown, "shown"), (hidden, "hidden")):
            button.click(self._refuse(self._decide(decision)), self._which, self._shown, **PRIVATE)

    def _look(self) -> list[Any]:
        offered = self._studio.annotations.offered()
        texts = ["\n".join(offered[name]) for name in (REASONS, CRITERIA)]
        return [*texts, offered["overlap"], *self._told(self._studio.annotations.reports())]

    def _save(self, reasons: str, criteria: str, overlap: float, request: gr.Request) -> list[Any]:
        offered = self._studio.annotations.offer(
            reasons, criteria, overlap, name_of(request, DEFAULT_ACTOR)
        )
        gr.Info("Saved. Everybody's page follows within a few seconds.")
        return ["\n".join(offered[REASONS]), "\n".join(offered[CRITERIA]), offered["overlap"]]

    def _decide(self, decision: str) -> Any:
        def decide(report: int | None, request: gr.Request) -> list[Any]:
            if report is None:
                return [gr.skip(), gr.skip(), gr.skip()]
            return self._told(
                self._studio.annotations.decide(report, decision, name_of(request, DEFAULT_ACTOR))
            )

        return decide

    def _told(self, reports: list[dict[str, Any]]) -> list[Any]:
        choices = [
            (f"{one['report']}: {one['prompt']}", one["report"])
            for one in reports
            if one["decision"] != "withdrawn"
        ]
        waiting = [one["report"] for one in reports if one["decision"] == "open"]
        chosen = waiting[0] if waiting else (choices[0][1] if choices else None)
        listed = f'<div class="reports">{"".join(map(flag_card, reports))}</div>'
        return [
            listed if reports else NO_FLAGS,
            gr.Dropdown(choices, value=chosen),
            gr.Row(visible=bool(choices)),
        ]


def flag_card(report: dict[str, Any]) -> str:
    """One reported pair, its images blurred until they are pointed at."""
    images = "".join(
        f'<img src="{escape(report[side])}" alt="" loading="lazy">'
        for side in ("left_url", "right_url")
    )
    note = f" “{escape(report['note'])}”" if report["note"] else ""
    return (
        f'<figure class="report" tabindex="0"><span class="both">{images}</span><figcaption>'
        f"<b>{report['report']}: {escape(report['prompt'])}</b>"
        f'<span class="soft">by {escape(report["by"])},{note} '
        f"{FLAG_STATES[report['decision']]}</span>"
        "</figcaption></figure>"
    )
