"""Images from recipes: what the sampler draws, recorded with everything that made it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotate.interfaces import ModelInfo, Rendered, RenderItem, RenderSettings, Sampler
from storage.records import Image, Version, new_id, recipe_key

OnImage = Callable[[int, Image], None]


@dataclass(frozen=True, slots=True)
class WeightedAdapters:
    """What draws: adapters added up by weight, under the name that images are found by."""

    name: str
    adapters: tuple[tuple[Path, float], ...]


def adapters_of(version: Version) -> WeightedAdapters:
    """Return a version as it is."""
    return WeightedAdapters(version.version, ((version.adapter, 1.0),) if version.adapter else ())


class Renderer:
    """Draws with one model, by its own settings."""

    def __init__(self, sampler: Sampler, model: ModelInfo, model_id: str) -> None:
        self._sampler = sampler
        self._model_id = model_id
        self._settings = RenderSettings(
            model.width,
            model.height,
            model.steps,
            model.guidance,
            model.negative_prompt,
            model.scheduler,
        )

    def recipe(self, item: RenderItem, version: str) -> dict[str, Any]:
        """Everything that an image depends on."""
        settings = self._settings
        return {
            "base": self._model_id,
            "version": version,
            "prompt": item.prompt,
            "negative_prompt": settings.negative_prompt,
            "seed": item.seed,
            "steps": settings.steps,
            "guidance": settings.guidance,
            "width": settings.width,
            "height": settings.height,
            "scheduler": settings.scheduler,
        }

    def render(
        self,
        items: Sequence[RenderItem],
        adapters: WeightedAdapters,
        on_image: OnImage,
        prefer_throughput: bool = False,
        preemptible: bool = False,
    ) -> None:
        """Draw images and wait for them; `on_image` gets each with its index, not yet stored.

        If `prefer_throughput`, all come as soon as they can, else the first ones do. If
        `preemptible`, only those are drawn that are there once something is asked for without it.

        Raises what the sampler raises.
        """

        def hand_on(index: int, rendered: Rendered) -> None:
            on_image(index, self._image(items[index], adapters.name, rendered))

        settings = self._settings
        self._sampler.render(
            items, adapters.adapters, settings, hand_on, prefer_throughput, preemptible
        )

    def score(self, prompts: Sequence[str], images: Sequence[Path], adapter: Path) -> list[float]:
        """Return how much likelier an adapter holds each image to be than its base does.

        Raises what the sampler raises.
        """
        return list(self._sampler.score(prompts, images, adapter, self._settings))

    def _image(self, item: RenderItem, version: str, rendered: Rendered) -> Image:
        recipe = self.recipe(item, version)
        return Image(
            image_id=new_id(),
            sha256=rendered.sha256,
            width=rendered.width,
            height=rendered.height,
            recipe=recipe,
            recipe_key=recipe_key(recipe),
            version=version,
        )
