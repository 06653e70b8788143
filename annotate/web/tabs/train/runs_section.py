"""The runs of the Train tab: the current run, the history of all, and the one that is open."""

import json
from typing import Any

import gradio as gr
from gradio.events import Dependency

from annotate.errors import NotResumable
from annotate.service.studio import Studio
from annotate.training.run_status import (
    ACTIVE_STATES,
    RESUMABLE_STATES,
    current_run,
    resume_refusal,
)
from annotate.views.training import RunDetail, RunView
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error
from annotate.web.html.run_cards import run_card, run_title, runs_table
from annotate.web.html.run_panel import deleted_notice
from annotate.web.static_files import event_script, start_script
from annotate.web.tabs.layout import heading
from annotate.web.tabs.train.run_panel import RunPanel

TICK_S = 2
SCRIPT = "runs.js"
CANCELLING_SCRIPT = f"() => ({json.dumps(gr.update(value='Cancelling …', interactive=False))})"


class RunsSection:
    """Components and events of the section; `timer` ticks only while its tab is in view.

    The current run is built where the section is made, the rest where `build_history` is called.
    """

    def __init__(self, studio: Studio, tab: gr.Tab) -> None:
        self._studio, self._tab = studio, tab
        self.timer = gr.Timer(TICK_S, active=False)
        self._opened = gr.State("")
        heading("Latest run")
        self._run = gr.HTML(elem_id="run", apply_default_css=False)
        with gr.Row():
            self._cancel = gr.Button("Cancel", visible=False, elem_id="cancel")
            self._resume = gr.Button("Resume", visible=False, elem_id="resume")
            self._open = gr.Button("Look into it", visible=False, elem_id="open-run")

    def build_history(self) -> None:
        """Build the history below what is there by now, and wire all events."""
        self._history_title = heading("History", visible=False)
        self._history = gr.HTML(
            elem_id="history", js_on_load=start_script(SCRIPT), apply_default_css=False
        )
        self._panel = RunPanel(self._studio)
        self._shown = [self._run, self._cancel, self._resume, self._open]
        self._shown += [self._history_title, self._history]
        self._listen()
        self._listen_to_panel()

    def refresh_after(self, event: Dependency) -> None:
        """Show the newest run once an event has started it."""
        event.success(self._view, self._opened, self._shown, **PRIVATE)

    def _listen(self) -> None:
        shown, opened = self._shown, self._opened
        every = [opened, *shown, *self._panel.all]

        @errors_as_gr_error
        def cancel(open_id: str) -> list[Any]:
            self._studio.cancel_run(self._current()["run_id"])
            return self._view(open_id)

        @errors_as_gr_error
        def resume(open_id: str) -> list[Any]:
            self.resume_if_idle(self._current())
            return self._view(open_id)

        @errors_as_gr_error
        def choose(event: gr.EventData, open_id: str) -> list[Any]:
            chosen = str(event._data["run"])
            return self._open_run("" if chosen == open_id else chosen)

        @errors_as_gr_error
        def open_current() -> list[Any]:
            return self._open_run(self._current()["run_id"])

        # In the browser first: the answer comes after the events that wait before it.
        self._cancel.click(None, None, self._cancel, js=CANCELLING_SCRIPT)
        self._cancel.click(cancel, opened, shown, **PRIVATE)
        self._resume.click(resume, opened, shown, **PRIVATE)
        looked = self._open.click(open_current, None, every, **PRIVATE)
        # Below the fold it would seem as if nothing had happened.
        looked.success(None, None, None, js=event_script(SCRIPT, "showOpened"), **PRIVATE)
        # By default Gradio drops selections that come while an answer is on its way.
        self._history.select(choose, opened, every, trigger_mode="always_last", **PRIVATE)
        self.timer.tick(self._view, opened, shown, **PRIVATE)
        self._tab.select(self._view, opened, shown, **PRIVATE)

    def _listen_to_panel(self) -> None:
        panel, opened = self._panel, self._opened
        every = [opened, *self._shown, *panel.all]
        asked, live = [opened, panel.other], panel.live

        @errors_as_gr_error
        def resume(open_id: str) -> list[Any]:
            self.resume_if_idle(self._studio.run_detail(open_id))
            return self._open_run(open_id)

        @errors_as_gr_error
        def delete(open_id: str) -> list[Any]:
            run = self._studio.run_detail(open_id)
            gr.Info(deleted_notice(run_title(run), self._studio.delete_run(open_id)))
            return self._open_run("")

        panel.resume.click(resume, opened, every, **PRIVATE)
        panel.close.click(lambda: self._open_run(""), None, every, **PRIVATE)
        panel.delete.click(
            errors_as_gr_error(panel.ask), opened, [panel.confirm, panel.question], **PRIVATE
        )
        panel.keep.click(lambda: gr.Group(visible=False), None, panel.confirm, **PRIVATE)
        panel.do_delete.click(delete, opened, every, **PRIVATE)
        panel.other.input(panel.refreshed, asked, live, trigger_mode="always_last", **PRIVATE)
        self.timer.tick(panel.refreshed, asked, live, **PRIVATE)

    def resume_if_idle(self, run: RunView) -> None:
        """Resume a run; raises NotResumable while another one trains or waits to."""
        if refusal := resume_refusal(run, self._studio.runs()):
            raise NotResumable(refusal)
        self._studio.resume_run(run["run_id"])

    def _current(self) -> RunView:
        run = current_run(self._studio.runs())
        if run is None:
            raise gr.Error("There is no run yet.", print_exception=False)
        return run

    def _open_run(self, run_id: str) -> list[Any]:
        return [run_id, *self._view(run_id), *self._panel.opened(run_id)]

    def _view(self, opened: str) -> list[Any]:
        runs = self._studio.runs()
        current = current_run(runs)
        run = self._studio.run_detail(current["run_id"]) if current else None
        state, titles = run["state"] if run else "", self._studio.registry.titles()
        return [
            run_card(run, titles),
            cancel_button(run),
            gr.Button(visible=state in RESUMABLE_STATES),
            gr.Button(visible=bool(runs)),
            gr.HTML(visible=bool(runs)),
            runs_table(runs, titles, opened),
        ]


def cancel_button(run: RunDetail | None) -> gr.Button:
    """Return the button that cancels a run; it stays as it is from the click to the end."""
    asked = bool(run and run.get("cancelling"))
    shown = bool(run and run["state"] in ACTIVE_STATES)
    return gr.Button("Cancelling …" if asked else "Cancel", visible=shown, interactive=not asked)
