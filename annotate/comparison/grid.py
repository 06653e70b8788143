"""The same prompts and seeds, drawn by two or more versions, strengths or mixes."""

import threading
from collections.abc import Iterator, Sequence

from annotate.comparison.mixes import Mix
from annotate.errors import SamplerSuspended, VersionFileMissing
from annotate.interfaces import RenderItem
from annotate.rendering.pair_pool import PairPool
from annotate.rendering.renderer import Renderer, WeightedAdapters
from annotate.urls import image_url
from storage.records import Image, recipe_key
from storage.store import Store
from storage.tables.prompts import clean_prompt

LARGEST_GROUP = 16
Cell = tuple[int, int]
"""The place of a prompt and seed among those asked for, and of a column among the columns."""
Drawn = dict[Cell, Image]


class ComparisonGrid:
    """Draws an image once per recipe; asked again, it gives the stored one at once."""

    def __init__(self, store: Store, renderer: Renderer, pool: PairPool, model_id: str) -> None:
        self._store = store
        self._renderer = renderer
        self._pool = pool
        self._model_id = model_id
        self._drawing = threading.Lock()

    def compare(self, items: Sequence[RenderItem], mixes: Sequence[Mix]) -> Iterator[Drawn]:
        """Return every item's image in every column: first what is stored, then groups as drawn.

        Groups grow 2, 4, 8, 16, so that the first images come soon and the rest cheaply; within
        a group one column comes after the other.

        Raises storage's InvalidPrompt or UnknownVersion at once, and on the way SamplerSuspended,
        VersionFileMissing or what the sampler raises.
        """
        items = [RenderItem(clean_prompt(i.prompt, "The prompt"), i.seed) for i in items]
        return self._groups(items, [self.look(mix) for mix in mixes])

    def look(self, mix: Mix) -> WeightedAdapters:
        """Return what draws a mix; raises UnknownVersion."""
        versions = [self._store.version(self._model_id, name) for name, _ in mix.parts]
        return WeightedAdapters(
            mix.name,
            tuple(
                (version.adapter, weight)
                for version, (_, weight) in zip(versions, mix.parts, strict=True)
                if version.adapter
            ),
        )

    def _groups(
        self, items: Sequence[RenderItem], looks: Sequence[WeightedAdapters]
    ) -> Iterator[Drawn]:
        known: Drawn = {}
        for column, look in enumerate(looks):
            stored = self._stored(items, look)
            known |= {(place, column): image for place, image in stored.items()}
        yield known
        cells = [[(place, column) for column in range(len(looks))] for place in range(len(items))]
        lacking = [place for place, row in enumerate(cells) if not known.keys() >= set(row)]
        # Between two groups as well, or a request for pairs would come in between.
        with self._pool.standing_aside():
            for group in growing(lacking):
                for column, look in enumerate(looks):
                    places = [place for place in group if (place, column) not in known]
                    drawn = self._images([items[place] for place in places], look)
                    if drawn:
                        yield {(p, column): image for p, image in zip(places, drawn, strict=True)}

    def _images(self, items: Sequence[RenderItem], look: WeightedAdapters) -> list[Image]:
        with self._drawing:
            # Whoever drew before us may have drawn these very images.
            found = self._stored(items, look)
            missing = [i for i in range(len(items)) if i not in found]
            unique = list(dict.fromkeys(items[i] for i in missing))
            drawn = dict(zip(unique, self._drawn(unique, look), strict=True))
        return [found.get(i) or drawn[items[i]] for i in range(len(items))]

    def _stored(self, items: Sequence[RenderItem], look: WeightedAdapters) -> dict[int, Image]:
        """The images that are there already, by place."""
        keys = [recipe_key(self._renderer.recipe(item, look.name)) for item in items]
        images = self._store.find_images(keys)
        return {
            place: images[key]
            for place, key in enumerate(keys)
            if key in images and self._store.image_path(images[key].sha256).is_file()
        }

    def _drawn(self, items: Sequence[RenderItem], look: WeightedAdapters) -> list[Image]:
        if not items:
            return []
        if reason := self._pool.resting:
            raise SamplerSuspended(f"{reason} Compare again after it.")
        for adapter, _ in look.adapters:
            if not adapter.is_file():
                raise VersionFileMissing(
                    f"{look.name} cannot be drawn: {adapter.parent.name}/{adapter.name} is gone. "
                    "Put it back from a copy, or compare without this version."
                )
        drawn: dict[int, Image] = {}
        self._renderer.draw(items, look, drawn.__setitem__, prefer_throughput=True)
        return self._store.add_images([drawn[i] for i in range(len(items))])


def growing(places: Sequence[int]) -> Iterator[Sequence[int]]:
    """Split places into groups of 2, 4, 8 and then equal ones of up to 16.

    A few that are left over at the end would cost nearly as much as a whole group.
    """
    start, size = 0, 2
    while start < len(places):
        left = len(places) - start
        equal = -(-left // -(-left // LARGEST_GROUP))
        now = size if size < LARGEST_GROUP else equal
        yield places[start : start + now]
        start, size = start + now, min(2 * size, LARGEST_GROUP)


def addresses(drawn: Iterator[Drawn]) -> Iterator[dict[Cell, str]]:
    """Return where the images are, as they are drawn."""
    return ({cell: image_url(image.image_id) for cell, image in group.items()} for group in drawn)


def before_and_after(drawn: Iterator[dict[Cell, str]]) -> Iterator[dict[int, dict[str, str]]]:
    """Return both images of a comparison of two once both are there, by place."""
    sides: tuple[dict[int, str], dict[int, str]] = {}, {}
    for group in drawn:
        for (place, column), url in group.items():
            sides[column][place] = url
        places = {place for place, _ in group}
        if whole := sorted(places & sides[0].keys() & sides[1].keys()):
            yield {p: {"before_url": sides[0][p], "after_url": sides[1][p]} for p in whole}
