"""The section to prepare pairs: how many, what they take, and how far they are."""

from typing import Any

import gradio as gr

from align.contracts.errors import PalateError
from annotate.auth.identity import name_of
from annotate.service.preparation import MAX_PREPARED
from annotate.service.studio import Studio
from annotate.views.pair_rendering import PreparedPairsView
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error
from annotate.web.html.prepare_cards import (
    UNDER_WAY,
    estimate_card,
    not_prepared_card,
    prepared_card,
)
from annotate.web.tabs.layout import setting

DEFAULT_ACTOR = "me"
FIRST_COUNT = 200
REFRESH_S = 3.0
HELP = (
    '<p class="soft">Renders pairs ahead for people who label later, also while nobody looks and '
    "after a restart. Votes use them up. Once another version is active, its own pairs come first "
    "and prepared ones fill in whenever none of those is ready. A change of the look sets them "
    "aside until it is changed back. Sets of four are not prepared: a few are kept ready "
    "once somebody labels four at a time.</p>"
)


class PrepareSection:
    """The form, what the number in it would take, and how far the order is."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        with setting(
            "Prepare pairs", "Rendered ahead for whoever labels later.", "prepare"
        ) as section:
            gr.HTML(HELP, apply_default_css=False)
            self._progress = gr.HTML(elem_id="prepared", apply_default_css=False)
            with gr.Row(elem_id="prepare-row"):
                self._count = gr.Number(
                    FIRST_COUNT,
                    label="Pairs",
                    info=f"Beside those that are ready; up to {MAX_PREPARED:,}.",
                    min_width=160,
                    elem_id="prepare-count",
                )
                self._start = gr.Button(
                    "Prepare", variant="primary", scale=0, min_width=120, elem_id="prepare-start"
                )
                self._stop = gr.Button(
                    "Stop", visible=False, scale=0, min_width=90, elem_id="prepare-stop"
                )
            self._costs = gr.HTML(elem_id="prepare-costs", apply_default_css=False)
            self._timer = gr.Timer(REFRESH_S, active=False)
        self._shown = [
            self._progress, self._count, self._costs, self._start, self._stop, self._timer
        ]  # fmt: skip
        self._listen(section)

    def _listen(self, section: gr.Accordion) -> None:
        look = errors_as_gr_error(self._look)
        for event in (section.expand, self._timer.tick, self._count.change):
            event(look, self._count, self._shown, **PRIVATE)
        section.collapse(lambda: gr.Timer(active=False), None, self._timer, **PRIVATE)
        for event in (self._start.click, self._count.submit):
            event(errors_as_gr_error(self._begin), self._count, self._shown, **PRIVATE)
        self._stop.click(errors_as_gr_error(self._end), self._count, self._shown, **PRIVATE)

    def _look(self, count: float | None) -> list[Any]:
        return self._values(self._studio.preparation.view(), count)

    def _begin(self, count: float | None, request: gr.Request) -> list[Any]:
        preparation = self._studio.preparation
        try:
            view = preparation.begin(count, name_of(request, DEFAULT_ACTOR))
        except PalateError as error:
            shown = self._values(preparation.view(), count)
            return [*shown[:2], not_prepared_card(str(error)), *shown[3:]]
        return self._values(view, count)

    def _end(self, count: float | None, request: gr.Request) -> list[Any]:
        view = self._studio.preparation.stop(name_of(request, DEFAULT_ACTOR))
        return self._values(view, count)

    def _values(self, view: PreparedPairsView, count: float | None) -> list[Any]:
        """Return what the components show; the timer goes on while that may change by itself."""
        going = view["state"] in UNDER_WAY
        refused, costs = self._costs_of(view, count)
        return [
            prepared_card(view, self._studio.registry.titles()),
            gr.Number(visible=not going),
            "" if going else costs,
            gr.Button(visible=not going, interactive=not refused),
            gr.Button(visible=going),
            gr.Timer(active=going or view["seconds_per_pair"] is None),
        ]

    def _costs_of(self, view: PreparedPairsView, count: float | None) -> tuple[bool, str]:
        """Return whether a number of pairs is refused, and a card of what it takes or why not."""
        try:
            estimate = self._studio.preparation.estimate(count)
        except PalateError as error:
            return True, not_prepared_card(str(error))
        return bool(estimate["refusal"]), estimate_card(estimate, view)
