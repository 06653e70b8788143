"""Pairing of the images of one prompt: a few pairs each, none twice, no two that look the same."""

from collections.abc import Collection, Iterator, Sequence
from typing import TypeVar

from annotate.rendering.similarity import ImageFingerprint, look_alike

MAX_PAIRS = 4
"""Pairs per image."""
EXTRA_PAIRS = 2
"""Pairs beyond that with an image that has fewer, so that new images find partners."""
MAX_ROUNDS = 24
IndexPair = tuple[int, int]
Item = TypeVar("Item")


def rounds(
    fingerprints: Sequence[ImageFingerprint],
    known: Collection[IndexPair] = (),
    most: int = MAX_PAIRS,
) -> list[list[IndexPair]]:
    """Return pairs of indexes in rounds: an image comes again once every other has come.

    Each round goes once around a ring of all images, with a longer stride than the one before, so
    that the pairs connect all images. `known` pairs exist already, the smaller index first.
    """
    count = len(fingerprints)
    taken, uses = set(known), [0] * count
    for pair in known:
        for index in pair:
            uses[index] += 1

    made: list[list[IndexPair]] = []
    for stride in range(1, min(count // 2, MAX_ROUNDS) + 1):
        made.append([])
        for start in range(count):
            other = (start + stride) % count
            pair = (min(start, other), max(start, other))
            least, more = sorted((uses[start], uses[other]))
            if pair in taken or least >= most or more >= most + EXTRA_PAIRS:
                continue
            if look_alike(fingerprints[start], fingerprints[other]):
                continue
            taken.add(pair)
            made[-1].append(pair)
            uses[start] += 1
            uses[other] += 1
        if min(uses) >= most:
            break
    return made


def max_pairs(count: int) -> int:
    """Return the number of pairs of `count` images if no two of them look the same."""
    return min(count * (count - 1) // 2, count * MAX_PAIRS // 2)


def slices(items: Sequence[Item], most: int) -> Iterator[Sequence[Item]]:
    """Cut a sequence into parts of nearly equal length, none longer than `most`."""
    parts = -(-len(items) // most)
    for part in range(parts):
        yield items[part * len(items) // parts : (part + 1) * len(items) // parts]
