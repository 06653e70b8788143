"""Sizes of the images of a run: the bucket of each pair, and what the denoiser is told of a size.

Both images of a pair are encoded at one size, since they share their noise; pairs differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor

from align.contracts.image_sizes import ImageOrigin, Size, common_bucket, place
from align.data.image_files import image_size
from align.data.snapshot import PreferencePair
from align.families.family import ModelFamily

NO_SIZES: Mapping[Path, Size] = MappingProxyType({})


class SizedImage(NamedTuple):
    """An image's file, and the size that the image is encoded at."""

    size: Size
    path: Path


@dataclass(frozen=True)
class PairImages:
    """The images of pairs, each at the size of its bucket."""

    chosen: list[SizedImage]
    """One for each pair."""
    rejected: list[SizedImage]
    file_sizes: Mapping[Path, Size]
    origins: Mapping[Path, ImageOrigin]
    """Of images whose file is only a part of what they were, or scaled."""

    @property
    def every(self) -> list[SizedImage]:
        """Each image at each of its sizes once; sorted, so that votes do not order them."""
        return sorted({*self.chosen, *self.rejected})

    def size_facts(self, family: ModelFamily, images: Sequence[SizedImage]) -> Tensor:
        """Return what the denoiser is told of the images' sizes: a row for each, [M, F]."""
        rows = [
            size_facts_of(family, image, self.file_sizes[image.path], self.origins.get(image.path))
            for image in images
        ]
        return torch.stack(rows)


def images_of_pairs(
    pairs: Sequence[PreferencePair],
    area: int,
    resolution: int = 0,
    known: Mapping[Path, Size] = NO_SIZES,
) -> PairImages:
    """Choose the bucket of every pair, for a model that is made for `area` pixels.

    `resolution` is the setting of a run: the side of a square of at most as many pixels. `known`
    are the sizes of images that are no files.

    Raises:
        SnapshotError: a file is no image.
    """
    paths = {path for pair in pairs for path in (pair.chosen, pair.rejected)}
    sizes = {path: known.get(path) or image_size(path) for path in paths}
    shapes = [(sizes[pair.chosen], sizes[pair.rejected]) for pair in pairs]
    bucket_of = {shape: common_bucket(shape, area, resolution) for shape in set(shapes)}

    sized = [(bucket_of[shape], pair) for shape, pair in zip(shapes, pairs, strict=True)]
    return PairImages(
        [SizedImage(size, pair.chosen) for size, pair in sized],
        [SizedImage(size, pair.rejected) for size, pair in sized],
        sizes,
        {path: origin for pair in pairs for path, origin in pair.origins.items()},
    )


def size_facts_of(
    family: ModelFamily, image: SizedImage, file_size: Size, origin: ImageOrigin | None = None
) -> Tensor:
    """Return what the denoiser is told of an image's size: [F].

    The crop counts what was cut off before the image came into its file, and what is cut off now.
    """
    placed = place(file_size, image.size)
    before = origin or ImageOrigin(file_size)
    cut = [
        round(before.crop[side] * placed.scaled[side] / file_size[side]) + placed.crop[side]
        for side in (0, 1)
    ]
    return family.size_facts(image.size, before.size, (cut[0], cut[1]))


def largest(sizes: Iterable[Size]) -> Size:
    """Return the size of the most pixels."""
    return max(sizes, key=lambda size: (size[0] * size[1], size))
