"""Settings of the project: what it is for, reasons, criteria, and votes per pair."""

from typing import Any

import gradio as gr

from annotate.auth.identity import name_of
from annotate.labeling.annotations import MAX_PURPOSE
from annotate.service.studio import Studio
from annotate.views.project import ProjectOptions
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error
from annotate.web.tabs.layout import setting

DEFAULT_ACTOR = "me"


class ProjectSection:
    """The form of the project settings."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        with setting(
            "Project", "What it is for, and what people are asked besides the choice.", "project"
        ) as section:
            self._build()
        section.expand(self._open, None, self._fields, **PRIVATE)

    def _build(self) -> None:
        purpose = gr.Textbox(
            label="What this project is for",
            info=f"Two sentences that everybody reads before the first choice; up to {MAX_PURPOSE} "
            "characters.",
            placeholder="Portraits for a fantasy game. Prefer natural faces and warm light.",
            lines=2,
            max_length=MAX_PURPOSE,
            elem_id="project-purpose",
        )
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

        save = gr.Button("Save", size="sm", variant="primary", elem_id="save-project")
        self._fields = [purpose, reasons, criteria, overlap]
        save.click(errors_as_gr_error(self._save), self._fields, self._fields, **PRIVATE)

    def _open(self) -> list[Any]:
        return texts_of(self._studio.annotations.options())

    def _save(
        self, purpose: str, reasons: str, criteria: str, overlap: float, request: gr.Request
    ) -> list[Any]:
        who = name_of(request, DEFAULT_ACTOR)
        offered = self._studio.annotations.set_options(reasons, criteria, overlap, who, purpose)
        gr.Info("Saved. Every page follows within a few seconds.")
        return texts_of(offered)


def texts_of(options: ProjectOptions) -> list[str | int]:
    """Return the project's options as the form's fields show them."""
    return [
        options["purpose"],
        "\n".join(options["reasons"]),
        "\n".join(options["criteria"]),
        options["overlap"],
    ]
