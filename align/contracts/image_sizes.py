"""Sizes that SDXL was trained at, and how an image is scaled and cropped to one of them.

Podell et al. 2023 (arXiv 2307.01952), appendix I: about as many pixels as 1024 x 1024 at 40 aspect
ratios. All sizes are width and height, in pixels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

Size: TypeAlias = tuple[int, int]
SDXL_SIDE = 1024
LATENT_PIXEL = 8
"""Pixels of an image along one latent pixel: sizes are multiples of it."""
COARSEST_PIXEL = 32
"""Pixels along one pixel of the coarsest level of SDXL's UNet, which halves latents twice: its own
sizes are multiples of it, and others would have to be padded inside."""
SDXL_SIZES: tuple[Size, ...] = (
    *((2048, 512), (1984, 512), (1920, 512), (1856, 512), (1792, 576), (1728, 576), (1664, 576)),
    *((1600, 640), (1536, 640), (1472, 704), (1408, 704), (1344, 704), (1344, 768), (1280, 768)),
    *((1216, 832), (1152, 832), (1152, 896), (1088, 896), (1088, 960), (1024, 960), (1024, 1024)),
    *((960, 1024), (960, 1088), (896, 1088), (896, 1152), (832, 1152), (832, 1216), (768, 1280)),
    *((768, 1344), (704, 1344), (704, 1408), (704, 1472), (640, 1536), (640, 1600), (576, 1664)),
    *((576, 1728), (576, 1792), (512, 1856), (512, 1920), (512, 1984), (512, 2048)),
)
"""From the widest to the tallest. 704 and 1344 stand in the paper one way round only; here both, so
that portraits and landscapes are treated alike."""


@dataclass(frozen=True, slots=True)
class Placement:
    """How an image comes to fill a size: first scaled, then cropped."""

    scaled: Size
    crop: tuple[int, int]
    """Pixels of the scaled image that are cut off at its left and at its top."""
    size: Size

    @property
    def is_whole(self) -> bool:
        """Return whether nothing is cut off."""
        return self.scaled == self.size


@dataclass(frozen=True, slots=True)
class ImageOrigin:
    """What an image was before it was scaled and cropped into its file."""

    size: Size
    crop: tuple[int, int] = (0, 0)
    """Pixels of the file's scale that were cut off at the left and at the top."""


def sizes_at(area: int) -> tuple[Size, ...]:
    """Return the sizes of a model that is made for so many pixels, from widest to tallest.

    They are SDXL's, scaled for models of another resolution.
    """
    return _sizes(area, LATENT_PIXEL)


def training_sizes(area: int, resolution: int = 0) -> tuple[Size, ...]:
    """Return the sizes that a model made for `area` pixels is trained at, from widest to tallest.

    They are its own, or those of about `resolution` squared pixels where these are fewer: a run
    never makes images larger than the model is made for.
    """
    if not 0 < resolution * resolution < area:
        return sizes_at(area)
    return _sizes(resolution * resolution, COARSEST_PIXEL)


def bucket_of(width: int, height: int, area: int) -> Size:
    """Return the size of `sizes_at` whose aspect ratio is nearest to an image's."""
    return common_bucket([(width, height)], area)


def common_bucket(images: Sequence[Size], area: int, resolution: int = 0) -> Size:
    """Return one size for several images, by the geometric mean of their aspect ratios.

    `resolution` is that of `training_sizes`.

    The mean treats all alike: no image gives away that it was chosen by being cropped less.
    """
    ratio = sum(math.log(width / height) for width, height in images) / len(images)
    sizes = training_sizes(area, resolution)
    return min(sizes, key=lambda size: abs(math.log(size[0] / size[1]) - ratio))


def place(image: Size, size: Size) -> Placement:
    """Return how an image fills a size: its center, of as much as keeps the aspect ratio.

    As the public training scripts do: the edge that binds is met exactly, the other one is rounded
    down, and the crop's offsets are rounded to whole pixels.
    """
    (width, height), (wanted_width, wanted_height) = image, size
    if width * wanted_height <= height * wanted_width:
        scaled = wanted_width, max(wanted_height, height * wanted_width // width)
    else:
        scaled = max(wanted_width, width * wanted_height // height), wanted_height
    left, top = (round((scaled[side] - size[side]) / 2) for side in (0, 1))
    return Placement(scaled, (left, top), size)


def _sizes(area: int, multiple: int) -> tuple[Size, ...]:
    """Return SDXL's sizes scaled to `area` pixels, in multiples of so many along each side."""
    scale = math.sqrt(area) / SDXL_SIDE
    sizes = (
        (_scaled(width, scale, multiple), _scaled(height, scale, multiple))
        for width, height in SDXL_SIZES
    )
    # Small models come to one size for several of them.
    return tuple(dict.fromkeys(sizes))


def _scaled(pixels: int, scale: float, multiple: int) -> int:
    """Scale a number of pixels, to the nearest multiple."""
    return max(1, math.floor(pixels * scale / multiple + 0.5)) * multiple
