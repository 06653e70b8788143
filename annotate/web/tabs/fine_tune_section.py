"""The runs of the Train tab: the plan of the next run, the latest run, and the history."""

from typing import Any

import gradio as gr

from align.contracts.errors import PalateError
from annotate.service.studio import Studio
from annotate.training.new_votes import ALSO
from annotate.validation import as_settings
from annotate.views.training import RunView
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error
from annotate.web.html.run_cards import notice_card, plan_card, run_card, runs_table
from annotate.web.tabs.layout import heading
from annotate.wording import quantity

TICK_S = 2
ACTIVE_STATES = ("queued", "running", "paused")
RESUMABLE_STATES = ("paused", "cancelled", "interrupted", "failed")


class FineTuneSection:
    """Components and events of the section; `timer` ticks only while its tab is in view."""

    def __init__(self, studio: Studio, tab: gr.Tab) -> None:
        self._studio, self._tab = studio, tab
        self._build()
        self._listen()

    def _build(self) -> None:
        self.timer = gr.Timer(TICK_S, active=False)
        with gr.Row(elem_classes="halves"):
            with gr.Column(min_width=320):
                heading("Next run")
                self._plan = gr.HTML(elem_id="plan", apply_default_css=False)
                self._start = gr.Button("Fine-tune now", variant="primary", elem_id="fine-tune")
                self._others = gr.CheckboxGroup(
                    [],
                    label="Also learn from votes on images of",
                    info="Other models of this studio; people's taste is the same.",
                    visible=False,
                    elem_id="other-votes",
                )
                with gr.Accordion("Advanced settings", open=False):
                    self._settings = gr.Textbox(
                        label="Settings as JSON, {} for the defaults",
                        info="steps, max_minutes, resolution, rank, kappa, learning_rate, seed",
                        value="{}",
                        lines=2,
                        elem_id="settings",
                        elem_classes="mono",
                    )
            with gr.Column(min_width=320):
                heading("Latest run")
                self._run = gr.HTML(elem_id="run", apply_default_css=False)
                with gr.Row():
                    self._cancel = gr.Button("Cancel", visible=False, elem_id="cancel")
                    self._resume = gr.Button("Resume", visible=False, elem_id="resume")

        self._history_title = heading("History", visible=False)
        self._history = gr.HTML(elem_id="history", apply_default_css=False)

    def _listen(self) -> None:
        shown = [
            self._plan,
            self._start,
            self._run,
            self._cancel,
            self._resume,
            self._history_title,
            self._history,
        ]

        @errors_as_gr_error
        def start(settings: str, others: list[str]) -> list[Any]:
            self._studio.fine_tune(with_others(settings, others))
            return self._view(settings, others)

        @errors_as_gr_error
        def cancel(settings: str, others: list[str]) -> list[Any]:
            self._studio.cancel_run(self._newest()["run_id"])
            return self._view(settings, others)

        @errors_as_gr_error
        def resume(settings: str, others: list[str]) -> list[Any]:
            self._studio.resume_run(self._newest()["run_id"])
            return self._view(settings, others)

        asked = [self._settings, self._others]
        self._start.click(start, asked, shown, **PRIVATE)
        self._cancel.click(cancel, asked, shown, **PRIVATE)
        self._resume.click(resume, asked, shown, **PRIVATE)
        # While somebody types, only the plan of the latest text matters.
        self._settings.input(self._view, asked, shown, trigger_mode="always_last", **PRIVATE)
        self._others.input(self._view, asked, shown, trigger_mode="always_last", **PRIVATE)
        self.timer.tick(self._view, asked, shown, **PRIVATE)
        self._tab.select(self._view, asked, shown, **PRIVATE)
        self._tab.select(self._sources, None, self._others, **PRIVATE)

    def _newest(self) -> RunView:
        runs = self._studio.runs()
        if not runs:
            raise gr.Error("There is no run yet.", print_exception=False)
        return runs[0]

    def _sources(self) -> Any:
        """Offer the other models that people voted on images of."""
        sources = self._studio.vote_sources.all()
        choices = [
            (f"{each['model']} ({quantity(each['votes'], 'vote')})", each["id"]) for each in sources
        ]
        return gr.CheckboxGroup(choices, visible=bool(choices))

    def _view(self, settings: str, others: list[str]) -> list[Any]:
        runs = self._studio.runs()
        run = self._studio.run_detail(runs[0]["run_id"]) if runs else None
        state = run["state"] if run else ""

        plan, possible = self._plan_card(settings, others)
        return [
            plan,
            gr.Button(interactive=possible and state not in ACTIVE_STATES),
            run_card(run),
            gr.Button(visible=state in ACTIVE_STATES),
            gr.Button(visible=state in RESUMABLE_STATES),
            gr.HTML(visible=bool(runs)),
            runs_table(runs),
        ]

    def _plan_card(self, settings: str, others: list[str]) -> tuple[str, bool]:
        try:
            return plan_card(self._studio.plan(with_others(settings, others))), True
        # The reason why nothing can run yet is the plan.
        except PalateError as error:
            return notice_card("Not yet", str(error)), False


def with_others(settings: str, others: list[str]) -> dict[str, Any]:
    """Return the settings of a run with the models whose votes it takes along."""
    given = as_settings(settings)
    return {**given, ALSO: others} if others else given
