"""Import of one folder: scan, decode, pair the images of each prompt, store, assign."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from align.contracts.image_sizes import Size
from annotate.image_import.context import ImportContext
from annotate.image_import.decode import ImageHeader, decode_image
from annotate.image_import.file_tasks import FileTasks
from annotate.image_import.import_summary import ALONE, SAME, STOPPED, ImportSummary
from annotate.image_import.known_images import KnownImages, image_key, image_recipe
from annotate.image_import.pairing import by_shape, rounds, slices
from annotate.image_import.preview import ImportPreview, preview_of
from annotate.image_import.scan import FolderScanner, Outcomes
from annotate.image_import.workers import STALL_TIMEOUT_S
from annotate.rendering.similarity import ImageFingerprint
from storage.records import Image, new_id
from storage.safe_files import printable
from storage.tables.imported_images import IMPORTED

BATCH_SIZE = 48
"""Images that are paired and stored together; small, so that the first pairs come soon."""

PairsByRound = dict[int, list[tuple[str, str, str]]]
"""Prompt, left image id and right image id of new pairs, by the round that made them."""


@dataclass(frozen=True, slots=True)
class ImportedImage:
    """An image that is stored and ready to be paired."""

    path: Path
    image: Image
    fingerprint: ImageFingerprint


PromptSlice = list[tuple[ImageHeader, Size]]
"""Images of one prompt, each with the size at which it is stored."""


class ImportJob:
    """Import of one folder, by one thread and the workers that it starts."""

    def __init__(self, context: ImportContext, stall_timeout_s: float = STALL_TIMEOUT_S) -> None:
        self._store, self._assigner = context.store, context.assigner
        self._model_id = context.model_id
        self._chance, self._clock = context.chance, context.clock
        self._tasks = FileTasks(context.clock, stall_timeout_s)
        self._scanner = FolderScanner(context, self._tasks)
        self.cancelled, self.progress = self._tasks.cancelled, self._tasks.progress

    def preview(self, folder: Path) -> tuple[Outcomes, ImportPreview]:
        """Return what was read, for `run`, and what an import would add; store nothing.

        Raises InvalidImport.
        """
        began = self._clock()
        scan = self._scanner.scan(folder)
        headers = (header for group in scan.shared for header in group)
        images = self._store.find_images(map(image_key, headers))
        partners = self._store.imported_images.partners(self._model_id)
        known = KnownImages(images, partners, set())

        seconds = self._clock() - began
        return scan.outcomes, preview_of(folder, scan, known, self.cancelled.is_set(), seconds)

    def run(self, folder: Path, before: Outcomes = MappingProxyType({})) -> ImportSummary:
        """Import every image that can be paired, and return what became of each.

        Images that a preview read `before`, and that did not change since, are not read again.
        Raises InvalidImport, or storage's DiskFull.
        """
        began = self._clock()
        scan = self._scanner.scan(folder, before)
        name = printable(str(folder))
        summary = ImportSummary(
            name, scan.counted, scan.contents.skipped, scan.sources, self._clock, began
        )

        known = self._known_images(scan.shared)
        fresh = [group for group in scan.shared if not all(map(known.is_paired, group))]
        total = sum(map(len, fresh))
        summary.known += sum(map(len, scan.shared)) - total

        self.progress.begin("Pairing", total)
        for batch in self._batches(fresh, known):
            self._import_batch(batch, scan.contents.root, known, summary)
        summary.stopped = self.cancelled.is_set()
        return summary

    def _known_images(self, groups: list[list[ImageHeader]]) -> KnownImages:
        """Return the images of these groups that are stored already, and which lost their file."""
        images = self._store.find_images(image_key(header) for group in groups for header in group)
        hashes = [image.sha256 for image in images.values()]
        faults = self._store.snapshots.faults(hashes, read=True)
        lost = {image.image_id for image in images.values() if image.sha256 in faults}
        return KnownImages(images, self._store.imported_images.partners(self._model_id), lost)

    def _batches(
        self, groups: list[list[ImageHeader]], known: KnownImages
    ) -> Iterator[list[PromptSlice]]:
        """Yield slices of prompts in random order, several small ones in a batch.

        Random, so that the first pairs are from all over the folder.
        """
        self._chance.shuffle(groups)
        batch: list[PromptSlice] = []
        for group in groups:
            self._chance.shuffle(group)
            for shape in by_shape(group, known):
                for headers in slices(shape.headers, BATCH_SIZE):
                    batch.append([(h, known.size_of(h) or shape.size) for h in headers])
                    if sum(map(len, batch)) >= BATCH_SIZE:
                        yield batch
                        batch = []

        if batch:
            yield batch

    def _import_batch(
        self, batch: list[PromptSlice], root: Path, known: KnownImages, summary: ImportSummary
    ) -> None:
        """Decode, pair and store the images of a batch, and let their pairs wait for labelers."""
        new_pairs: PairsByRound = defaultdict(list)
        new_images: dict[str, Image] = {}
        for prompt_slice in batch:
            imported = self._decode_all(prompt_slice, root, known, summary)
            if not self.cancelled.is_set():
                self._pair(prompt_slice[0][0].prompt, imported, known, new_pairs)
            used = {image for pairs in new_pairs.values() for _, *sides in pairs for image in sides}
            new_images |= {i.image.image_id: i.image for i in imported if i.image.image_id in used}
            self._count(imported, used, known, summary)

        pairs = []
        # Shuffled within a round only: an image comes again once every other has come.
        for number in sorted(new_pairs):
            self._chance.shuffle(new_pairs[number])
            pairs += new_pairs[number]
        stored = self._store.imported_images.add(self._model_id, list(new_images.values()), pairs)
        self._assigner.add_imported(stored)
        summary.prompts.update(pair.prompt for pair in stored)
        summary.pairs += len(pairs)

    def _decode_all(
        self, prompt_slice: PromptSlice, root: Path, known: KnownImages, summary: ImportSummary
    ) -> list[ImportedImage]:
        """Decode and store the images of a slice; count those that are skipped."""
        imported = []
        outcomes = self._tasks.map(
            lambda item: self._import_image(*item, root, known), prompt_slice
        )
        for (header, _), outcome in outcomes:
            if isinstance(outcome, ImportedImage):
                imported.append(outcome)
            else:
                summary.skipped.add(outcome, header.path)
        return imported

    def _import_image(
        self, header: ImageHeader, size: Size, root: Path, known: KnownImages
    ) -> ImportedImage | str:
        """Decode an image and write its file; return a text that says why it was skipped."""

        def decode_and_write() -> ImportedImage:
            with self._tasks.memory.reserve(header.cost):
                decoded = decode_image(header, root, size)
            stored = known.images.get(image_key(header))
            if stored is not None:
                # Importing an image again restores a file that was lost, if it is the same.
                if stored.image_id in known.lost and digest_of(decoded.png) == stored.sha256:
                    self._store.imported_images.write_image(decoded.png)
                return ImportedImage(header.path, stored, decoded.fingerprint)

            sha256 = self._store.imported_images.write_image(decoded.png)
            recipe, key = image_recipe(header, size), image_key(header)
            image = Image(new_id(), sha256, *size, recipe, key, IMPORTED)
            return ImportedImage(header.path, image, decoded.fingerprint)

        return self._tasks.run_safely(decode_and_write, header.path)

    def _pair(
        self,
        prompt: str,
        imported: Sequence[ImportedImage],
        known: KnownImages,
        new_pairs: PairsByRound,
    ) -> None:
        """Add the pairs that images of one prompt make, besides those that exist already."""
        ids = [entry.image.image_id for entry in imported]
        indexes = {image: index for index, image in enumerate(ids)}
        existing = {
            (min(index, other), max(index, other))
            for image, index in indexes.items()
            for other in map(indexes.get, known.partners.get(image, ()))
            if other is not None
        }

        fingerprints = [entry.fingerprint for entry in imported]
        for number, pairs in enumerate(rounds(fingerprints, existing)):
            for pair in pairs:
                # Random, or the order of file names would decide the sides.
                left, right = self._chance.sample(pair, 2)
                new_pairs[number].append((prompt, ids[left], ids[right]))

    def _count(
        self,
        imported: Sequence[ImportedImage],
        used: set[str],
        known: KnownImages,
        summary: ImportSummary,
    ) -> None:
        """Count each image once: as known, as imported, or as skipped for a reason."""
        unused = ALONE if len(imported) == 1 else SAME
        for entry in imported:
            if entry.image.image_id in known.partners:
                summary.known += 1
            elif entry.image.image_id in used:
                summary.brought += 1
            else:
                reason = STOPPED if self.cancelled.is_set() else unused
                summary.skipped.add(reason, entry.path)


def digest_of(content: bytes) -> str:
    """Return the SHA-256 by which the studio names files."""
    return hashlib.sha256(content).hexdigest()
