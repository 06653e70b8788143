"""Brings a folder of pictures in: read, pair by prompt, store, hand to the desk."""

import os
import random
import threading
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image as Pillow

from annotate.desk import Desk
from annotate.errors import BadMaterial
from annotate.likeness import Likeness
from annotate.material.folder import Found, find_pictures
from annotate.material.pairing import rounds, slices
from annotate.material.pictures import Head, Size, Skip, develop, look
from annotate.material.summary import ALONE, SAME, STOPPED, Progress, Summary
from annotate.requests import as_text
from annotate.timing import Monotonic
from storage.material import IMPORTED
from storage.records import Image, new_id, recipe_key
from storage.store import Store

SLICE = 48
"""Pictures that are paired and stored together: the first pairs are there in a moment."""
MOST_THREADS = 8


@dataclass(frozen=True, slots=True)
class Print:
    """A picture that is ready to be paired, and what it looks like."""

    image: Image
    likeness: Likeness


@dataclass
class Stock:
    """What the studio holds of a folder: pictures by key, pairs, and the pictures in them."""

    images: dict[str, Image]
    partners: dict[str, set[str]]
    """By the id of a picture in a pair, those that it is paired with."""

    def knows(self, head: Head) -> bool:
        """Whether a picture is in a pair already."""
        image = self.images.get(key_of(head))
        return image is not None and image.image_id in self.partners


Part = list[tuple[Head, Size]]


