"""Preview of an import: counts, and a few images with their prompts as examples."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from pathlib import Path

from annotate.image_import.captions.origins import NOTHING
from annotate.image_import.decode import ImageHeader
from annotate.image_import.import_summary import NO_SHARED_PROMPT, SkipCounts, sources_sentence
from annotate.image_import.known_images import KnownImages, image_key
from annotate.image_import.pairing import by_shape, max_pairs
from annotate.image_import.scan import ScanResult
from annotate.views.image_import import ImportPreviewView
from annotate.wording import quantity
from storage.safe_files import display_path, printable

EXAMPLES = 10
HINT = "Give an image without a prompt one in a text file beside it: fox.txt for fox.png."


@dataclass(frozen=True, slots=True)
class PreviewExample:
    """Image with the prompt that was found for it."""

    header: ImageHeader
    images: int
    """Number of images with that prompt."""


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """Preview of what an import of a folder would add."""

    folder: str
    root: Path
    found: int
    images: int
    """New images that share their prompt with another image."""
    known: int
    prompts: int
    pairs: int
    """Upper bound of new pairs: images that look the same make none."""
    sources: Counter[str]
    skipped: SkipCounts
    examples: list[PreviewExample]
    stopped: bool
    seconds: float

    def as_dict(self) -> ImportPreviewView:
        """Return JSON-compatible values, with a sentence under `summary`."""
        return {
            "folder": self.folder,
            "found": self.found,
            # The name of the release before, for one release.
            "pictures": self.found,
            "images": self.images,
            "known": self.known,
            "skipped": dict(self.skipped.counts.most_common()),
            "skipped_names": self.skipped.names,
            "prompts": self.prompts,
            "pairs": self.pairs,
            "sources": dict(self.sources.most_common()),
            "examples": [
                {
                    "image": display_path(example.header.path, self.root),
                    "prompt": example.header.prompt,
                    "source": example.header.source,
                    "images": example.images,
                }
                for example in self.examples
            ],
            "stopped": self.stopped,
            "seconds": round(self.seconds, 1),
            "summary": self.sentence(),
        }

    def sentence(self) -> str:
        """Return the counts and the notes in sentences."""
        counts = (
            f"{quantity(self.images, 'image')} to bring in, of {quantity(self.prompts, 'prompt')}: "
            f"up to {quantity(self.pairs, 'pair')}."
        )
        return " ".join([*["Stopped."] * self.stopped, counts, *self.notes()])

    def notes(self) -> list[str]:
        """Return sentences on images imported before, sources of prompts and missing prompts."""
        notes = []
        if self.known:
            notes.append(f"{quantity(self.known, 'image')} had been brought in before.")
        if self.sources:
            notes.append(sources_sentence(self.sources))
        if not self.images and not self.known:
            notes.append(NO_SHARED_PROMPT)
        if NOTHING in self.skipped.counts:
            notes.append(HINT)
        return notes


def preview_of(
    folder: Path, scan: ScanResult, known: KnownImages, stopped: bool, seconds: float
) -> ImportPreview:
    """Return the preview of a scanned folder; `seconds` is the time that it took."""
    fresh = [group for group in scan.shared if not all(map(known.is_paired, group))]
    new = [head for group in fresh for head in group if not known.is_paired(head)]
    shapes = (shape for group in fresh for shape in by_shape(group, known))
    pairs = sum(max_pairs(len(shape.headers)) for shape in shapes)
    pairs -= sum(existing_pairs(group, known) for group in fresh)

    return ImportPreview(
        printable(str(folder)),
        scan.contents.root,
        scan.counted,
        len(new),
        sum(map(len, scan.shared)) - len(new),
        len(fresh),
        max(pairs, 0),
        scan.sources,
        scan.contents.skipped,
        pick_examples(fresh or scan.groups),
        stopped,
        seconds,
    )


def existing_pairs(group: Sequence[ImageHeader], known: KnownImages) -> int:
    """Return how many pairs the images of a prompt make already."""
    images = (known.images.get(image_key(head)) for head in group)
    ids = {image.image_id for image in images if image is not None}
    # Every pair is counted once from either side.
    return sum(len(known.partners.get(image, set()) & ids) for image in ids) // 2


def pick_examples(
    groups: Sequence[Sequence[ImageHeader]], most: int = EXAMPLES
) -> list[PreviewExample]:
    """Return images by which a person can spot wrong prompts.

    The sources of prompts take turns: first the most frequent prompt of each, then others from all
    over the folder.
    """
    by_source: dict[str, list[PreviewExample]] = {}
    for group in groups:
        first = {head.source: head for head in reversed(group)}
        for source, head in first.items():
            by_source.setdefault(source, []).append(PreviewExample(head, len(group)))
    turns = chain.from_iterable(
        zip_longest(*(_spread(examples, most) for examples in by_source.values()))
    )
    return list(islice((example for example in turns if example is not None), most))


def _spread(examples: Sequence[PreviewExample], most: int) -> Iterator[PreviewExample]:
    """Yield the example with the most images, then others at even distances."""
    largest = max(range(len(examples)), key=lambda index: examples[index].images)
    yield examples[largest]
    step = max(1, len(examples) // most)
    for index in range(step // 2, len(examples), step):
        if index != largest:
            yield examples[index]
