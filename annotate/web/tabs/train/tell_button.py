"""The button "Tell me when it is done" beside a run: the one thing that asks for notifications."""

from typing import Any

import gradio as gr

from annotate.service.studio import Studio
from annotate.web.errors_to_ui import PRIVATE
from annotate.web.static_files import event_script

SCRIPT = "change/notices.js"


class TellButton:
    """The button, shown while a run is under way or waits; `timer` ticks while its tab is open."""

    def __init__(self, studio: Studio, tab: gr.Tab, timer: gr.Timer) -> None:
        self._studio = studio
        button = gr.Button("Tell me when it is done", visible=False, elem_id="tell-me")
        # Browsers let a page ask only after a click, and so the click stays in the browser.
        button.click(None, None, button, js=event_script(SCRIPT, "askToTell"))
        timer.tick(self._view, None, button, **PRIVATE)
        tab.select(self._view, None, button, **PRIVATE)
        tab.select(None, None, button, js=event_script(SCRIPT, "asTold"))

    def _view(self) -> Any:
        return gr.Button(visible=self._studio.changes.under_way())
