"""The next run on the Train tab: its plan, its settings, and the button that starts it."""

from functools import partial
from typing import Any

import gradio as gr

from align.contracts.errors import PalateError
from annotate.auth.identity import name_of
from annotate.service.studio import Studio
from annotate.training.planning.run_form import changed
from annotate.validation import as_settings
from annotate.views.next_run import RunPreview
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error
from annotate.web.html.next_run_cards import beside_button, preview_card
from annotate.web.tabs.layout import heading
from annotate.web.tabs.train.run_form_fields import RunFormFields

TICK_S = 2
DEFAULT_ACTOR = "me"
LINKED = ("budget", "steps")
"""Fields of which each changes what the other shows."""
OTHER_SETTINGS = '<p class="soft">Automatic runs start with other settings.</p>'


class FineTuneSection:
    """Components and events of the section; `timer` ticks only while its tab is in view.

    `started` is the event after which there is a new run.
    """

    def __init__(self, studio: Studio, tab: gr.Tab) -> None:
        self._studio, self._tab = studio, tab
        self._fields = RunFormFields(studio.next_run.known)
        self._build()
        self._listen()

    def _build(self) -> None:
        self.timer = gr.Timer(TICK_S, active=False)
        heading("Next run")
        self._plan = gr.HTML(elem_id="plan", apply_default_css=False)
        self._fields.build_budget()
        with gr.Row(elem_id="start-run"):
            self._start = gr.Button(
                "Fine-tune now", variant="primary", interactive=False, elem_id="fine-tune", scale=1
            )
            self._beside = gr.HTML(elem_id="fine-tune-note", apply_default_css=False)
        with gr.Accordion("More settings", open=False, elem_id="more-settings"):
            self._fields.build_more()
            self._fields.build_json()
        with gr.Row(visible=False, elem_id="save-run-settings") as self._unsaved:
            gr.HTML(OTHER_SETTINGS, apply_default_css=False)
            self._save = gr.Button("Use these for automatic runs too", size="sm")

    def _listen(self) -> None:
        fields, json = self._fields, self._fields.json
        self._status = [self._plan, self._start, self._beside, self._unsaved]
        everything = [*fields.outputs, *self._status]
        # While somebody types, only the plan of the latest text matters.
        typing: dict[str, Any] = {"trigger_mode": "always_last", **PRIVATE}

        for name, field in fields.named.items():
            change = errors_as_gr_error(partial(self._change, name))
            field.input(change, [json, field], everything, **typing)  # type: ignore[attr-defined]
        json.input(self._typed, json, everything, **typing)
        # Gradio tells of keys alone as input, and not of what is pasted with the mouse.
        json.blur(self._typed, json, everything, **typing)
        self._tab.select(self._open, json, everything, **PRIVATE)
        self._tab.select(self._choices, None, fields.chosen_from, **PRIVATE)

        self.timer.tick(self._view, json, self._status, **PRIVATE)
        start, save = errors_as_gr_error(self._begin), errors_as_gr_error(self._keep)
        self.started = self._start.click(start, json, self._status, **PRIVATE)
        self._save.click(save, json, self._status, **PRIVATE)

    def _begin(self, text: str) -> list[Any]:
        self._studio.fine_tune(text)
        return self._view(text)

    def _keep(self, text: str, request: gr.Request) -> list[Any]:
        self._studio.next_run.save(text, name_of(request, DEFAULT_ACTOR))
        gr.Info("Saved. Runs that start by themselves use these settings.")
        return self._view(text)

    def _open(self, text: str) -> list[Any]:
        """Show what is typed already, or the saved settings at first."""
        if text.strip():
            return self._typed(text)
        settings = self._studio.next_run.saved()["settings"]
        preview = self._studio.next_run.preview(settings)
        return [*self._fields.updates(settings, preview), *self._shown(settings, preview)]

    def _choices(self) -> list[Any]:
        studio = self._studio
        annotators = studio.next_run.annotators()
        others = studio.vote_sources
        return self._fields.choices(studio.versions(), annotators, others.all(), others.imported())

    def _change(self, name: str, text: str, value: Any) -> list[Any]:
        """Take one field of the form over into the settings."""
        before = read(text)
        settings = changed(before or {}, name, value, self._fields.known)
        preview = self._studio.next_run.preview(settings)
        # Where the JSON could not be read it starts anew, and so does the form.
        others = tuple(each for each in LINKED if each != name) if name in LINKED else ()
        shown = self._fields.updates(settings, preview, others if before is not None else True)
        return [*shown, *self._shown(settings, preview)]

    def _typed(self, text: str) -> list[Any]:
        """Take JSON over into the form."""
        settings, preview = read(text), self._studio.next_run.preview(text)
        shown = self._fields.updates(settings, preview, typed=True)
        return [*shown, *self._shown(settings, preview)]

    def _view(self, text: str) -> list[Any]:
        return self._shown(read(text), self._studio.next_run.preview(text))

    def _shown(self, settings: dict[str, Any] | None, preview: RunPreview) -> list[Any]:
        saved = self._studio.next_run.saved()["settings"]
        unsaved = settings is not None and settings != saved and not preview["error"]
        return [
            preview_card(preview),
            gr.Button(interactive=preview["possible"]),
            beside_button(preview),
            gr.Row(visible=unsaved),
        ]


def read(text: str) -> dict[str, Any] | None:
    """Return the settings that a text holds; None where it is no JSON object."""
    try:
        return as_settings(text)
    except PalateError:
        return None
