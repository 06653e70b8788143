"""Renderer: images from the sampler, each recorded with the recipe that made it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from align.contracts.models import ModelInfo
from align.contracts.rendering import Rendered, RenderItem, RenderSettings
from annotate.interfaces import Sampler
from storage.recipes import RenderedRecipe, recipe_key
from storage.records import Image, Version, new_id

OnImage = Callable[[int, Image], None]


@dataclass(frozen=True, slots=True)
class WeightedAdapters:
    """Adapter files with their weights, and the name of the version or mix that they make."""

    name: str
    adapters: tuple[tuple[Path, float], ...]


def adapters_of(version: Version) -> WeightedAdapters:
    """Return a version's adapter at full weight; none for the base."""
    return WeightedAdapters(version.version, ((version.adapter, 1.0),) if version.adapter else ())


class Renderer:
    """Renders with one model, by the model's own settings."""

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

    @property
    def settings(self) -> RenderSettings:
        """What images are rendered with now."""
        return self._settings

    def recipe(self, item: RenderItem, version: str) -> RenderedRecipe:
        """Return everything that an image depends on; equal recipes give equal images."""
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
        """Render images and wait for them; raises what the sampler raises.

        Args:
            items: prompts and seeds.
            adapters: the version or mix that renders.
            on_image: called with an index and its image, which is not in the store yet.
            prefer_throughput: let the last image come soon rather than the first.
            preemptible: end early, with the images that are there, once somebody asks for images
                without this.
        """

        def record(index: int, rendered: Rendered) -> None:
            on_image(index, self._image(items[index], adapters.name, rendered))

        settings = self._settings
        self._sampler.render(
            items, adapters.adapters, settings, record, prefer_throughput, preemptible
        )

    def score(self, prompts: Sequence[str], images: Sequence[Path], adapter: Path) -> list[float]:
        """Return the implicit reward of each image: how much likelier an adapter makes it.

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
