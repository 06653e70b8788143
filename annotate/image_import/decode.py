"""One image file: a look at its head, then its pixels as everybody will be shown them."""

import hashlib
import io
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from PIL import Image, ImageCms, ImageOps

from annotate.image_import.captions.origins import NOTHING, Around, prompt_of, seen, tidy
from annotate.image_import.containers.kinds import START, refusal
from annotate.image_import.containers.metadata_parts import TEXTS_LONG
from annotate.image_import.fields import exif_of, has_exif
from annotate.image_import.header_checks import check_head
from annotate.rendering.similarity import ImageFingerprint, fingerprint_of
from annotate.safe_files import CHANGED, SkippedFile, read_whole

Size = tuple[int, int]
FORMATS = ("PNG", "JPEG", "WEBP")
ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each orientation."""
ON_THEIR_SIDE = tuple(TURNS[orientation] for orientation in (5, 6, 7, 8))
LEAST_SIDE = 16
LONGEST_SIDE = 2048
"""Larger images are shown, and kept, at this size."""
MOST_PIXELS = 64_000_000
"""A larger one would take gigabytes to decode."""
BYTES_A_PIXEL = 16
"""What decoding takes: an image with transparency is held four times on its way to paper."""
LARGEST_FILE = 256_000_000
LARGEST_PROFILE = 4_000_000
SIGNATURE = b"\x89PNG\r\n\x1a\n"
PLAIN = bytes((8, 2, 0, 0, 0))
"""The end of a PNG's head: eight bits, colours, not interlaced."""
LIMIT = "MAX_TEXT"
"""In what Pillow says of texts that would fill the memory."""
GRID = re.compile(r"grid-\d+")
"""How AUTOMATIC1111 names a sheet of several images."""


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of an image before it is decoded; `size` is as it is meant to be seen."""

    path: Path
    prompt: str
    digest: str
    size: Size
    cost: int
    """Bytes that decoding it takes at the most, about."""
    source: str
    """Where its prompt was found, as the summary of an import names it."""
    written: str
    """The prompt as it was found."""
    spelled: str
    """The same on one line, with what nobody sees: a brought image is found again by it."""


@dataclass(frozen=True, slots=True)
class Developed:
    """An image as it will be shown: PNG without anything but pixels, and its likeness."""

    png: bytes
    likeness: ImageFingerprint


def look(
    path: Path,
    root: Path,
    told: Mapping[Path, str],
    untold: Collection[Path] = (),
    sorts: Collection[Path] = (),
    texts: Mapping[Path, Path] = MappingProxyType({}),
) -> Head:
    """Read the head of an image's file and find its prompt; raises SkippedFile.

    `told` are the prompts of tables, `untold` the folders whose table cannot be read, and images
    that tables differ about, `sorts` the folders whose names are no prompts, `texts` the files
    about one image each that are not simply called as it is.
    """
    around = Around(root, told, untold, sorts, texts)
    if GRID.fullmatch(path.stem):
        raise SkippedFile("a sheet of several images")
    content = read_whole(path, root, LARGEST_FILE)
    with opened(content) as image:
        size, found = size_of(image), prompt_of(image, path, around)
        cost = len(content) + image.width * image.height * BYTES_A_PIXEL

    spelled = tidy(found.text)
    prompt = seen(spelled)
    if not prompt:
        raise SkippedFile(NOTHING)
    digest = hashlib.sha256(content).hexdigest()
    # Most prompts are found as they are shown: one text in memory then, not three.
    spelled = prompt if prompt == spelled else spelled
    written = prompt if prompt == found.written else found.written
    return Head(path, prompt, digest, size, cost, found.source, written, spelled)


def develop(head: Head, root: Path, size: Size) -> Developed:
    """Decode an image, upright, in colour and at this size, cropped where it must be.

    Raises SkippedFile.
    """
    content = read_whole(head.path, root, LARGEST_FILE)
    if hashlib.sha256(content).hexdigest() != head.digest:
        raise SkippedFile(CHANGED)
    with opened(content) as image:
        try:
            seen = in_colour(image)
        except (SkippedFile, MemoryError):
            raise
        except Exception as error:  # Decoders raise all kinds of errors on a damaged file.
            raise SkippedFile("damaged") from error
        plain = image.mode == "RGB" and image.size == size and not has_exif(image)
        bare = bare_png(content) if plain else None
    if bare is not None:
        return Developed(bare, fingerprint_of(seen))
    if seen.size != size:
        # Cropped to its middle, as the trainer crops to what a model draws.
        seen = ImageOps.fit(seen, size, Image.Resampling.LANCZOS)
    # Pillow would write a colour profile and more into the file.
    seen.info.clear()
    buffer = io.BytesIO()
    # Fast rather than small: thousands of them are written in one go.
    seen.save(buffer, "PNG", compress_level=1)
    return Developed(buffer.getvalue(), fingerprint_of(seen))


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


def opened(content: bytes) -> Image.Image:
    """Open an image without decoding it; raises SkippedFile."""
    if reason := refusal(content[:START]):
        raise SkippedFile(reason)
    check_head(content, MOST_PIXELS)
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise SkippedFile("too large") from error
    except Exception as error:  # As above.
        raise SkippedFile(TEXTS_LONG if LIMIT in str(error) else "damaged") from error
    if image.width * image.height > MOST_PIXELS:
        raise SkippedFile("too large")
    if min(image.size) < LEAST_SIDE:
        raise SkippedFile("too small")
    return image


def size_of(image: Image.Image) -> Size:
    """Return an image's size as it is meant to be seen, and no larger than it may be."""
    width, height = image.size
    if turn_of(image) in ON_THEIR_SIDE:
        width, height = height, width
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """Return what turns an image upright, by its EXIF; broken EXIF turns nothing."""
    try:
        return TURNS.get(exif_of(image).get(ORIENTATION, 1))
    except SkippedFile:
        raise
    except Exception:
        return None


def in_colour(image: Image.Image) -> Image.Image:
    """Return an image upright, in sRGB, on white where it lets through."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):
        # Sixteen bits a pixel; a plain conversion would clip them.
        image = image.point(lambda level: level / 256).convert("L")
    turn = turn_of(image)
    upright = image if turn is None else image.transpose(turn)
    if "A" in upright.getbands() or "transparency" in upright.info:
        with_alpha = upright.convert("RGBA")
        sheet = Image.new("RGBA", with_alpha.size, "white")
        upright = Image.alpha_composite(sheet, with_alpha)
    seen = upright.convert("RGB")
    with suppress(ImageCms.PyCMSError, OSError, ValueError):
        if profile and len(profile) <= LARGEST_PROFILE and image.mode in ("RGB", "RGBA"):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            seen = ImageCms.profileToProfile(seen, source, target) or seen
    return seen
