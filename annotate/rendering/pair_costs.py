"""Costs of a pair that is rendered ahead: its bytes on the disk, and the disk's room for more."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from annotate.rendering.look import Look
from storage.store import Store

MEASURED_IMAGES = 48
"""The newest images whose files are measured."""
PNG_BYTES_PER_PIXEL = 1.6
"""A guess before the first image: PNGs of SDXL take 1.3 to 1.8 bytes a pixel."""
ROW_BYTES = 1000
"""What the database keeps of a pair and its images."""
RESERVED_BYTES = 2_000_000_000
"""Disk that prepared pairs leave for votes, runs and everything else."""


@dataclass(frozen=True, slots=True)
class PairBytes:
    """The bytes of a pair; `measured` on images of this model, or guessed by its pixels."""

    bytes: int
    measured: bool


@dataclass(frozen=True, slots=True)
class DiskRoom:
    """Free bytes of the studio's disk, and how many of them are kept free."""

    free: int
    reserved: int = RESERVED_BYTES

    @property
    def usable(self) -> int:
        """Return the bytes that prepared pairs may take."""
        return max(0, self.free - self.reserved)


def pair_bytes(store: Store, model_id: str, look: Look) -> PairBytes:
    """Return the mean size of a pair in a look, by the newest images of its model."""
    pixels, bytes_taken = 0, 0
    for image in store.pairs.newest_images(model_id, MEASURED_IMAGES):
        if size := file_bytes(store.image_path(image.sha256)):
            pixels, bytes_taken = pixels + image.width * image.height, bytes_taken + size

    per_pixel = bytes_taken / pixels if pixels else PNG_BYTES_PER_PIXEL
    # Each pair is of one of the sizes, and all are as likely.
    mean_pixels = sum(width * height for width, height in look.sizes) / len(look.sizes)
    return PairBytes(round(2 * mean_pixels * per_pixel) + ROW_BYTES, bool(pixels))


def file_bytes(path: Path) -> int:
    """Return what a file takes on the disk, in whole blocks where that is known; 0 if gone."""
    try:
        found = path.stat()
    except OSError:
        return 0
    # Windows does not say.
    blocks: int = getattr(found, "st_blocks", 0)
    return max(found.st_size, 512 * blocks)


def disk_room(folder: Path) -> DiskRoom:
    """Return the free disk of a folder."""
    return DiskRoom(shutil.disk_usage(folder).free)
