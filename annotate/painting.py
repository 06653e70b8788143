"""Pictures from recipes: what the sampler draws, recorded with everything that made it."""

from collections.abc import Callable, Sequence
from typing import Any

from annotate.ports import Model, Rendered, RenderItem, RenderSettings, Sampler
from storage.records import Image, Version, new_id, recipe_key

OnPicture = Callable[[int, Image], None]


class Painter:
    """Draws with one model, by its own settings."""

    def __init__(self, sampler: Sampler, model: Model) -> None:
        self._sampler = sampler
        self._base = model.identity
        self._settings = RenderSettings(
            model.width,
            model.height,
            model.steps,
            model.guidance,
            model.negative_prompt,
            model.scheduler,
        )

    def recipe(self, item: RenderItem, version: str) -> dict[str, Any]:
        """Everything that a picture depends on."""
        settings = self._settings
        return {
            "base": self._base,
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

    def draw(
        self,
        items: Sequence[RenderItem],
        version: Version,
        on_picture: OnPicture,
        patient: bool = False,
    ) -> None:
        """Draw pictures and wait for them; `on_picture` gets each with its index, not yet stored.

        If `patient`, all come as soon as they can, else the first ones do.

        Raises what the sampler raises.
        """

        def on_image(index: int, rendered: Rendered) -> None:
            on_picture(index, self._image(items[index], version.version, rendered))

        self._sampler.render(items, version.adapter, self._settings, on_image, patient)

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
