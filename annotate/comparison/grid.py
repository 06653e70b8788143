"""Comparison grid: the same prompts and seeds (rows), rendered by two or more mixes (columns)."""

import threading
import time
from collections.abc import Iterator, Sequence
from random import Random

from align.contracts.rendering import RenderItem
from annotate.comparison.mixes import Mix
from annotate.errors import VersionFileMissing
from annotate.rendering.look import Look
from annotate.rendering.pair_pool import PairPool
from annotate.rendering.prompts.prompt_variations import PromptVariations
from annotate.rendering.renderer import Renderer, WeightedAdapters
from annotate.rendering.rendering_watch import RenderingWatch
from annotate.urls import image_url
from annotate.views.comparison import BeforeAfterUrls
from storage.recipes import recipe_key
from storage.records import Image
from storage.store import Store
from storage.tables.prompts import clean_prompt

MAX_GROUP = 16
Cell = tuple[int, int]
"""The row of a prompt and seed among those asked for, and the column."""
GridImages = dict[Cell, Image]


class ComparisonGrid:
    """Render an image once per recipe; asked again, the stored one comes at once."""

    def __init__(
        self,
        store: Store,
        renderer: Renderer,
        pool: PairPool,
        model_id: str,
        variations: PromptVariations,
    ) -> None:
        self._store = store
        self._renderer = renderer
        self._pool = pool
        self._model_id = model_id
        self._variations = variations
        self._rendering = threading.Lock()
        self.watch = RenderingWatch(time.monotonic)
        """How far the images are that somebody compares."""

    def render(
        self,
        items: Sequence[RenderItem],
        mixes: Sequence[Mix],
        watch: RenderingWatch | None = None,
    ) -> Iterator[GridImages]:
        """Return every item's image in every column: those stored first, then groups as rendered.

        Groups grow 2, 4, 8, 16, so that the first images come soon and the rest cheaply; within a
        group one column comes after the other.

        `watch` is told how far the images are, in place of the grid's own.

        Raises InvalidPrompt, InvalidPrompts or UnknownVersion at once, and on the way
        SamplerSuspended, VersionFileMissing or what the sampler raises.
        """
        items = [RenderItem(self.vary(item.prompt, item.seed), item.seed) for item in items]
        # One look for all columns, whatever is changed meanwhile.
        columns = [self.resolve(mix) for mix in mixes]
        return self._groups(items, columns, self._renderer.look, watch or self.watch)

    def vary(self, prompt: str, seed: int) -> str:
        """Choose between variations of a prompt by the seed: asked again, it is the same.

        Raises InvalidPrompt or InvalidPrompts.
        """
        return self._variations.resolve(clean_prompt(prompt, "The prompt"), Random(seed))

    def resolve(self, mix: Mix) -> WeightedAdapters:
        """Return the adapter files of a mix with their weights; raises UnknownVersion."""
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
        self,
        items: Sequence[RenderItem],
        columns: Sequence[WeightedAdapters],
        look: Look,
        watch: RenderingWatch,
    ) -> Iterator[GridImages]:
        known: GridImages = {}
        for column, adapters in enumerate(columns):
            stored = self._stored(items, adapters, look)
            known |= {(row, column): image for row, image in stored.items()}
        yield known

        cells = [[(row, column) for column in range(len(columns))] for row in range(len(items))]
        incomplete = [r for r, its_cells in enumerate(cells) if not known.keys() >= set(its_cells)]
        # Held between two groups as well, or a request for pairs would come in between.
        with self._pool.hold_requests():
            for group in growing_groups(incomplete):
                for column, adapters in enumerate(columns):
                    rows = [row for row in group if (row, column) not in known]
                    images = self._images([items[row] for row in rows], adapters, look, watch)
                    if images:
                        yield {(r, column): image for r, image in zip(rows, images, strict=True)}

    def _images(
        self,
        items: Sequence[RenderItem],
        adapters: WeightedAdapters,
        look: Look,
        watch: RenderingWatch,
    ) -> list[Image]:
        with self._rendering:
            # Another comparison may have rendered these very images while this one waited.
            found = self._stored(items, adapters, look)
            missing = [i for i in range(len(items)) if i not in found]
            unique = list(dict.fromkeys(items[i] for i in missing))
            made = self._render(unique, adapters, look, watch)
            rendered = dict(zip(unique, made, strict=True))
        return [found.get(i) or rendered[items[i]] for i in range(len(items))]

    def _stored(
        self, items: Sequence[RenderItem], adapters: WeightedAdapters, look: Look
    ) -> dict[int, Image]:
        """Return the images that are stored already, by row."""
        keys = [recipe_key(self._renderer.recipe(item, adapters.name, look)) for item in items]
        images = self._store.find_images(keys)
        return {
            row: images[key]
            for row, key in enumerate(keys)
            if key in images and self._store.image_path(images[key].sha256).is_file()
        }

    def _render(
        self,
        items: Sequence[RenderItem],
        adapters: WeightedAdapters,
        look: Look,
        watch: RenderingWatch,
    ) -> list[Image]:
        if not items:
            return []
        self._pool.require_sampler("Compare again then.")
        for adapter, _ in adapters.adapters:
            if not adapter.is_file():
                raise VersionFileMissing(
                    f"{adapters.name} cannot be rendered: {adapter.parent.name}/{adapter.name} is "
                    "gone. Put it back from a copy, or compare without this version."
                )

        rendered: dict[int, Image] = {}
        add = rendered.__setitem__
        self._renderer.render(items, adapters, add, look, prefer_throughput=True, watch=watch)
        return self._store.add_images([rendered[i] for i in range(len(items))])


def growing_groups(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    """Split rows into groups of 2, 4, 8 and then equal ones of up to MAX_GROUP.

    A few that are left over at the end would cost nearly as much as a whole group.
    """
    start, size = 0, 2
    while start < len(rows):
        left = len(rows) - start
        equal = -(-left // -(-left // MAX_GROUP))
        now = size if size < MAX_GROUP else equal
        yield rows[start : start + now]
        start, size = start + now, min(2 * size, MAX_GROUP)


def addresses(groups: Iterator[GridImages]) -> Iterator[dict[Cell, str]]:
    """Return the addresses of the images, group by group."""
    return ({cell: image_url(image.image_id) for cell, image in group.items()} for group in groups)


def before_and_after(groups: Iterator[dict[Cell, str]]) -> Iterator[dict[int, BeforeAfterUrls]]:
    """Return both addresses of a grid of two columns, by row, once both are there."""
    sides: tuple[dict[int, str], dict[int, str]] = {}, {}
    for group in groups:
        for (row, column), url in group.items():
            sides[column][row] = url
        rows = {row for row, _ in group}
        if whole := sorted(rows & sides[0].keys() & sides[1].keys()):
            yield {r: {"before_url": sides[0][r], "after_url": sides[1][r]} for r in whole}
