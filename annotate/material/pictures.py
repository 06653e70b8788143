"""One picture file: a look at its head, then its pixels as everybody will be shown them."""

import hashlib
import io
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageCms, ImageOps

from annotate.likeness import Likeness, likeness_of
from annotate.material.captions import named, sidecar
from annotate.material.metadata import embedded_prompt, has_exif
from storage.errors import InvalidPrompt
from storage.prompts import clean_prompt
from storage.text import has_controls

Size = tuple[int, int]
FORMATS = ("PNG", "JPEG", "WEBP")
ORIENTATION = 0x0112
ON_THEIR_SIDE = (5, 6, 7, 8)
LEAST_SIDE = 16
LONGEST_SIDE = 2048
"""Larger pictures are shown, and kept, at this size."""
MOST_PIXELS = 64_000_000
"""A larger one would take gigabytes to decode."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"
PLAIN = bytes((8, 2, 0, 0, 0))
"""The end of a PNG's head: eight bits, colours, not interlaced."""
GRID = re.compile(r"grid-\d+")
"""How AUTOMATIC1111 names a sheet of several pictures."""


class Skip(Exception):
    """A picture that is left out; the text is the reason, to be counted by."""


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a picture before it is decoded; `size` is as it is meant to be seen."""

    path: Path
    prompt: str
    digest: str
    size: Size


@dataclass(frozen=True, slots=True)
class Developed:
    """A picture as it will be shown: PNG without anything but pixels, and its likeness."""

    png: bytes
    likeness: Likeness


def look(path: Path, root: Path, told: Mapping[Path, str]) -> Head:
    """Read the head of a picture's file and find its prompt; raises Skip."""
    if GRID.fullmatch(path.stem):
        raise Skip("a sheet of several pictures")
    content = read(path)
    with opened(content) as picture:
        size, written = size_of(picture), embedded_prompt(picture)
    prompt = tidy(written or sidecar(path) or told.get(path) or named(path, root))
    return Head(path, prompt, hashlib.sha256(content).hexdigest(), size)


def develop(path: Path, size: Size) -> Developed:
    """Decode a picture, upright, in colour and at this size, cropped where it must be.

    Raises Skip.
    """
    content = read(path)
    with opened(content) as picture:
        try:
            seen = in_colour(picture)
        except Exception as error:  # Decoders raise all kinds of errors on a damaged file.
            raise Skip("damaged") from error
        plain = picture.mode == "RGB" and picture.size == size and not has_exif(picture)
        bare = bare_png(content) if plain else None
    if bare is not None:
        return Developed(bare, likeness_of(seen))
    if seen.size != size:
        # Cropped to its middle, as the trainer crops to what a model draws.
        seen = ImageOps.fit(seen, size, Image.Resampling.LANCZOS)
    # Pillow would write a colour profile and more into the file.
    seen.info.clear()
    buffer = io.BytesIO()
    # Fast rather than small: thousands of them are written in one go.
    seen.save(buffer, "PNG", compress_level=1)
    return Developed(buffer.getvalue(), likeness_of(seen))


def bare_png(content: bytes) -> bytes | None:
    """Return a PNG with nothing in it but its pixels; None for one that says how to see them.

    Writing such a file anew would take four times as long and change nothing.
    """
    if not content.startswith(SIGNATURE) or content[24:29] != PLAIN:
        return None
    kept, start = [SIGNATURE], len(SIGNATURE)
    while start < len(content):
        kind = content[start + 4 : start + 8]
        end = start + 12 + int.from_bytes(content[start : start + 4])
        if kind in (b"tRNS", b"iCCP", b"eXIf", b"acTL"):
            return None
        if kind in (b"IHDR", b"IDAT", b"IEND"):
            kept.append(content[start:end])
        if kind == b"IEND":
            return b"".join(kept)
        start = end
    return None


def read(path: Path) -> bytes:
    """Return a file's content; raises Skip."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Skip("could not be read") from error
    if not content:
        raise Skip("empty file")
    return content


def opened(content: bytes) -> Image.Image:
    """Open a picture without decoding it; raises Skip."""
    try:
        picture = Image.open(io.BytesIO(content), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Skip("too large") from error
    except Exception as error:  # As above.
        raise Skip("damaged") from error
    if picture.width * picture.height > MOST_PIXELS:
        raise Skip("too large")
    if min(picture.size) < LEAST_SIDE:
        raise Skip("too small")
    return picture


def size_of(picture: Image.Image) -> Size:
    """Return a picture's size as it is meant to be seen, and no larger than it may be."""
    width, height = picture.size
    with suppress(Exception):  # Broken EXIF turns nothing.
        if has_exif(picture) and picture.getexif().get(ORIENTATION) in ON_THEIR_SIDE:
            width, height = height, width
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def in_colour(picture: Image.Image) -> Image.Image:
    """Return a picture upright, in sRGB, on white where it lets through."""
    profile = picture.info.get("icc_profile")
    if picture.mode.startswith("I"):
        # Sixteen bits a pixel; a plain conversion would clip them.
        picture = picture.point(lambda level: level / 256).convert("L")
    upright = ImageOps.exif_transpose(picture)
    if "A" in upright.getbands() or "transparency" in upright.info:
        with_alpha = upright.convert("RGBA")
        sheet = Image.new("RGBA", with_alpha.size, "white")
        upright = Image.alpha_composite(sheet, with_alpha)
    seen = upright.convert("RGB")
    with suppress(ImageCms.PyCMSError, OSError, ValueError):
        if profile and picture.mode in ("RGB", "RGBA"):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            seen = ImageCms.profileToProfile(seen, source, target) or seen
    return seen


def tidy(prompt: str | None) -> str:
    """Return a prompt on one line; raises Skip."""
    words = " ".join((prompt or "").split())
    text = "".join(character for character in words if not has_controls(character)).strip()
    if not text:
        raise Skip("no prompt found")
    try:
        return clean_prompt(text, "The prompt")
    except InvalidPrompt as error:
        raise Skip("its prompt is too long") from error
