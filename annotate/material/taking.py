"""One folder of pictures on its way in: read, pair by prompt, store, hand to the desk."""

import hashlib
import logging
import os
import random
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from annotate.desk import Desk
from annotate.errors import BadMaterial
from annotate.likeness import Likeness
from annotate.material.folder import Found, find_pictures
from annotate.material.origins import alike
from annotate.material.pairing import rounds, slices
from annotate.material.pictures import LARGEST_FILE, Head, Size, develop, look
from annotate.material.reading import UNREADABLE, Skip, printable
from annotate.material.recipes import key_of, recipe_of
from annotate.material.summary import ALONE, SAME, STOPPED, Progress, Summary
from annotate.material.workers import PATIENCE_S, Crew, Hung, Room
from annotate.timing import Monotonic
from storage.errors import StorageError
from storage.material import IMPORTED
from storage.records import Image, new_id
from storage.store import Store

logger = logging.getLogger(__name__)

HANGS = "could not be read in a minute"
MEMORY = 1_200_000_000
"""Bytes that files take while they are read and decoded, all threads together."""
SLICE = 48
"""Pictures that are paired and stored together: the first pairs are there in a moment."""
MOST_THREADS = 8
Item = TypeVar("Item")
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Print:
    """A picture that is ready to be paired, and what it looks like."""

    path: Path
    image: Image
    likeness: Likeness


@dataclass
class Stock:
    """What the studio holds of a folder: pictures by key, pairs, and the pictures in them."""

    images: dict[str, Image]
    partners: dict[str, set[str]]
    """By the id of a picture in a pair, those that it is paired with."""
    lost: set[str]
    """By id, pictures whose file is gone or damaged; to bring them again puts it back."""

    def knows(self, head: Head) -> bool:
        """Whether a picture is in a pair already, and its file is sound."""
        image = self.images.get(key_of(head))
        if image is None or image.image_id in self.lost:
            return False
        return image.image_id in self.partners


Part = list[tuple[Head, Size]]


