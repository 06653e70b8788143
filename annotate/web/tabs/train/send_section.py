"""The part of the Train tab that sends a version to ComfyUI, A1111 or Forge."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from align.contracts.errors import PalateError
from annotate.auth.identity import name_of
from annotate.background import BackgroundJob
from annotate.service.studio import Studio
from annotate.versions.sending import MAX_STRENGTH, MIN_STRENGTH
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error
from annotate.web.html.version_cards import progress_card, refusal_card, sent_card

DEFAULT_ACTOR = "me"
SEND = "Send to ComfyUI, A1111 or Forge"


class SendSection:
    """The button, the strength, and the folder that is set once."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        with gr.Row(equal_height=True):
            self._strength = gr.Slider(
                MIN_STRENGTH,
                MAX_STRENGTH,
                value=1.0,
                step=0.05,
                label="Strength that you like it at",
                info="The file is right at 1.0 there.",
                min_width=180,
                scale=3,
                elem_id="send-strength",
            )
            self._send = gr.Button(SEND, elem_id="send-version", min_width=90)
        self.result = gr.HTML(elem_id="sent", apply_default_css=False)
        with gr.Accordion("Where versions are sent", open=False) as self._place:
            self._folder = gr.Textbox(
                label="LoRA folder",
                info="Or the folder of ComfyUI, A1111 or Forge. Set once, for every version.",
                placeholder="~/ComfyUI",
                elem_id="lora-folder",
            )
            self._save = gr.Button("Use this folder", size="sm", elem_id="save-lora-folder")
            self._told = gr.HTML(elem_id="lora-folder-told", apply_default_css=False)

    def listen(self, version: gr.State, tab: gr.Tab) -> None:
        """Connect the events; `version` is the one that is selected."""
        where = [self._folder, self._told]
        gr.on(
            [self._save.click, self._folder.submit],
            errors_as_gr_error(self._set),
            self._folder,
            where,
            **PRIVATE,
        )
        tab.select(self.stored_folder, self._folder, self._folder, **PRIVATE)
        shown = [self.result, self._send, self._place]
        self._send.click(
            errors_as_gr_error(self._send_it), [version, self._strength], shown, **PRIVATE
        ).failure(lambda: ["", gr.Button(interactive=True), gr.skip()], None, shown, **PRIVATE)

    def stored_folder(self, shown: str) -> Any:
        """Show the folder that is set; without one, what somebody types meanwhile stays."""
        stored = self._studio.sender.folder()["folder"]
        return stored if stored and stored != shown else gr.skip()

    def _set(self, folder: str, request: gr.Request) -> list[Any]:
        try:
            who = name_of(request, DEFAULT_ACTOR)
            found = self._studio.sender.set_folder(folder, who)["folder"]
        except PalateError as error:
            return [gr.skip(), refusal_card(str(error))]
        told = "Versions go there from now on." if found else "Versions are sent nowhere now."
        return [found, f'<p class="soft" role="status">{told}</p>']

    def _send_it(self, version: str, strength: float) -> Iterator[list[Any]]:
        expected = self._studio.registry.durations.expected("send")
        titles = self._studio.registry.titles()
        job = BackgroundJob(lambda: self._studio.sender.send(version, strength))
        for seconds in job.seconds():
            card = progress_card(f"Sending {titles.of(version)}", seconds, expected)
            yield [card, gr.Button(interactive=False), gr.skip()]
        try:
            yield [sent_card(job.result(), titles), gr.Button(interactive=True), gr.skip()]
        except PalateError as error:
            # What is missing most often is the folder, so that its place is shown.
            unset = not self._studio.sender.folder()["folder"]
            opened = gr.Accordion(open=True) if unset else gr.skip()
            yield [refusal_card(str(error)), gr.Button(interactive=True), opened]
