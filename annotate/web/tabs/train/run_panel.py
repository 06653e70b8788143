"""One run of the Train tab that is open: samples, curves, settings, log, resume and delete."""

from typing import Any

import gradio as gr

from align.contracts.errors import NotFound
from annotate.service.studio import Studio
from annotate.training.run_status import ACTIVE_STATES, RESUMABLE_STATES, resume_refusal
from annotate.views.training import RunDetail
from annotate.web.html.run_cards import run_title
from annotate.web.html.run_curves import curves_beside, curves_of
from annotate.web.html.run_panel import (
    delete_question,
    log_lines,
    run_head,
    samples_strip,
    settings_tables,
)
from annotate.web.tabs.layout import heading


class RunPanel:
    """Components of the run that is open; the section around it wires them.

    `live` are those that change while a run trains, `all` those that an opened run fills.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        with gr.Column(visible=False, elem_id="run-panel") as self._column:
            self._build_head()
            heading("Images of this run")
            self._samples = gr.HTML(elem_id="run-samples", apply_default_css=False)
            heading("Curves")
            self.other = gr.Dropdown(
                [("None", "")],
                value="",
                label="Beside another run",
                filterable=False,
                elem_id="other-run",
            )
            self._curves = gr.HTML(elem_id="run-curves", apply_default_css=False)
            with gr.Accordion("Settings", open=False, elem_id="run-settings"):
                self._settings = gr.HTML(apply_default_css=False)
            with gr.Accordion("Log", open=False, elem_id="run-log"):
                self._log = gr.HTML(apply_default_css=False)
        self.live = [self._head, self.resume, self._refusal, self.delete]
        self.live += [self._samples, self._curves, self._log]
        self.all = [self._column, self.confirm, self.other, self._settings, *self.live]

    def _build_head(self) -> None:
        self._head = gr.HTML(elem_id="run-head", apply_default_css=False)
        with gr.Row():
            self.resume = gr.Button("Resume this run", visible=False, elem_id="resume-run")
            self.delete = gr.Button("Delete", elem_id="delete-run")
            self.close = gr.Button("Close", elem_id="close-run")
        self._refusal = gr.HTML(visible=False, apply_default_css=False)
        with gr.Group(visible=False, elem_id="confirm-delete-run") as self.confirm:
            self.question = gr.HTML(apply_default_css=False)
            with gr.Row():
                self.do_delete = gr.Button("Delete its files", variant="stop")
                self.keep = gr.Button("Keep it")

    def opened(self, run_id: str) -> list[Any]:
        """Return the values of `all` for a run, or of a closed panel for no run."""
        if not run_id:
            return [gr.Column(visible=False), gr.Group(visible=False), *self._unchanged(self.all)]
        run = self._studio.run_detail(run_id)
        others = [each for each in self._studio.runs() if each["run_id"] != run_id]
        choices = [("None", ""), *((run_title(each), each["run_id"]) for each in others)]
        return [
            gr.Column(visible=True),
            gr.Group(visible=False),
            gr.Dropdown(choices, value="", visible=bool(others)),
            settings_tables(run["settings"], run["all_settings"]),
            *self._live(run, ""),
        ]

    def refreshed(self, run_id: str, other: str | None) -> list[Any]:
        """Return the values of `live`: of the open run, with curves of another one beside it."""
        # Somebody else may have deleted it meanwhile.
        try:
            run = self._studio.run_detail(run_id) if run_id else None
        except NotFound:
            run = None
        if run is None:
            return [gr.skip() for _ in self.live]
        return self._live(run, other or "")

    def ask(self, run_id: str) -> list[Any]:
        """Return the question whether to delete a run, for `confirm` and `question`."""
        run = self._studio.run_detail(run_id)
        return [gr.Group(visible=True), delete_question(run, self._studio.registry.titles())]

    def _live(self, run: RunDetail, other: str) -> list[Any]:
        state, titles = run["state"], self._studio.registry.titles()
        refusal = resume_refusal(run, self._studio.runs())
        made = titles.of(run["version"]) if run["version"] else None
        resumable = state in RESUMABLE_STATES
        return [
            run_head(run, titles),
            gr.Button(visible=resumable, interactive=refusal is None),
            gr.HTML(f'<p class="soft">{refusal or ""}</p>', visible=refusal is not None),
            gr.Button(interactive=state not in ACTIVE_STATES),
            samples_strip(run["samples"], made),
            self._curves_html(run, other),
            log_lines(run["log"]),
        ]

    def _curves_html(self, run: RunDetail, other: str) -> str:
        beside = self._detail(other)
        if beside is None:
            few = '<p class="soft">A curve begins with the second step.</p>'
            return f'<div class="card run">{curves_of(run["metrics"]) or few}</div>'
        shown = curves_beside(
            (run_title(run), run["metrics"]), (run_title(beside), beside["metrics"])
        )
        return f'<div class="card run">{shown}</div>'

    def _detail(self, run_id: str) -> RunDetail | None:
        """Return a run to compare with; None for none, or for one that is gone."""
        try:
            return self._studio.run_detail(run_id) if run_id else None
        except NotFound:
            return None

    @staticmethod
    def _unchanged(components: list[Any]) -> list[Any]:
        """Return no change for all components but the panel itself and its question."""
        return [gr.skip() for _ in components[2:]]