class Import:
    """The import of one folder, by one thread and those that it starts."""

    def __init__(
        self,
        store: Store,
        desk: Desk,
        base: str,
        kept: Callable[[], set[str]],
        chance: random.Random,
        clock: Monotonic,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """`kept` are the prompts that blind tests have for themselves."""
        self._store, self._desk, self._base = store, desk, base
        self._kept, self._chance, self._clock = kept, chance, clock
        self._patience_s, self._room = patience_s, Room(MEMORY)
        self.cancelled = threading.Event()
        self.progress = Progress(clock)

    def bring(self, folder: Path) -> Summary:
        """Bring in every picture that can be paired, and say what came of each.

        Raises BadMaterial, or storage's DiskFull.
        """
        try:
            return self._bring(folder)
        except Hung:
            raise BadMaterial(
                f"{printable(str(folder))} does not answer: reading its files hangs. What was "
                "brought in before stays. Check its disk or network, then bring it in again."
            ) from None

    def _bring(self, folder: Path) -> Summary:
        found = find_pictures(folder, self._store.images_dir.parent, self.cancelled.is_set)
        others = found.skipped.counts.total()
        named = printable(str(folder))
        summary = Summary(named, len(found.pictures) + others, found.skipped, self._clock)
        groups = self._groups(found, summary)
        stock = self._stock(groups)
        fresh = [group for group in groups if not all(map(stock.knows, group))]
        total = sum(map(len, fresh))
        summary.known += sum(map(len, groups)) - total
        self.progress.begin("Pairing", total)
        for batch in self._batches(fresh, stock):
            self._take(batch, found.root, stock, summary)
        summary.stopped = self.cancelled.is_set()
        return summary

    def _groups(self, found: Found, summary: Summary) -> list[list[Head]]:
        """The pictures of every prompt that has two or more."""
        self.progress.begin("Reading", len(found.pictures))
        by_prompt: dict[str, dict[str, Head]] = defaultdict(dict)
        kept = {alike(prompt) for prompt in self._kept()}
        for path, head in self._each(lambda path: self._look(path, found), found.pictures):
            if isinstance(head, Head) and alike(head.prompt) in kept:
                head = "its prompt is kept for blind tests"
            if isinstance(head, str):
                summary.skipped.add(head, path)
            elif head.digest in by_prompt[alike(head.prompt)]:
                summary.skipped.add("the same file again", path)
            else:
                by_prompt[alike(head.prompt)][head.digest] = head
        groups = [in_one_spelling(list(group.values())) for group in by_prompt.values()]
        for group in groups:
            if len(group) == 1:
                summary.skipped.add(ALONE, group[0].path)
        return [group for group in groups if len(group) > 1]

    def _each(
        self, work: Callable[[Item], Made | str], items: Sequence[Item]
    ) -> Iterator[tuple[Item, Made | str]]:
        """Return what becomes of each item: what is made of it, or why it is left out."""
        threads = min(MOST_THREADS, os.cpu_count() or 1)
        crew = Crew(work, items, threads, self._patience_s)
        for item, made in zip(items, crew.results(), strict=True):
            self.progress.done += 1
            yield item, HANGS if made is None else made

    def _look(self, path: Path, found: Found) -> Head | str:
        def read() -> Head:
            with self._room.of(min(os.lstat(path).st_size, LARGEST_FILE)):
                return look(path, found.root, found.told, found.untold, found.sorts)

        return self._safely(read, path)

    def _safely(self, work: Callable[[], Made], path: Path) -> Made | str:
        """Return what is made of a file, or why it is left out: no error costs another file."""
        if self.cancelled.is_set():
            return STOPPED
        try:
            return work()
        except Skip as skip:
            return str(skip)
        except StorageError:
            raise
        except Exception:
            logger.exception("%s could not be brought in", printable(str(path)))
            return UNREADABLE

    def _stock(self, groups: list[list[Head]]) -> Stock:
        images = self._store.find_images(key_of(head) for group in groups for head in group)
        hashes = [image.sha256 for image in images.values()]
        faults = self._store.snapshots.faults(hashes, read=True)
        lost = {image.image_id for image in images.values() if image.sha256 in faults}
        return Stock(images, self._store.material.partners(self._base), lost)

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

    def _take(self, batch: list[Part], root: Path, stock: Stock, summary: Summary) -> None:
        """Develop, pair and store some pictures, and let their pairs wait at the desk."""
        made: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
        new: dict[str, Image] = {}
        for part in batch:
            prints = []
            for (head, _), one in self._each(lambda item: self._print(*item, root, stock), part):
                if isinstance(one, Print):
                    prints.append(one)
                else:
                    summary.skipped.add(one, head.path)
            if not self.cancelled.is_set():
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

    def _print(self, head: Head, size: Size, root: Path, stock: Stock) -> Print | str:
        def make() -> Print:
            with self._room.of(head.cost):
                developed = develop(head, root, size)
            known = stock.images.get(key_of(head))
            if known is not None:
                if known.image_id in stock.lost and digest_of(developed.png) == known.sha256:
                    self._store.material.keep(developed.png)
                return Print(head.path, known, developed.likeness)

            sha256 = self._store.material.keep(developed.png)
            image = Image(new_id(), sha256, *size, recipe_of(head), key_of(head), IMPORTED)
            return Print(head.path, image, developed.likeness)

        return self._safely(make, head.path)

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
                reason = STOPPED if self.cancelled.is_set() else unused
                summary.skipped.add(reason, one.path)


def common_size(group: Sequence[Head], stock: Stock) -> Size:
    """The size of a prompt's pictures: what it was before, else what most have, else the least."""
    known = (stock.images.get(key_of(head)) for head in group)
    before = Counter((image.width, image.height) for image in known if image is not None)
    sizes = before or Counter(head.size for head in group)
    return max(sizes, key=lambda size: (sizes[size], -size[0] * size[1], size))


def in_one_spelling(group: list[Head]) -> list[Head]:
    """Return images of one prompt with the spelling that most of them have."""
    spellings = Counter(head.prompt for head in group)
    if len(spellings) == 1:
        return group
    (prompt, _), *_ = spellings.most_common(1)
    return [replace(head, prompt=prompt) for head in group]


def digest_of(content: bytes) -> str:
    """Return the SHA-256 of bytes, by which the studio names files."""
    return hashlib.sha256(content).hexdigest()
