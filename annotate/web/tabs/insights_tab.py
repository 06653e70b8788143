"""The Insights tab: pace, preferences and reliability of votes, and quality control."""

from html import escape
from typing import Any

import gradio as gr

from annotate.auth.identity import name_of
from annotate.insights.insights import WEIGH
from annotate.labeling.quality_control import GOLD_SHARE, MAX_SHARE, REPEAT_SHARE
from annotate.service.studio import Studio
from annotate.versions.naming import UNTITLED, VersionTitles
from annotate.views.vote_insights import InsightsView
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error
from annotate.web.html.insight_cards import insights_page, no_votes_card
from annotate.web.html.run_cards import notice_card
from annotate.web.tabs.layout import heading, inform

EVERYBODY = "Everybody"
PAGE_ACTOR = "page"
TICK_S = 2


class InsightsTab:
    """Components and events of the tab; `timer` ticks only while images are measured."""

    def __init__(self, studio: Studio, person: str | None = None) -> None:
        """Show everybody's votes, or with `person` only that person's, without the controls."""
        self._studio, self._person = studio, person
        with gr.Tab("Insights", id="insights", elem_id="insights-tab") as self.tab:
            self._build()
        self._listen()

    def _build(self) -> None:
        self.timer = gr.Timer(TICK_S, active=False)
        with gr.Row(visible=self._person is None):
            self._person_shown = gr.Dropdown(
                [EVERYBODY],
                value=EVERYBODY,
                label="Whose votes",
                min_width=300,
                scale=0,
                elem_id="insights-whose",
            )

        waiting = notice_card("Adding up the votes", "With very many this takes some seconds.")
        self._page = gr.HTML(waiting, elem_id="insights", apply_default_css=False)
        with gr.Accordion("Quality control", open=False) as self._controls:
            self._controls.visible = self._person is None
            self._build_controls()

    def _build_controls(self) -> None:
        with gr.Row():
            self._repeat = gr.Slider(
                0,
                100 * MAX_SHARE,
                step=1,
                label="Repeated pairs, %",
                info="Shown again with sides swapped, to measure consistency. Not trained on.",
            )
            self._gold = gr.Slider(
                0,
                100 * MAX_SHARE,
                step=1,
                label="Gold pairs, %",
                info="Pairs with a known answer; everybody is asked each once. Mark them by API.",
            )
        self._weigh = gr.Checkbox(
            label="Weight votes by reliability (needs three people or more, shown above)"
        )

        heading("Exclude votes")
        with gr.Row(equal_height=True):
            self._excluded = gr.Dropdown([], label="Whose", min_width=140, elem_id="exclude-whose")
            self._reason = gr.Textbox(label="Reason", max_lines=1, scale=2, elem_id="exclude-why")
            self._exclude = gr.Button("Exclude", min_width=110, elem_id="exclude")
        with gr.Row(equal_height=True):
            self._number = gr.Number(label="Exclusion no.", precision=0, min_width=140)
            self._lift = gr.Button("Lift the exclusion", min_width=180)

    def _listen(self) -> None:
        settings: list[gr.Slider | gr.Checkbox] = [self._repeat, self._gold, self._weigh]
        opened = [self._person_shown, self._excluded, *settings, self._page, self.timer]
        shown = [self._page, self.timer]

        self.tab.select(self._open, self._person_shown, opened, **PRIVATE)
        self._person_shown.change(self._view, self._person_shown, shown, **PRIVATE)
        self.timer.tick(self._view, self._person_shown, shown, **PRIVATE)
        for component, name in zip(settings, (REPEAT_SHARE, GOLD_SHARE, WEIGH), strict=True):
            component.input(
                errors_as_gr_error(self._setting_changer(name)), component, None, **PRIVATE
            )

        self._exclude.click(
            errors_as_gr_error(self._exclude_votes),
            [self._excluded, self._reason, self._person_shown],
            shown,
            **PRIVATE,
        )
        self._lift.click(
            errors_as_gr_error(self._lift_exclusion),
            [self._number, self._person_shown],
            shown,
            **PRIVATE,
        )

    def _open(self, whose: str | None) -> list[Any]:
        if self._person is None:
            # Recorded anew when an admin looks, by the votes up to now.
            self._studio.insights.weigh()

        report = self._studio.insights.report(self._person_of(whose))
        names = report["people"] if self._person is None and not self._person_of(whose) else None
        settings = report["settings"]
        return [
            gr.Dropdown(choices=[EVERYBODY, *names]) if names is not None else gr.skip(),
            gr.Dropdown(choices=names) if names is not None else gr.skip(),
            round(100 * settings["repeat_share"]),
            round(100 * settings["gold_share"]),
            settings["weigh_votes"],
            *self._shown(report),
        ]

    def _view(self, whose: str | None) -> list[Any]:
        return self._shown(self._studio.insights.report(self._person_of(whose)))

    def _shown(self, report: InsightsView) -> list[Any]:
        told = self._counts_told() if report["votes"] and report["person"] is None else ""
        elsewhere = 0 if report["votes"] or report["person"] else self._studio.votes_elsewhere()
        shown = no_votes_card(elsewhere) if elsewhere else insights_page(report, self._titles())
        page = self._learning_problem() + told + shown
        return [page, gr.Timer(active=report["measuring"]["left"] > 0)]

    def _counts_told(self) -> str:
        """Return how the counts of other tabs come about, which leave more out than this one."""
        sentence = self._studio.counts_told()
        among = "Votes in blind tests are counted here. " if "in blind tests" in sentence else ""
        return f'<p class="soft counts-told">{escape(among + sentence)}</p>'

    def _titles(self) -> VersionTitles:
        """Return the titles of versions, of which a labeler is told nothing."""
        return self._studio.registry.titles() if self._person is None else UNTITLED

    def _learning_problem(self) -> str:
        """Return a notice if active learning fails and pairs come in their order."""
        problem = None if self._person else self._studio.activity()["choosing"]["problem"]
        return notice_card("Active learning is off", problem) if problem else ""

    def _person_of(self, whose: str | None) -> str | None:
        """Return the person whose votes are shown; None for everybody."""
        chosen = None if whose in (None, "", EVERYBODY) else whose
        return self._person or chosen

    def _setting_changer(self, name: str) -> Any:
        def change(value: Any, request: gr.Request) -> None:
            share = value if name == WEIGH else value / 100
            self._studio.insights.change(name, share, name_of(request, PAGE_ACTOR))

        return change

    def _exclude_votes(
        self, person: str | None, reason: str, whose: str | None, request: gr.Request
    ) -> list[Any]:
        self._studio.insights.exclude(reason, name_of(request, PAGE_ACTOR), person=person or "")
        inform(f"{person}'s votes are not trained on until the exclusion is lifted.")
        return self._view(whose)

    def _lift_exclusion(
        self, number: float | None, whose: str | None, request: gr.Request
    ) -> list[Any]:
        self._studio.insights.lift(int(number or 0), name_of(request, PAGE_ACTOR))
        return self._view(whose)
