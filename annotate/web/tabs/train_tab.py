"""The Train tab: runs, and the versions that they made."""

import gradio as gr

from annotate.service.studio import Studio
from annotate.web.tabs.layout import skip_links
from annotate.web.tabs.train.automatic_runs_section import AutomaticRunsSection
from annotate.web.tabs.train.change_section import ChangeSection
from annotate.web.tabs.train.fine_tune_section import FineTuneSection
from annotate.web.tabs.train.run_notice import build_run_notice
from annotate.web.tabs.train.runs_section import RunsSection
from annotate.web.tabs.train.tell_button import TellButton
from annotate.web.tabs.train.versions_section import VersionsSection

SECTIONS = {
    "run-budget": "Next run",
    "automatic-runs": "Automatic runs",
    "run": "Latest run",
    "history": "History",
    "versions": "Versions",
    "version": "Selected version",
}


class TrainTab:
    """The sections of the tab; `timers` tick only while it is in view."""

    def __init__(self, studio: Studio) -> None:
        with gr.Tab("Train", id="train", elem_id="train-tab") as self.tab:
            skip_links(SECTIONS)
            self.change = ChangeSection(studio, "train")
            build_run_notice(studio, "train")
            with gr.Row(elem_classes="halves"):
                with gr.Column(min_width=320):
                    fine_tune = FineTuneSection(studio, self.tab)
                    AutomaticRunsSection(studio, self.tab)
                with gr.Column(min_width=320):
                    runs = RunsSection(studio, self.tab)
                    TellButton(studio, self.tab, runs.timer)
            runs.build_history()
            runs.refresh_after(fine_tune.started)
            self.versions = VersionsSection(studio, self.tab)
        self.timers = (fine_tune.timer, runs.timer, self.versions.timer)
