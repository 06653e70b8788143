"""Image files of a snapshot: opened as RGB, and refused early where they cannot be used."""

from __future__ import annotations

import io
import stat
import warnings
from pathlib import Path

from PIL import Image

from align.errors import SnapshotError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
"""Of the files in a folder that are taken for images."""
MAX_PIXELS = 64_000_000
"""A larger image would take gigabytes to decode, only to be scaled down."""
MIN_SIDE = 8
"""Pixels: one latent pixel."""
ORIENTATION = 0x0112
"""EXIF's tag of how a camera was held."""
ON_ITS_SIDE = range(5, 9)
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
CAMERA_FORMATS = ("JPEG", "MPO")
"""Of other formats, programs disagree on whether EXIF turns them."""


def looks_like_image(path: Path) -> bool:
    """Return whether a file is taken for an image by its name.

    macOS writes `._NAME` beside a file on other systems' disks, which holds no image.
    """
    return path.suffix.lower() in SUFFIXES and not path.name.startswith("._")


def open_rgb(path: Path) -> Image.Image:
    """Decode an image; raises SnapshotError where the file is none."""
    try:
        with Image.open(path) as image:
            return as_shown(image)
    except MemoryError:
        # Not the file's fault.
        raise
    except Exception as error:  # Decoders raise all kinds of errors on a damaged file.
        raise SnapshotError(f"{path} is not a readable image: {error}.") from None


def decode_rgb(content: bytes, size: tuple[int, int]) -> Image.Image | None:
    """Decode the bytes of an image; None where they are none of this size.

    The size is compared first: a few bytes may claim to be an image of gigabytes.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            # EXIF swaps the sides of some photos, and broken EXIF is read in more than one way.
            return as_shown(image) if sorted(image.size) == sorted(size) else None
    except MemoryError:
        raise
    except Exception:  # As above.
        return None


def as_shown(image: Image.Image) -> Image.Image:
    """Return an image in RGB as a browser shows it: upright, and gray of 16 bits as gray."""
    if image.mode.startswith("I"):
        # A plain conversion clips, and nearly all of it is white then.
        image = image.point(lambda level: level / 256).convert("L")
    elif turn := TURNS.get(orientation_of(image)):
        image = image.transpose(turn)
    return image.convert("RGB")


def orientation_of(image: Image.Image) -> int:
    """Return EXIF's number of how a photo was held; 1 for upright, and where it does not say."""
    if image.format not in CAMERA_FORMATS:
        return 1
    try:
        told = image.getexif().get(ORIENTATION, 1)
    except Exception:  # Of a damaged EXIF, as of a damaged image.
        return 1
    return told if isinstance(told, int) else 1


def image_size(path: Path) -> tuple[int, int]:
    """Return the width and height of an image; raises SnapshotError where the file is none."""
    try:
        with Image.open(path) as image:
            turned = orientation_of(image) in ON_ITS_SIDE
            return (image.height, image.width) if turned else image.size
    except Exception as error:  # As above.
        raise SnapshotError(f"{path} is not a readable image: {error}.") from None


def image_fault(path: Path) -> str | None:
    """Return the reason why an image file cannot be used, to count by; None where it can."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            # Never opened: a pipe would be waited for.
            return "unreadable image"
        if status.st_size == 0:
            return "empty image file"
        with warnings.catch_warnings():
            # Pillow warns of large images; they are refused here all the same.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                width, height = image.size
                image.verify()
    except FileNotFoundError:
        return "missing image"
    except Image.DecompressionBombError:
        return "huge image"
    except Exception:  # As above.
        return "unreadable image"
    return size_fault((width, height))


def size_fault(size: tuple[int, int]) -> str | None:
    """Return the reason why an image of this size cannot be used; None where it can."""
    if size[0] * size[1] > MAX_PIXELS:
        return "huge image"
    return "tiny image" if min(size) < MIN_SIDE else None


def caption_of(image: Path, default: str = "") -> str:
    """Return the prompt of an image: the text file of its name beside it, or else `default`.

    Raises:
        SnapshotError: the text is not UTF-8; a byte order mark is dropped.
    """
    caption = image.with_suffix(".txt")
    if not caption.is_file():
        return default
    try:
        return caption.read_text(encoding="utf-8-sig").strip()
    except UnicodeDecodeError:
        raise SnapshotError(f"{caption} is not UTF-8. Save the prompt in it as UTF-8.") from None
