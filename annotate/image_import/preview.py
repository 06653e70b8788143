"""What bringing a folder in would bring, with a few images and their prompts to judge it by."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Any

from annotate.image_import.captions.origins import NOTHING
from annotate.image_import.decode import Head
from annotate.image_import.import_summary import NONE_SHARED, Skipped, of_sources
from annotate.image_import.known_images import Stock
from annotate.image_import.pairing import most_pairs
from annotate.image_import.recipes import key_of
from annotate.image_import.scan import Looked
from annotate.safe_files import display_path, printable
from annotate.wording import quantity

EXAMPLES = 10
HINT = "Give an image without a prompt one in a text file beside it: fox.txt for fox.png."


@dataclass(frozen=True, slots=True)
class Example:
    """An image and what was taken for its prompt."""

    head: Head
    images: int
    """How many have that prompt."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What there is to bring in, before anything is."""

    folder: str
    root: Path
    found: int
    images: int
    """Those that are new and share their prompt with another."""
    known: int
    prompts: int
    pairs: int
    """At the most: images that look the same make none."""
    sources: Counter[str]
    skipped: Skipped
    examples: list[Example]
    stopped: bool
    seconds: float

    def told(self) -> dict[str, Any]:
        """As values, with a sentence for a person."""
        return {
            "folder": self.folder,
            "found": self.found,
            # As it was called before; for one release.
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
                    "image": display_path(one.head.path, self.root),
                    "prompt": one.head.prompt,
                    "source": one.head.source,
                    "images": one.images,
                }
                for one in self.examples
            ],
            "stopped": self.stopped,
            "seconds": round(self.seconds, 1),
            "summary": self.sentence(),
        }

    def sentence(self) -> str:
        """What a person wants to know first."""
        counts = (
            f"{quantity(self.images, 'image')} to bring in, of {quantity(self.prompts, 'prompt')}: "
            f"up to {quantity(self.pairs, 'pair')}."
        )
        return " ".join([*["Stopped."] * self.stopped, counts, *self.notes()])

    def notes(self) -> list[str]:
        """What there is to say beside the counts."""
        notes = []
        if self.known:
            notes.append(f"{quantity(self.known, 'image')} had been brought in before.")
        if self.sources:
            notes.append(of_sources(self.sources))
        if not self.images and not self.known:
            notes.append(NONE_SHARED)
        if NOTHING in self.skipped.counts:
            notes.append(HINT)
        return notes


def preview_of(
    folder: Path, looked: Looked, stock: Stock, stopped: bool, seconds: float
) -> Preview:
    """Return what bringing a folder in would bring."""
    fresh = [group for group in looked.shared if not all(map(stock.knows, group))]
    new = [head for group in fresh for head in group if not stock.knows(head)]
    pairs = sum(most_pairs(len(group)) - made_before(group, stock) for group in fresh)
    return Preview(
        printable(str(folder)),
        looked.found.root,
        looked.counted,
        len(new),
        sum(map(len, looked.shared)) - len(new),
        len(fresh),
        max(pairs, 0),
        looked.sources,
        looked.found.skipped,
        examples_of(fresh or looked.groups),
        stopped,
        seconds,
    )


def made_before(group: Sequence[Head], stock: Stock) -> int:
    """Return how many pairs the images of a prompt are in already."""
    images = (stock.images.get(key_of(head)) for head in group)
    known = {image.image_id for image in images if image is not None}
    return sum(len(stock.partners.get(image, set()) & known) for image in known) // 2


def examples_of(groups: Sequence[Sequence[Head]], most: int = EXAMPLES) -> list[Example]:
    """Return images by which wrong prompts are seen: in turn from every source, of each the prompt
    that most images have, then others from all over the folder.
    """
    by_source: dict[str, list[Example]] = {}
    for group in groups:
        first = {head.source: head for head in reversed(group)}
        for source, head in first.items():
            by_source.setdefault(source, []).append(Example(head, len(group)))
    turns = chain.from_iterable(zip_longest(*(_spread(some, most) for some in by_source.values())))
    return list(islice((one for one in turns if one is not None), most))


def _spread(examples: Sequence[Example], most: int) -> Iterator[Example]:
    """That of the prompt that most images have, then others at even distances."""
    largest = max(range(len(examples)), key=lambda place: examples[place].images)
    yield examples[largest]
    step = max(1, len(examples) // most)
    for place in range(step // 2, len(examples), step):
        if place != largest:
            yield examples[place]
