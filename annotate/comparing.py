"""The same prompts and seeds, drawn by two versions."""

import threading
from collections.abc import Iterator, Sequence

from annotate.errors import SamplerAway
from annotate.painting import Painter
from annotate.pool import Pool
from annotate.ports import RenderItem
from storage.prompts import clean_prompt
from storage.records import Image, Version, recipe_key
from storage.store import Store

LARGEST_GROUP = 16
Drawn = dict[int, tuple[Image, Image]]
"""By the place of a prompt and seed among those asked for: what each version makes of it."""


class Comparing:
    """Draws a picture once per recipe; asked again, it gives the stored one at once."""

    def __init__(self, store: Store, painter: Painter, pool: Pool, base: str) -> None:
        self._store = store
        self._painter = painter
        self._pool = pool
        self._base = base
        self._drawing = threading.Lock()

    def compare(self, items: Sequence[RenderItem], before: str, after: str) -> Iterator[Drawn]:
        """Return both pictures of every item: first what is stored, then groups as they are drawn.

        Groups grow 2, 4, 8, 16, so that the first pictures come soon and the rest cheaply.

        Raises storage's InvalidPrompt or UnknownVersion at once, and on the way SamplerAway or
        what the sampler raises.
        """
        items = [RenderItem(clean_prompt(i.prompt, "The prompt"), i.seed) for i in items]
        versions = [self._store.version(self._base, name) for name in (before, after)]
        return self._groups(items, versions)

    def _groups(self, items: Sequence[RenderItem], versions: Sequence[Version]) -> Iterator[Drawn]:
        first, second = (self._stored(items, version) for version in versions)
        known = {i: (first[i], second[i]) for i in first if i in second}
        if known:
            yield known
        for group in growing([i for i in range(len(items)) if i not in known]):
            wanted = [items[i] for i in group]
            drawn = [self._pictures(wanted, version) for version in versions]
            yield dict(zip(group, zip(*drawn, strict=True), strict=True))

    def _pictures(self, items: Sequence[RenderItem], version: Version) -> list[Image]:
        with self._drawing:
            # Whoever drew before us may have drawn these very pictures.
            found = self._stored(items, version)
            missing = [i for i in range(len(items)) if i not in found]
            unique = list(dict.fromkeys(items[i] for i in missing))
            drawn = dict(zip(unique, self._drawn(unique, version), strict=True))
        return [found.get(i) or drawn[items[i]] for i in range(len(items))]

    def _stored(self, items: Sequence[RenderItem], version: Version) -> dict[int, Image]:
        """The pictures that are there already, by place."""
        keys = [recipe_key(self._painter.recipe(item, version.version)) for item in items]
        images = self._store.find_images(keys)
        return {
            place: images[key]
            for place, key in enumerate(keys)
            if key in images and self._store.image_path(images[key].sha256).is_file()
        }

    def _drawn(self, items: Sequence[RenderItem], version: Version) -> list[Image]:
        if not items:
            return []
        if reason := self._pool.resting:
            raise SamplerAway(f"{reason} Compare again after it.")
        drawn: dict[int, Image] = {}
        with self._pool.standing_aside():
            self._painter.draw(items, version, drawn.__setitem__, patient=True)
        return self._store.add_images([drawn[i] for i in range(len(items))])


def growing(places: Sequence[int]) -> Iterator[Sequence[int]]:
    """Split places into groups of 2, 4, 8, 16, 16 ..."""
    start, size = 0, 2
    while start < len(places):
        yield places[start : start + size]
        start, size = start + size, min(2 * size, LARGEST_GROUP)
