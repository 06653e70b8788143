"""The Judge tab: start tests of two versions, see their outcome, act on it."""

from typing import Any

import gradio as gr

from annotate.rendering.prompts.prompt_sources import parse_prompts
from annotate.service.studio import Studio
from annotate.statistics.sequential_test import sample_sizes
from annotate.versions.naming import VersionTitles
from annotate.views.blind_test_results import BlindTestCard
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error
from annotate.web.html.blind_test_cards import blind_test_cards, sizes_card
from annotate.web.static_files import start_script
from annotate.web.tabs.layout import heading, inform
from storage.records import QUESTIONS

TICK_S = 3


class JudgeTab:
    """Components and events of the tab; `timer` ticks only while the tab is in view."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        with gr.Tab("Judge", id="judge", elem_id="judge-tab") as self.tab:
            self._build()
        self._listen()

    def _build(self) -> None:
        self.timer = gr.Timer(TICK_S, active=False)
        with gr.Row(elem_classes="halves"):
            with gr.Column(min_width=320):
                heading("New blind test")
                with gr.Row():
                    self._before = gr.Dropdown(
                        label="Baseline", min_width=130, elem_id="blind-test-before"
                    )
                    self._after = gr.Dropdown(
                        label="Candidate", min_width=130, elem_id="blind-test-after"
                    )
                with gr.Accordion("Options", open=False):
                    self._build_options()
                self._start = gr.Button(
                    "Start a blind test",
                    variant="primary",
                    interactive=False,
                    elem_id="start-blind-test",
                )
            self.choice = [self._before, self._after, self._start]
            with gr.Column(min_width=320):
                heading("Votes needed")
                gr.HTML(sizes_card(sample_sizes()), apply_default_css=False)

        heading("Blind tests")
        self._cards = gr.HTML(
            elem_id="blind-tests", js_on_load=start_script("blind_test.js"), apply_default_css=False
        )

    def _build_options(self) -> None:
        self._three_questions = gr.Checkbox(
            label="Ask three questions: better overall, looks better, follows the prompt better"
        )
        self._mixed = gr.Checkbox(label="Mix its pairs into everybody's labeling")
        self._activate_winner = gr.Checkbox(
            label="Activate the winner: the candidate if better, the baseline if worse"
        )

        self._prompts = gr.Textbox(
            label="Your own prompts, one per line",
            info="Nobody may have labeled them. Empty: the evaluation prompts that are set aside.",
            lines=3,
            max_lines=8,
        )

    def _listen(self) -> None:
        versions, options = (
            [self._before, self._after],
            [self._three_questions, self._mixed, self._activate_winner],
        )
        self._start.click(
            errors_as_gr_error(self._begin),
            [*versions, *options, self._prompts],
            self._cards,
            **PRIVATE,
        )

        self._cards.select(errors_as_gr_error(self._on_button), None, self._cards, **PRIVATE)
        self.timer.tick(self._view, None, self._cards, **PRIVATE)
        opened = [*versions, self._start, self._cards]
        # Versions are listed anew when the tab opens: a run may have added one.
        self.tab.select(self._open, versions, opened, **PRIVATE)

    def _open(self, before: str | None, after: str | None) -> list[Any]:
        """List every version; by default test the newest against its parent."""
        versions = self._studio.versions()
        names = [version["version"] for version in versions]
        offered = VersionTitles(versions).choices(names)
        if before not in names or after not in names or after == before:
            before, after = versions[-1]["parent"] or names[0], names[-1]
        return [
            gr.Dropdown(choices=offered, value=before),
            gr.Dropdown(choices=offered, value=after),
            gr.Button(interactive=len(names) > 1),
            self._view(),
        ]

    def choose(self, before: str, after: str) -> list[Any]:
        """Return the values of `choice` that select two versions."""
        versions = self._studio.versions()
        choices = VersionTitles(versions).choices(each["version"] for each in versions)
        chosen = [gr.Dropdown(choices=choices, value=version) for version in (before, after)]
        return [*chosen, gr.Button(interactive=True)]

    def _begin(
        self,
        before: str,
        after: str,
        three_questions: bool | None,
        mixed: bool | None,
        activate_winner: bool | None,
        prompts: str | None,
    ) -> str:
        # Gradio sends None for the fields of an accordion that was never opened.
        given = parse_prompts(prompts or "") if (prompts or "").strip() else None
        questions = QUESTIONS if three_questions else QUESTIONS[:1]
        self._studio.blind_tests.begin(
            before, after, given, questions, bool(mixed), bool(activate_winner)
        )
        gr.Info("Press Vote to take part. Both versions are rendering images.", duration=5)
        return self._view()

    def _on_button(self, event: gr.EventData) -> str:
        action, trial = str(event._data["action"]), str(event._data["trial"])
        report = self._studio.blind_tests.results(trial)

        if action == "report":
            saved = self._studio.blind_tests.reports.save(trial)["saved"]
            inform(f"The report is in the studio folder, in {saved}.")
        elif action == "end":
            self._studio.blind_tests.end(trial)
        else:
            version = report["after"] if action == "use" else report["before"]
            self._studio.activate(version)
            title = self._studio.registry.titles().of(version)
            inform(f"New pairs are rendered by {title} from now on.")
        return self._view()

    def _view(self) -> str:
        versions = self._studio.versions()
        active = next(version["version"] for version in versions if version["active"])
        tests = self._studio.blind_tests
        cards: list[BlindTestCard] = [
            {**results, "report_url": tests.reports.url(results["trial"])}
            for results in tests.all_results()
        ]
        titles = self._studio.registry.titles()
        return blind_test_cards(cards, active, len(versions) > 1, titles)
