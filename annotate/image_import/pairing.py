"""Which images of one prompt make pairs: each a few, none twice, no two that look the same."""

from collections.abc import Collection, Iterator, Sequence
from typing import TypeVar

from annotate.rendering.similarity import ImageFingerprint, look_alike

MOST_PAIRS = 4
"""Pairs that one image is in."""
MORE_PAIRS = 2
"""Besides, with images that have fewer: one that is new finds all others taken."""
MOST_ROUNDS = 24
Places = tuple[int, int]
Item = TypeVar("Item")


def rounds(
    likenesses: Sequence[ImageFingerprint], known: Collection[Places] = (), most: int = MOST_PAIRS
) -> list[list[Places]]:
    """Return pairs of places in rounds: an image comes again only when every one has come.

    Each round goes once around a ring of all images, with a longer stride than the one before, so
    that the pairs connect them all. `known` pairs are there already, smaller place first.
    """
    count = len(likenesses)
    taken, uses = set(known), [0] * count
    for pair in known:
        for place in pair:
            uses[place] += 1
    made: list[list[Places]] = []
    for stride in range(1, min(count // 2, MOST_ROUNDS) + 1):
        made.append([])
        for start in range(count):
            other = (start + stride) % count
            pair = (min(start, other), max(start, other))
            least, more = sorted((uses[start], uses[other]))
            if pair in taken or least >= most or more >= most + MORE_PAIRS:
                continue
            if look_alike(likenesses[start], likenesses[other]):
                continue
            taken.add(pair)
            made[-1].append(pair)
            uses[start] += 1
            uses[other] += 1
        if min(uses) >= most:
            break
    return made


def most_pairs(count: int) -> int:
    """Return how many pairs so many images make if no two of them look the same."""
    return min(count * (count - 1) // 2, count * MOST_PAIRS // 2)


def slices(items: Sequence[Item], most: int) -> Iterator[Sequence[Item]]:
    """Cut a sequence into parts of nearly equal length, none longer than `most`."""
    parts = -(-len(items) // most)
    for part in range(parts):
        yield items[part * len(items) // parts : (part + 1) * len(items) // parts]
