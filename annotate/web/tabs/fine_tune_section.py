"""The next run on the Train tab: its plan, its settings, and the button that starts it."""

from typing import Any

import gradio as gr

from align.contracts.errors import PalateError
from annotate.service.studio import Studio
from annotate.training.new_votes import ALSO
from annotate.validation import as_settings
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error
from annotate.web.html.run_cards import notice_card, plan_card
from annotate.web.tabs.layout import heading
from annotate.web.tabs.runs_section import ACTIVE_STATES
from annotate.wording import quantity

TICK_S = 2


class FineTuneSection:
    """Components and events of the section; `timer` ticks only while its tab is in view.

    `started` is the event after which there is a new run.
    """

    def __init__(self, studio: Studio, tab: gr.Tab) -> None:
        self._studio, self._tab = studio, tab
        self._build()
        self._listen()

    def _build(self) -> None:
        self.timer = gr.Timer(TICK_S, active=False)
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

    def _listen(self) -> None:
        shown = [self._plan, self._start]

        @errors_as_gr_error
        def start(settings: str, others: list[str]) -> list[Any]:
            self._studio.fine_tune(with_others(settings, others))
            return self._view(settings, others)

        asked = [self._settings, self._others]
        self.started = self._start.click(start, asked, shown, **PRIVATE)
        # While somebody types, only the plan of the latest text matters.
        self._settings.input(self._view, asked, shown, trigger_mode="always_last", **PRIVATE)
        self._others.input(self._view, asked, shown, trigger_mode="always_last", **PRIVATE)
        self.timer.tick(self._view, asked, shown, **PRIVATE)
        self._tab.select(self._view, asked, shown, **PRIVATE)
        self._tab.select(self._sources, None, self._others, **PRIVATE)

    def _sources(self) -> Any:
        """Offer the other models that people voted on images of."""
        sources = self._studio.vote_sources.all()
        choices = [
            (f"{each['model']} ({quantity(each['votes'], 'vote')})", each["id"]) for each in sources
        ]
        return gr.CheckboxGroup(choices, visible=bool(choices))

    def _view(self, settings: str, others: list[str]) -> list[Any]:
        runs = self._studio.runs()
        busy = bool(runs) and runs[0]["state"] in ACTIVE_STATES
        plan, possible = self._plan_card(settings, others)
        return [plan, gr.Button(interactive=possible and not busy)]

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
