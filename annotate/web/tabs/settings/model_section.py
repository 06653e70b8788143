"""The Model section: what is open, what else there is, and opening it without a restart."""

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from align.contracts.errors import PalateError
from annotate.background import BackgroundJob
from annotate.service.studio import Studio
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error
from annotate.web.html.model_cards import (
    found_card,
    model_list,
    open_model_card,
    refusal_card,
)
from annotate.web.html.run_cards import notice_card
from annotate.web.static_files import start_script
from annotate.web.tabs.layout import setting

TICK_S = 2
AS_TOLD = "as its files say"
PREDICTIONS = [
    (AS_TOLD, ""),
    ("noise (epsilon)", "epsilon"),
    ("velocities (v-prediction)", "v_prediction"),
]
HELP = (
    '<p class="soft">Every model keeps votes, runs and versions of its own, and finds them again '
    "when it is opened the next time. Everybody's page follows; the pair on a screen stays until "
    "its vote.</p>"
)
Shown = list[Any]


class ModelSection:
    """The accordion; `timer` ticks only while a model loads."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        with setting("Model", "What renders the images and is tuned.", "model") as section:
            self._build()
        self._form = [self._name, self._vae, self._prediction]
        self._shown = [self._current, self._list, self._result, self._timer, *self._buttons]
        section.expand(errors_as_gr_error(self._expanded), self._filter, self._shown, **PRIVATE)
        self._listen()

    def _build(self) -> None:
        self._timer = gr.Timer(TICK_S, active=False)
        self._current = gr.HTML(elem_id="open-model", apply_default_css=False)
        gr.HTML(HELP, apply_default_css=False)
        self._filter = gr.Textbox(
            label="Find in your models",
            placeholder="illustrious",
            max_lines=1,
            elem_id="find-model",
        )
        self._list = gr.HTML(
            elem_id="models", js_on_load=start_script("models.js"), apply_default_css=False
        )
        self._name = gr.Textbox(
            label="A file, a folder or a hub name",
            info="A single .safetensors file, a pipeline folder, or a name such as "
            "stabilityai/stable-diffusion-xl-base-1.0.",
            max_lines=1,
            elem_id="model-name",
        )
        with gr.Accordion("Options", open=False), gr.Row():
            self._vae = gr.Textbox(
                label="Autoencoder (VAE)",
                info="A file or a folder, in place of the model's own.",
                max_lines=1,
                elem_id="model-vae",
            )
            self._prediction = gr.Dropdown(
                PREDICTIONS,
                value="",
                label="It predicts",
                info="Where its files do not tell.",
                elem_id="model-prediction",
            )
        with gr.Row():
            look_up = gr.Button("Look it up", elem_id="look-up-model")
            opened = gr.Button("Open", variant="primary", elem_id="open-model-button")
        self._buttons = [look_up, opened]
        self._result = gr.HTML(elem_id="model-result", apply_default_css=False)

    def _listen(self) -> None:
        look_up, opened = self._buttons
        self._filter.change(
            self._filtered, self._filter, self._list, trigger_mode="always_last", **PRIVATE
        )
        self._timer.tick(
            self._tick, self._filter, [self._current, self._list, self._timer], **PRIVATE
        )
        looking = [self._result, *self._buttons]
        look, chosen = errors_as_gr_error(self._look_up), errors_as_gr_error(self._open)
        from_list, options = errors_as_gr_error(self._open_listed), self._form[1:]
        looked = gr.on([look_up.click, self._name.submit], look, self._form, looking, **PRIVATE)
        self.openings = [
            opened.click(chosen, [*self._form, self._filter], self._shown, **PRIVATE),
            self._list.select(from_list, [*options, self._filter], self._shown, **PRIVATE),
        ]
        for event in (looked, *self.openings):
            event.failure(_idle, None, self._buttons, **PRIVATE)

    def _expanded(self, wanted: str) -> Shown:
        current, listed, timer = self._state(wanted)
        return [current, listed, gr.skip(), timer, gr.skip(), gr.skip()]

    def _filtered(self, wanted: str) -> str:
        return self._state(wanted)[1]

    def _tick(self, wanted: str) -> Shown:
        return list(self._state(wanted))

    def _look_up(self, name: str, vae: str, prediction: str) -> Iterator[Shown]:
        work = lambda: found_card(self._studio.models.look_up(name, vae or "", prediction or ""))  # noqa: E731
        yield [notice_card("Looking it up", "Nothing is loaded or downloaded for that."), *_busy()]
        yield [_result_of(work), *_idle()]

    def _open(self, name: str, vae: str, prediction: str, wanted: str) -> Iterator[Shown]:
        job = BackgroundJob(lambda: self._studio.models.open(name, vae or "", prediction or ""))
        closing = notice_card("Opening it", "The model before is closed, which takes some seconds.")
        for _ in job.seconds():
            yield [gr.skip(), gr.skip(), closing, gr.skip(), *_busy()]
        result = _result_of(lambda: found_card(job.result()))
        current, listed, timer = self._state(wanted)
        yield [current, listed, result, timer, *_idle()]

    def _open_listed(
        self, vae: str, prediction: str, wanted: str, event: gr.EventData
    ) -> Iterator[Shown]:
        yield from self._open(str(event._data["model"]), vae, prediction, wanted)

    def _state(self, wanted: str) -> tuple[str, str, gr.Timer]:
        """Return the open model, the list, and the timer, which ticks while the model loads."""
        try:
            models = self._studio.models.all()
        except PalateError as error:
            view, sampler = self._studio.models.current(), self._studio.activity()["sampler"]
            return open_model_card(view, sampler), refusal_card(str(error)), gr.Timer(active=False)
        current = open_model_card(models["current"], models["sampler"])
        loading = models["sampler"]["state"] in ("starting", "loading", "stopped")
        return current, model_list(models, wanted or ""), gr.Timer(active=loading)


def _result_of(work: Callable[[], str]) -> str:
    """Return the card of an answer, or of why there is none."""
    try:
        return work()
    except PalateError as error:
        return refusal_card(str(error))


def _busy() -> list[gr.Button]:
    return [gr.Button(interactive=False), gr.Button(interactive=False)]


def _idle() -> list[gr.Button]:
    return [gr.Button(interactive=True), gr.Button(interactive=True)]
