"""Studios to measure on: images that anybody can tell apart, in pairs that wait for a vote."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PILImage

from align.client.models import describe_model
from annotate.rendering.look import own_look, recipe_facts
from storage import Image, Store, new_id, recipe_key

SIDE = 128
BATCH = 100


def seed(home: Path, pairs: int) -> str:
    """Make a studio with so many waiting pairs of the embedded model; returns its identity."""
    model = describe_model()
    base = model.identity
    # Of the model's own look, since images of another one are shown to nobody.
    facts = recipe_facts(own_look(model).settings())
    count = 2 * pairs
    with Store(home) as store:
        store.ensure_base(base)
        images: list[Image] = []
        for start in range(0, count, BATCH):
            numbers = range(start, min(count, start + BATCH))
            images += store.add_images([image(store, base, number, facts) for number in numbers])
        for number in range(pairs):
            left, right = images[2 * number : 2 * number + 2]
            store.add_pair(f"prompt {number}", left.image_id, right.image_id, base, "base")
    return base


def image(store: Store, base: str, number: int, facts: dict[str, Any]) -> Image:
    """A smooth image of its own, stored."""
    rng = np.random.default_rng(number)
    small = PILImage.fromarray(rng.integers(0, 255, (5, 5, 3), dtype=np.uint8))
    content = io.BytesIO()
    small.resize((SIDE, SIDE), PILImage.Resampling.BICUBIC).save(content, "PNG", compress_level=1)
    sha256 = hashlib.sha256(content.getvalue()).hexdigest()
    path = store.image_path(sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.getvalue())
    recipe = {"base": base, "version": "base", "prompt": "bench", "seed": number, **facts}
    return Image(new_id(), sha256, SIDE, SIDE, recipe, recipe_key(recipe), "base")
