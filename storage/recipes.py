"""Recipes: everything that an image depends on, as the store keeps it beside the image."""

import hashlib
import json
from typing import NotRequired, TypeAlias, TypedDict

WHOLE = "whole"
"""How prompts are read that releases before cut off, or whose weights they took for words."""


class RenderedRecipe(TypedDict):
    """Recipe of a rendered image: equal recipes give equal images. Sizes in pixels."""

    base: str
    """Id of the model."""
    version: str
    """Version or mix of versions that rendered it."""
    prompt: str
    negative_prompt: str
    seed: int
    steps: int
    guidance: float
    width: int
    height: int
    scheduler: str
    prompt_prefix: NotRequired[str]
    """Text before the prompt; this and what follows are left out where they change nothing."""
    prompt_suffix: NotRequired[str]
    clip_skip: NotRequired[int]
    """The layer of the text encoders, as A1111 counts."""
    loras: NotRequired[list[tuple[str, float]]]
    """LoRAs under the base: the start of each file's SHA-256, and its weight."""
    text: NotRequired[str]
    """`WHOLE`, or left out where releases before read the prompt in the same way."""
    prediction: NotRequired[str]
    """What the model was taken to predict, where that is told or chosen apart from its files."""
    zero_terminal_snr: NotRequired[bool]
    """True where its noise schedule was taken to end in noise alone."""


class OriginalImage(TypedDict):
    """What an imported image was before it was scaled and cropped for the studio. In pixels."""

    size: list[int]
    """Its width and height."""
    crop: list[int]
    """What was cut off of the scaled image, at the left and at the top."""


class ImportedRecipe(TypedDict):
    """Recipe of an image that somebody brought."""

    imported: str
    """Digest of its file."""
    prompt: str
    """Its prompt, spelled as all prompts are."""
    written: NotRequired[str]
    """The prompt as it was written, where that differs."""
    original: NotRequired[OriginalImage]
    """The image in its file, where the studio keeps it scaled or cropped."""


Recipe: TypeAlias = RenderedRecipe | ImportedRecipe


def recipe_key(recipe: Recipe) -> str:
    """Return the SHA-256 of a recipe's canonical JSON, which no order of its keys changes."""
    canonical = json.dumps(recipe, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