class Material:
    """Imports of folders, one at a time; safe from any thread."""

    def __init__(
        self,
        store: Store,
        desk: Desk,
        base: str,
        kept: Callable[[], set[str]],
        chance: random.Random,
        clock: Monotonic,
    ) -> None:
        """`kept` are the prompts that blind tests have for themselves."""
        self._store, self._desk, self._base = store, desk, base
        self._kept, self._chance, self._clock = kept, chance, clock
        self._busy = threading.Lock()
        self._cancelled = threading.Event()
        self.progress: Progress | None = None
        """How far the import is that goes on; None while none does."""
        self.latest: dict[str, Any] | None = None
        """What came of the newest one."""

    def bring(self, folder: str) -> dict[str, Any]:
        """Bring in every picture of a folder that can be paired, and say what came of each.

        What is here already is not taken twice. Raises BadMaterial or storage's DiskFull.
        """
        text = as_text(folder, "The folder").strip().strip("\"'")
        if not text:
            raise BadMaterial("Name a folder of pictures on the machine that Palate runs on.")
        with self._alone() as progress, warnings.catch_warnings():
            # Pillow warns of large pictures; they are counted here.
            warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
            with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool:
                summary = self._bring(Path(text), pool, progress)
            self.latest = summary.told()
            return self.latest

    def stop(self) -> None:
        """End the import that goes on; what it has brought stays."""
        self._cancelled.set()

    @contextmanager
    def _alone(self) -> Iterator[Progress]:
        if not self._busy.acquire(blocking=False):
            raise BadMaterial("A folder is being brought in already. Wait for its end, or stop it.")
        try:
            self._cancelled.clear()
            self.progress = Progress(self._clock)
            yield self.progress
        finally:
            self.progress = None
            self._busy.release()

    def _bring(self, folder: Path, pool: ThreadPoolExecutor, progress: Progress) -> Summary:
        found = find_pictures(folder, self._store.images_dir.parent)
        others = found.skipped.total()
        summary = Summary(str(folder), len(found.pictures) + others, found.skipped, self._clock)
        groups = self._groups(found, summary, pool, progress)
        stock = self._stock(groups)
        fresh = [group for group in groups if not all(map(stock.knows, group))]
        total = sum(map(len, fresh))
        summary.known += sum(map(len, groups)) - total
        progress.begin("Pairing", total)
        for batch in self._batches(fresh, stock):
            self._take(batch, stock, summary, pool, progress)
        summary.stopped = self._cancelled.is_set()
        return summary

    def _groups(
        self, found: Found, summary: Summary, pool: ThreadPoolExecutor, progress: Progress
    ) -> list[list[Head]]:
        """The pictures of every prompt that has two or more."""
        progress.begin("Reading", len(found.pictures))
        by_prompt: dict[str, dict[str, Head]] = defaultdict(dict)
        kept = self._kept()
        for head in pool.map(lambda path: self._look(path, found), found.pictures):
            progress.done += 1
            if isinstance(head, Head) and head.prompt in kept:
                head = "its prompt is kept for blind tests"
            if isinstance(head, str):
                summary.skipped[head] += 1
            elif head.digest in by_prompt[head.prompt]:
                summary.skipped["the same file again"] += 1
            else:
                by_prompt[head.prompt][head.digest] = head
        groups = [list(group.values()) for group in by_prompt.values()]
        summary.skipped[ALONE] += sum(len(group) == 1 for group in groups)
        return [group for group in groups if len(group) > 1]

    def _look(self, path: Path, found: Found) -> Head | str:
        if self._cancelled.is_set():
            return STOPPED
        try:
            return look(path, found.root, found.told)
        except Skip as skip:
            return str(skip)

    def _stock(self, groups: list[list[Head]]) -> Stock:
        images = self._store.find_images(key_of(head) for group in groups for head in group)
        return Stock(images, self._store.material.partners(self._base))

    def _batches(self, groups: list[list[Head]], stock: Stock) -> Iterator[list[Part]]:
        """Parts of prompts in random order, several small ones together."""
        self._chance.shuffle(groups)
        batch: list[Part] = []
        for group in groups:
            size = common_size(group, stock)
            self._chance.shuffle(group)
            for part in slices(group, SLICE):
                batch.append([(head, size) for head in part])
                if sum(map(len, batch)) >= SLICE:
                    yield batch
                    batch = []
        if batch:
            yield batch

    def _take(
        self,
        batch: list[Part],
        stock: Stock,
        summary: Summary,
        pool: ThreadPoolExecutor,
        progress: Progress,
    ) -> None:
        """Develop, pair and store some pictures, and let their pairs wait at the desk."""
        made: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
        new: dict[str, Image] = {}
        for part in batch:
            prints = []
            for one in pool.map(lambda item: self._print(item[0], item[1], stock), part):
                progress.done += 1
                if isinstance(one, Print):
                    prints.append(one)
                else:
                    summary.skipped[one] += 1
            if not self._cancelled.is_set():
                self._pair(part[0][0].prompt, prints, stock, made)
            used = {image for pairs in made.values() for _, *sides in pairs for image in sides}
            new |= {p.image.image_id: p.image for p in prints if p.image.image_id in used}
            self._count(prints, used, stock, summary)
        pairs = []
        for number in sorted(made):
            self._chance.shuffle(made[number])
            pairs += made[number]
        for pair in self._store.material.add(self._base, list(new.values()), pairs):
            self._desk.add(pair)
            summary.prompts.add(pair.prompt)
        summary.pairs += len(pairs)

    def _print(self, head: Head, size: Size, stock: Stock) -> Print | str:
        if self._cancelled.is_set():
            return STOPPED
        known = stock.images.get(key_of(head))
        try:
            developed = develop(head.path, size)
            if known is not None:
                return Print(known, developed.likeness)
            sha256 = self._store.material.keep(developed.png)
        except Skip as skip:
            return str(skip)
        recipe = recipe_of(head)
        image = Image(new_id(), sha256, *size, recipe, recipe_key(recipe), IMPORTED)
        return Print(image, developed.likeness)

    def _pair(
        self,
        prompt: str,
        prints: Sequence[Print],
        stock: Stock,
        made: dict[int, list[tuple[str, str, str]]],
    ) -> None:
        ids = [one.image.image_id for one in prints]
        places = {image: place for place, image in enumerate(ids)}
        known = {
            (min(one, other), max(one, other))
            for image, one in places.items()
            for other in map(places.get, stock.partners.get(image, ()))
            if other is not None
        }
        for number, pairs in enumerate(rounds([one.likeness for one in prints], known)):
            for pair in pairs:
                # Shuffled, so that the order of names decides no side.
                left, right = self._chance.sample(pair, 2)
                made[number].append((prompt, ids[left], ids[right]))

    def _count(
        self, prints: Sequence[Print], used: set[str], stock: Stock, summary: Summary
    ) -> None:
        unused = ALONE if len(prints) == 1 else SAME
        for one in prints:
            if one.image.image_id in stock.partners:
                summary.known += 1
            elif one.image.image_id in used:
                summary.brought += 1
            else:
                summary.skipped[STOPPED if self._cancelled.is_set() else unused] += 1


def common_size(group: Sequence[Head], stock: Stock) -> Size:
    """The size of a prompt's pictures: what it was before, else what most have, else the least."""
    known = (stock.images.get(key_of(head)) for head in group)
    before = Counter((image.width, image.height) for image in known if image is not None)
    sizes = before or Counter(head.size for head in group)
    return max(sizes, key=lambda size: (sizes[size], -size[0] * size[1], size))


def recipe_of(head: Head) -> dict[str, Any]:
    """What made a picture, as far as anybody knows: the file and the prompt it came with."""
    return {"imported": head.digest, "prompt": head.prompt}


def key_of(head: Head) -> str:
    """What a brought picture is found by."""
    return recipe_key(recipe_of(head))
