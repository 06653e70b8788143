"""Which is an image? One prompt and seed under each reading of a model, and the choice of one."""

import threading
from collections.abc import Callable
from dataclasses import replace

from align.contracts.models import ModelInfo
from align.contracts.readings import Reading, readings_of, restored, stored, with_reading
from align.contracts.rendering import RenderItem
from annotate.errors import InvalidRequest
from annotate.rendering.look import Look
from annotate.rendering.renderer import Renderer, adapters_of
from annotate.urls import image_url
from annotate.validation import as_items, as_text
from annotate.views.readings import ReadingsView
from storage.records import Image
from storage.store import Store

BASE = "base"
ALL_KNOWN = "All is known about {name}, so there is nothing to choose between."
UNKNOWN = "{name!r} is no reading of this model. Choose one of: {known}."


def as_chosen(store: Store, model: ModelInfo) -> ModelInfo:
    """Return a model as somebody chose to take it in this studio before."""
    return restored(model, store.project_settings.get(_setting(model), None))


class ModelReadings:
    """Readings of the open model; thread-safe."""

    def __init__(
        self,
        store: Store,
        model: ModelInfo,
        model_id: str,
        renderer: Renderer,
        reopen: Callable[[ModelInfo], None],
    ) -> None:
        """`reopen` opens the model anew, as it is described after a choice."""
        self._store, self._model, self._model_id = store, model, model_id
        self._renderer, self._reopen = renderer, reopen
        self._images: dict[str, Image] = {}
        self._rendering = threading.Lock()

    def view(self) -> ReadingsView:
        """Return the readings, with images of those that were rendered."""
        urls = {name: image_url(image.image_id) for name, image in self._images.items()}
        return {
            "model": self._model.name,
            "readings": [
                {"name": each.name, "title": each.title, "url": urls.get(each.name)}
                for each in readings_of(self._model)
            ],
        }

    def render(self, prompt: str, seed: int) -> ReadingsView:
        """Render one prompt and seed under each reading, and return them with their images.

        Raises InvalidRequest where all is known, or what the sampler raises.
        """
        (item,) = as_items([prompt], [seed])
        readings = self._required()
        with self._rendering:
            self._images = {reading.name: self._image(item, reading) for reading in readings}
        return self.view()

    def choose(self, reading: str, who: str) -> ReadingsView:
        """Take the model in this reading from now on; it is opened anew for that.

        Raises InvalidRequest for a reading that it does not have, or what opening it raises.
        """
        name, readings = as_text(reading, "The reading"), self._required()
        chosen = next((each for each in readings if each.name == name), None)
        if chosen is None:
            known = ", ".join(each.name for each in readings)
            raise InvalidRequest(UNKNOWN.format(name=name, known=known))

        self._reopen(with_reading(self._model, chosen))
        self._store.project_settings.set(_setting(self._model), stored(chosen), who)
        return {"model": self._model.name, "readings": []}

    def _image(self, item: RenderItem, reading: Reading) -> Image:
        """Render an image, or return it from the store."""
        rendered: dict[int, Image] = {}
        base = adapters_of(self._store.version(self._model_id, BASE))
        look = look_of(self._renderer.look, self._model, reading)
        self._renderer.render([item], base, rendered.__setitem__, look)
        (image,) = self._store.add_images([rendered[0]])
        return image

    def _required(self) -> list[Reading]:
        readings = readings_of(self._model)
        if not readings:
            raise InvalidRequest(ALL_KNOWN.format(name=self._model.name))
        return readings


def look_of(look: Look, model: ModelInfo, reading: Reading) -> Look:
    """Return the look of a studio as a reading of its model changes it."""
    read = with_reading(model, reading)
    look = replace(look, prediction=read.prediction or "", zero_terminal_snr=read.zero_terminal_snr)
    if reading.few_steps is None:
        return look
    return replace(look, steps=read.steps, guidance=read.guidance, scheduler=read.scheduler)


def _setting(model: ModelInfo) -> str:
    """Return the name of the project setting: one for each model, by what it holds."""
    return f"reading:{model.identity}"
