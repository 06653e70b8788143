"""One prompt and one seed, drawn by two versions."""

import threading

from annotate.errors import SamplerAway
from annotate.painting import Painter
from annotate.pool import Pool
from annotate.ports import RenderItem
from storage.prompts import clean_prompt
from storage.records import Image, Version, recipe_key
from storage.store import Store


class Comparing:
    """Draws a picture once per recipe; asked again, it gives the stored one at once."""

    def __init__(self, store: Store, painter: Painter, pool: Pool, base: str) -> None:
        self._store = store
        self._painter = painter
        self._pool = pool
        self._base = base
        self._drawing = threading.Lock()

    def compare(self, prompt: str, seed: int, before: str, after: str) -> tuple[Image, Image]:
        """Return the pictures of two versions.

        Raises storage's InvalidPrompt or UnknownVersion, SamplerAway, or what the sampler raises.
        """
        item = RenderItem(clean_prompt(prompt, "The prompt"), seed)
        first, second = (self._store.version(self._base, name) for name in (before, after))
        return self._picture(item, first), self._picture(item, second)

    def _picture(self, item: RenderItem, version: Version) -> Image:
        key = recipe_key(self._painter.recipe(item, version.version))
        stored = self._stored(key)
        if stored is not None:
            return stored
        with self._drawing:
            # Whoever drew before us may have drawn this very picture.
            return self._stored(key) or self._drawn(item, version)

    def _stored(self, key: str) -> Image | None:
        image = self._store.find_images([key]).get(key)
        if image is None or not self._store.image_path(image.sha256).is_file():
            return None
        return image

    def _drawn(self, item: RenderItem, version: Version) -> Image:
        if reason := self._pool.resting:
            raise SamplerAway(f"{reason} Compare again after it.")
        drawn: list[Image] = []
        with self._pool.standing_aside():
            self._painter.draw([item], version, lambda _, image: drawn.append(image))
        return self._store.add_images(drawn)[0]
