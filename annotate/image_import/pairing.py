"""Pairing of the images of one prompt: a few pairs each, none twice, no two that look the same.

Images of one aspect ratio are paired among themselves: both sides of a pair have one size.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from align.contracts.image_sizes import SDXL_SIDE, Size, bucket_of
from annotate.image_import.decode import ImageHeader
from annotate.image_import.known_images import KnownImages
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


@dataclass(frozen=True, slots=True)
class ShapeGroup:
    """Images of a prompt that are paired with each other, and the size that new ones get."""

    headers: list[ImageHeader]
    size: Size


def by_shape(group: Sequence[ImageHeader], known: KnownImages) -> list[ShapeGroup]:
    """Split the images of a prompt by aspect ratio, as SDXL has them, so that each keeps its own.

    An image that is alone with its aspect ratio joins the nearest one and is cropped to it.
    """
    shapes: dict[Size, list[ImageHeader]] = defaultdict(list)
    for header in group:
        size = known.size_of(header) or header.size
        shapes[bucket_of(*size, SDXL_SIDE**2)].append(header)
    shared = {shape: headers for shape, headers in shapes.items() if len(headers) > 1}
    if not shared:
        return [ShapeGroup(list(group), common_size(group, known))]

    # The size is that of the images that have the aspect ratio, not of those that join.
    groups = {shape: ShapeGroup([*h], common_size(h, known)) for shape, h in shared.items()}
    for shape, headers in shapes.items():
        if shape not in shared:
            nearest = min(groups, key=lambda other: unlikeness(shape, other))
            groups[nearest].headers.extend(headers)
    return list(groups.values())


def unlikeness(one: Size, other: Size) -> float:
    """Return how much two aspect ratios differ, as a logarithm."""
    return abs(math.log(one[0] * other[1] / (one[1] * other[0])))


def common_size(group: Sequence[ImageHeader], known: KnownImages) -> Size:
    """Return the size at which images are stored.

    The most frequent size, of images imported before if there are any; of several the smallest.
    """
    before = Counter(size for header in group if (size := known.size_of(header)) is not None)
    sizes = before or Counter(header.size for header in group)
    return max(sizes, key=lambda size: (sizes[size], -size[0] * size[1], size))
