"""The Insights tab: how votes are given, what they like, and what is done about it."""

from typing import Any

import gradio as gr

from annotate.auth.identity import name_of
from annotate.insights.insights import WEIGH
from annotate.labeling.quality_control import GOLD_SHARE, MOST, REPEAT_SHARE
from annotate.service.studio import Studio
from annotate.web.errors_to_ui import PRIVATE, Errors, errors_as_gr_error
from annotate.web.html.insight_cards import insights_page
from annotate.web.html.run_cards import notice_card
from annotate.web.tabs.layout import heading

EVERYBODY = "Everybody"
PAGE = "page"
TICK_S = 2


class InsightsTab:
    """The tab's components and what they do; `timer` ticks only while images are measured."""

    def __init__(self, studio: Studio, expected: Errors, person: str | None = None) -> None:
        """Show everybody's votes, or with a `person` that one's alone and nothing to change."""
        self._studio, self._insights, self._person = studio, studio.insights, person
        self._expected = expected
        with gr.Tab("Insights", id="insights", elem_id="insights-tab") as self.tab:
            self._build()
        self._listen()

    def _build(self) -> None:
        self.timer = gr.Timer(TICK_S, active=False)
        with gr.Row(visible=self._person is None):
            self._whose = gr.Dropdown(
                [EVERYBODY],
                value=EVERYBODY,
                label="Whose votes",
                min_width=300,
                scale=0,
                elem_id="insights-whose",
            )
        waiting = notice_card("Adding up the votes", "With very many this takes some seconds.")
        self._page = gr.HTML(waiting, elem_id="insights", apply_default_css=False)
        with gr.Accordion("Checks, weights and exclusions", open=False) as self._acts:
            self._acts.visible = self._person is None
            self._build_acts()

    def _build_acts(self) -> None:
        with gr.Row():
            self._repeat = gr.Slider(
                0,
                100 * MOST,
                step=1,
                label="Pairs asked again, %",
                info="With sides swapped; they teach nothing and tell how sure a person is.",
            )
            self._gold = gr.Slider(
                0,
                100 * MOST,
                step=1,
                label="Known pairs, %",
                info="Each is asked of everybody once. Mark them through the API.",
            )
        self._weigh = gr.Checkbox(
            label="Votes count by how far they can be relied on (three people or more, shown above)"
        )
        heading("Leave votes out")
        with gr.Row(equal_height=True):
            self._out = gr.Dropdown([], label="Whose", min_width=140, elem_id="exclude-whose")
            self._reason = gr.Textbox(label="Reason", max_lines=1, scale=2, elem_id="exclude-why")
            self._exclude = gr.Button("Leave out", min_width=110, elem_id="exclude")
        with gr.Row(equal_height=True):
            self._number = gr.Number(label="Exclusion no.", precision=0, min_width=140)
            self._lift = gr.Button("Learn from them again", min_width=180)

    def _listen(self) -> None:
        refuse = errors_as_gr_error(self._expected)
        settings: list[gr.Slider | gr.Checkbox] = [self._repeat, self._gold, self._weigh]
        opened = [self._whose, self._out, *settings, self._page, self.timer]
        shown = [self._page, self.timer]
        self.tab.select(self._open, self._whose, opened, **PRIVATE)
        self._whose.change(self._view, self._whose, shown, **PRIVATE)
        self.timer.tick(self._view, self._whose, shown, **PRIVATE)
        for one, name in zip(settings, (REPEAT_SHARE, GOLD_SHARE, WEIGH), strict=True):
            one.input(refuse(self._changer(name)), one, None, **PRIVATE)
        self._exclude.click(
            refuse(self._leave_out), [self._out, self._reason, self._whose], shown, **PRIVATE
        )
        self._lift.click(refuse(self._learn_again), [self._number, self._whose], shown, **PRIVATE)

    def _open(self, whose: str | None) -> list[Any]:
        if self._person is None:
            self._insights.weigh()
        report = self._insights.report(self._of(whose))
        names = report["people"] if self._person is None and not self._of(whose) else None
        settings = report["settings"]
        return [
            gr.Dropdown(choices=[EVERYBODY, *names]) if names is not None else gr.skip(),
            gr.Dropdown(choices=names) if names is not None else gr.skip(),
            round(100 * settings[REPEAT_SHARE]),
            round(100 * settings[GOLD_SHARE]),
            settings[WEIGH],
            *self._shown(report),
        ]

    def _view(self, whose: str | None) -> list[Any]:
        return self._shown(self._insights.report(self._of(whose)))

    def _shown(self, report: dict[str, Any]) -> list[Any]:
        page = self._trouble() + insights_page(report)
        return [page, gr.Timer(active=report["measuring"]["left"] > 0)]

    def _trouble(self) -> str:
        """Return a notice where pairs cannot be chosen by what they would teach."""
        problem = None if self._person else self._studio.activity()["choosing"]["problem"]
        return notice_card("Pairs come in their order", problem) if problem else ""

    def _of(self, whose: str | None) -> str | None:
        """The one whose votes are shown; None for everybody."""
        chosen = None if whose in (None, "", EVERYBODY) else whose
        return self._person or chosen

    def _changer(self, name: str) -> Any:
        def change(value: Any, request: gr.Request) -> None:
            share = value if name == WEIGH else value / 100
            self._insights.change(name, share, name_of(request, PAGE))

        return change

    def _leave_out(
        self, person: str | None, reason: str, whose: str | None, request: gr.Request
    ) -> list[Any]:
        self._insights.exclude(reason, name_of(request, PAGE), person=person or "")
        gr.Info(f"Nothing is learned from {person}'s votes until that is lifted.")
        return self._view(whose)

    def _learn_again(
        self, number: float | None, whose: str | None, request: gr.Request
    ) -> list[Any]:
        self._insights.lift(int(number or 0), name_of(request, PAGE))
        return self._view(whose)
