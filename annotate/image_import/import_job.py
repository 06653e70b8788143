"""One folder of images on its way in: read, pair by prompt, store, assign."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from annotate.image_import.context import ImportContext
from annotate.image_import.decode import Head, Size, develop
from annotate.image_import.import_summary import ALONE, SAME, STOPPED, Summary
from annotate.image_import.known_images import Stock
from annotate.image_import.pairing import rounds, slices
from annotate.image_import.preview import Preview, preview_of
from annotate.image_import.recipes import key_of, recipe_of
from annotate.image_import.scan import Looking, Outcomes
from annotate.image_import.steps import Steps
from annotate.image_import.workers import PATIENCE_S
from annotate.rendering.similarity import ImageFingerprint
from annotate.safe_files import printable
from storage.records import Image, new_id
from storage.tables.imported_images import IMPORTED

SLICE = 48
"""Images that are paired and stored together: the first pairs are there in a moment."""


@dataclass(frozen=True, slots=True)
class Print:
    """An image that is ready to be paired, and what it looks like."""

    path: Path
    image: Image
    likeness: ImageFingerprint


Part = list[tuple[Head, Size]]


class Import:
    """The import of one folder, by one thread and those that it starts."""

    def __init__(self, supplies: ImportContext, patience_s: float = PATIENCE_S) -> None:
        self._store, self._assigner, self._model_id = (
            supplies.store,
            supplies.assigner,
            supplies.model_id,
        )
        self._chance, self._clock = supplies.chance, supplies.clock
        self._steps = Steps(supplies.clock, patience_s)
        self._looking = Looking(supplies, self._steps)
        self.cancelled, self.progress = self._steps.cancelled, self._steps.progress

    def look(self, folder: Path) -> tuple[Outcomes, Preview]:
        """Say what bringing a folder in would bring; nothing is stored. Raises InvalidImport.

        Also returns what was read, for `bring`.
        """
        began = self._clock()
        looked = self._looking.look(folder)
        images = self._store.find_images(key_of(head) for group in looked.shared for head in group)
        stock = Stock(images, self._store.imported_images.partners(self._model_id), set())
        preview = preview_of(folder, looked, stock, self.cancelled.is_set(), self._clock() - began)
        return looked.outcomes, preview

    def bring(self, folder: Path, before: Outcomes = MappingProxyType({})) -> Summary:
        """Bring in every image that can be paired, and say what came of each.

        What was read before and did not change since is not read again. Raises InvalidImport, or
        storage's DiskFull.
        """
        began = self._clock()
        looked = self._looking.look(folder, before)
        named = printable(str(folder))
        summary = Summary(
            named, looked.counted, looked.found.skipped, looked.sources, self._clock, began
        )
        stock = self._stock(looked.shared)
        fresh = [group for group in looked.shared if not all(map(stock.knows, group))]
        total = sum(map(len, fresh))
        summary.known += sum(map(len, looked.shared)) - total
        self.progress.begin("Pairing", total)
        for batch in self._batches(fresh, stock):
            self._take(batch, looked.found.root, stock, summary)
        summary.stopped = self.cancelled.is_set()
        return summary

    def _stock(self, groups: list[list[Head]]) -> Stock:
        images = self._store.find_images(key_of(head) for group in groups for head in group)
        hashes = [image.sha256 for image in images.values()]
        faults = self._store.snapshots.faults(hashes, read=True)
        lost = {image.image_id for image in images.values() if image.sha256 in faults}
        return Stock(images, self._store.imported_images.partners(self._model_id), lost)

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
        """Develop, pair and store some images, and enqueue their pairs."""
        made: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
        new: dict[str, Image] = {}
        for part in batch:
            prints = []
            for (head, _), one in self._steps.each(
                lambda item: self._print(*item, root, stock), part
            ):
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
        for pair in self._store.imported_images.add(self._model_id, list(new.values()), pairs):
            self._assigner.add(pair)
            summary.prompts.add(pair.prompt)
        summary.pairs += len(pairs)

    def _print(self, head: Head, size: Size, root: Path, stock: Stock) -> Print | str:
        def make() -> Print:
            with self._steps.room.of(head.cost):
                developed = develop(head, root, size)
            known = stock.images.get(key_of(head))
            if known is not None:
                if known.image_id in stock.lost and digest_of(developed.png) == known.sha256:
                    self._store.imported_images.write_image(developed.png)
                return Print(head.path, known, developed.likeness)

            sha256 = self._store.imported_images.write_image(developed.png)
            image = Image(new_id(), sha256, *size, recipe_of(head), key_of(head), IMPORTED)
            return Print(head.path, image, developed.likeness)

        return self._steps.safely(make, head.path)

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
    """The size of a prompt's images: what it was before, else what most have, else the least."""
    known = (stock.images.get(key_of(head)) for head in group)
    before = Counter((image.width, image.height) for image in known if image is not None)
    sizes = before or Counter(head.size for head in group)
    return max(sizes, key=lambda size: (sizes[size], -size[0] * size[1], size))


def digest_of(content: bytes) -> str:
    """Return the SHA-256 of bytes, by which the studio names files."""
    return hashlib.sha256(content).hexdigest()
