"""The look of a studio: what all of its images are rendered with, besides model and version."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from align.contracts.models import ModelInfo
from align.contracts.rendering import RenderItem, RenderSettings
from storage.recipes import Recipe

Size = tuple[int, int]
"""Width and height in pixels."""
IN_EVERY_RECIPE = ("negative_prompt", "steps", "guidance", "width", "height", "scheduler")
IN_SOME_RECIPES = (
    "prompt_prefix", "prompt_suffix", "clip_skip", "loras", "prediction", "zero_terminal_snr",
)  # fmt: skip
"""Facts of a look in recipes; the latter only where they change something, so that recipes of
images from before looks were known stay as they are."""


@dataclass(frozen=True, slots=True)
class BaseLora:
    """A LoRA under the base: its copy in the studio, and how strongly it is added."""

    file: str
    """Name of the file that somebody brought."""
    sha256: str
    """Of that file's bytes."""
    path: Path
    """The copy, in the form that diffusers reads."""
    weight: float


@dataclass(frozen=True, slots=True)
class Look:
    """What all images of a studio are rendered with; both images of a pair have one size of it."""

    sizes: tuple[Size, ...]
    steps: int
    guidance: float
    negative_prompt: str
    scheduler: str
    """A solver's name, or the model's own class of diffusers."""
    prompt_prefix: str = ""
    prompt_suffix: str = ""
    clip_skip: int = 1
    loras: tuple[BaseLora, ...] = ()
    prediction: str = ""
    """What the model is taken to predict, where its configurations do not say; see `ModelInfo`."""
    zero_terminal_snr: bool = False

    def settings(self, size: Size | None = None) -> RenderSettings:
        """Return the settings of a request to the sampler, in one size; left out, the first."""
        width, height = size or self.sizes[0]
        return RenderSettings(
            width,
            height,
            self.steps,
            self.guidance,
            self.negative_prompt,
            self.scheduler,
            self.prompt_prefix,
            self.prompt_suffix,
            self.clip_skip,
            tuple((str(lora.path), lora.weight) for lora in self.loras),
            self.prediction,
            self.zero_terminal_snr,
        )

    def named_settings(self) -> RenderSettings:
        """Return the settings with LoRAs by the names of the files that somebody brought."""
        return replace(
            self.settings(), loras=tuple((lora.file, lora.weight) for lora in self.loras)
        )

    def size_of(self, item: RenderItem) -> Size:
        """Return the size of an item that versions are compared on: always the same of several."""
        digest = hashlib.sha256(f"{item.seed}|{item.prompt}".encode()).digest()
        return self.sizes[int.from_bytes(digest[:8], "big") % len(self.sizes)]

    def in_one_size(self, size: Size) -> "Look":
        """Return the same look in one of its sizes."""
        return replace(self, sizes=(size,))

    def rendered(self, recipe: Recipe) -> bool:
        """Return whether an image with this recipe is of this look, as imported ones always are."""
        given = cast(Mapping[str, Any], recipe)
        if "imported" in given:
            return True
        size = (given.get("width"), given.get("height"))
        facts = {key: given[key] for key in (*IN_EVERY_RECIPE, *IN_SOME_RECIPES) if key in given}
        return size in self.sizes and facts == recipe_facts(self.settings(size))


def own_look(model: ModelInfo) -> Look:
    """Return the look that a model has by itself."""
    return Look(
        ((model.width, model.height),),
        model.steps,
        model.guidance,
        model.negative_prompt,
        model.scheduler,
        prediction=model.prediction or "",
        zero_terminal_snr=model.zero_terminal_snr,
    )


def recipe_facts(settings: RenderSettings) -> dict[str, Any]:
    """Return the facts of settings for a recipe; LoRAs by what they hold, not where they lie."""
    facts: dict[str, Any] = {key: getattr(settings, key) for key in IN_EVERY_RECIPE}
    plain: dict[str, Any] = {"prompt_prefix": "", "prompt_suffix": "", "clip_skip": 1, "loras": ()}
    own = replace(settings, **plain, prediction="", zero_terminal_snr=False)
    changed = [key for key in IN_SOME_RECIPES if getattr(settings, key) != getattr(own, key)]
    facts |= {key: getattr(settings, key) for key in changed}
    if settings.loras:
        facts["loras"] = [[Path(path).parent.name, weight] for path, weight in settings.loras]
    return facts
