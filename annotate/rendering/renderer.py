"""Renderer: images from the sampler, each recorded with the recipe that made it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from align.contracts.prompt_marks import is_read_whole
from align.contracts.rendering import Rendered, RenderItem
from align.contracts.step_progress import StepProgress
from annotate.interfaces import Sampler
from annotate.rendering.look import Look, Size, recipe_facts
from annotate.rendering.rendering_watch import RenderingWatch
from annotate.rendering.studio_look import StudioLook
from storage.recipes import WHOLE, RenderedRecipe, recipe_key
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
    """Renders with one model, in the look of the studio."""

    def __init__(self, sampler: Sampler, look: StudioLook, model_id: str) -> None:
        self._sampler, self._look, self._model_id = sampler, look, model_id

    @property
    def look(self) -> Look:
        """Return the look that images are rendered with now."""
        return self._look.current

    def holding_look(self) -> AbstractContextManager[Look]:
        """Return a context in which the look is not changed, with the look."""
        return self._look.holding()

    def recipe(self, item: RenderItem, version: str, look: Look) -> RenderedRecipe:
        """Return everything that an image depends on; equal recipes give equal images."""
        settings = look.settings(look.size_of(item))
        made: dict[str, Any] = {
            "base": self._model_id,
            "version": version,
            "prompt": item.prompt,
            "seed": item.seed,
            **recipe_facts(settings),
        }
        texts = (settings.whole_prompt(item.prompt), settings.negative_prompt)
        if any(is_read_whole(text, self._look.prompt_tokens) for text in texts):
            # Stored images of before are others.
            made["text"] = WHOLE
        return cast(RenderedRecipe, made)

    def render(
        self,
        items: Sequence[RenderItem],
        adapters: WeightedAdapters,
        on_image: OnImage,
        look: Look,
        prefer_throughput: bool = False,
        preemptible: bool = False,
        watch: RenderingWatch | None = None,
    ) -> None:
        """Render images and wait for them; raises what the sampler raises.

        Args:
            items: prompts and seeds.
            adapters: the version or mix that renders.
            on_image: called with an index and its image, which is not in the store yet.
            look: the look of all of them, each in its own size of several.
            prefer_throughput: let the last image come soon rather than the first.
            preemptible: end early, with the images that are there, once somebody asks for images
                without this.
            watch: is told of the steps meanwhile.
        """
        with watch.watching() if watch else nullcontext():
            self._render_sizes(
                items, adapters, on_image, look, prefer_throughput, preemptible, watch
            )

    def _render_sizes(
        self,
        items: Sequence[RenderItem],
        adapters: WeightedAdapters,
        on_image: OnImage,
        look: Look,
        prefer_throughput: bool,
        preemptible: bool,
        watch: RenderingWatch | None,
    ) -> None:
        """Render the images of one size after those of the other."""
        for size, indices in by_size(items, look).items():
            wanted = [items[index] for index in indices]

            def record(index: int, rendered: Rendered, indices: list[int] = indices) -> None:
                item = items[indices[index]]
                on_image(indices[index], self._image(item, adapters.name, rendered, look))

            tell = partial(tell_places, watch, indices, len(items)) if watch else None
            files, settings = adapters.adapters, look.settings(size)
            made = self._sampler.render(
                wanted,
                files,
                settings,
                record,
                prefer_throughput,
                preemptible,
                tell,
                watch is not None and watch.previews,
            )
            # Somebody else's images come first: the other sizes are for a later request.
            if len(made) < len(wanted):
                return

    def score(self, prompts: Sequence[str], images: Sequence[Path], adapter: Path) -> list[float]:
        """Return the implicit reward of each image: how much likelier an adapter makes it.

        Raises what the sampler raises.
        """
        return list(self._sampler.score(prompts, images, adapter, self.look.settings()))

    def _image(self, item: RenderItem, version: str, rendered: Rendered, look: Look) -> Image:
        recipe = self.recipe(item, version, look)
        return Image(
            image_id=new_id(),
            sha256=rendered.sha256,
            width=rendered.width,
            height=rendered.height,
            recipe=recipe,
            recipe_key=recipe_key(recipe),
            version=version,
        )


def tell_places(
    watch: RenderingWatch, indices: Sequence[int], count: int, progress: StepProgress
) -> None:
    """Tell of images by their places among all of a request, of which a group is rendered."""
    places = [indices[index] for index in progress["indices"]]
    watch.tell({**progress, "indices": places, "count": count})


def by_size(items: Sequence[RenderItem], look: Look) -> dict[Size, list[int]]:
    """Return the indices of items by the size that each is rendered in."""
    groups: dict[Size, list[int]] = {}
    for index, item in enumerate(items):
        groups.setdefault(look.size_of(item), []).append(index)
    return groups
