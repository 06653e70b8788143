"""The runs of the Train tab: the latest run, and the history of all."""

import json
from typing import Any

import gradio as gr
from gradio.events import Dependency

from annotate.service.studio import Studio
from annotate.views.training import RunDetail, RunView
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error
from annotate.web.html.run_cards import run_card, runs_table
from annotate.web.tabs.layout import heading

TICK_S = 2
ACTIVE_STATES = ("queued", "running", "paused")
RESUMABLE_STATES = ("paused", "cancelled", "interrupted", "failed")
CANCELLING_SCRIPT = f"() => ({json.dumps(gr.update(value='Cancelling …', interactive=False))})"


class RunsSection:
    """Components and events of the section; `timer` ticks only while its tab is in view.

    The latest run is built where the section is made, and the history where `build_history` is
    called.
    """

    def __init__(self, studio: Studio, tab: gr.Tab) -> None:
        self._studio, self._tab = studio, tab
        self.timer = gr.Timer(TICK_S, active=False)
        heading("Latest run")
        self._run = gr.HTML(elem_id="run", apply_default_css=False)
        with gr.Row():
            self._cancel = gr.Button("Cancel", visible=False, elem_id="cancel")
            self._resume = gr.Button("Resume", visible=False, elem_id="resume")

    def build_history(self) -> None:
        """Build the history below what is there by now, and wire all events."""
        self._history_title = heading("History", visible=False)
        self._history = gr.HTML(elem_id="history", apply_default_css=False)
        self._shown = [self._run, self._cancel, self._resume, self._history_title, self._history]
        self._listen()

    def refresh_after(self, event: Dependency) -> None:
        """Show the newest run once an event has started it."""
        event.success(self._view, None, self._shown, **PRIVATE)

    def _listen(self) -> None:
        shown = self._shown

        @errors_as_gr_error
        def cancel() -> list[Any]:
            self._studio.cancel_run(self._newest()["run_id"])
            return self._view()

        @errors_as_gr_error
        def resume() -> list[Any]:
            self._studio.resume_run(self._newest()["run_id"])
            return self._view()

        # In the browser first: the answer comes after the events that wait before it.
        self._cancel.click(None, None, self._cancel, js=CANCELLING_SCRIPT)
        self._cancel.click(cancel, None, shown, **PRIVATE)
        self._resume.click(resume, None, shown, **PRIVATE)
        self.timer.tick(self._view, None, shown, **PRIVATE)
        self._tab.select(self._view, None, shown, **PRIVATE)

    def _newest(self) -> RunView:
        runs = self._studio.runs()
        if not runs:
            raise gr.Error("There is no run yet.", print_exception=False)
        return runs[0]

    def _view(self) -> list[Any]:
        runs = self._studio.runs()
        run = self._studio.run_detail(runs[0]["run_id"]) if runs else None
        state, titles = run["state"] if run else "", self._studio.registry.titles()
        return [
            run_card(run, titles),
            cancel_button(run),
            gr.Button(visible=state in RESUMABLE_STATES),
            gr.HTML(visible=bool(runs)),
            runs_table(runs, titles),
        ]


def cancel_button(run: RunDetail | None) -> gr.Button:
    """Return the button that cancels a run; it stays as it is from the click to the end."""
    asked = bool(run and run.get("cancelling"))
    shown = bool(run and run["state"] in ACTIVE_STATES)
    return gr.Button("Cancelling …" if asked else "Cancel", visible=shown, interactive=not asked)
