"""Decoder of one image file: first its header and prompt, then its pixels as they are shown."""

import hashlib
import io
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageCms

from align.contracts.image_sizes import Size, place
from annotate.image_import.captions.origins import NOTHING, one_line, prompt_of, without_invisible
from annotate.image_import.containers.kinds import START, refusal
from annotate.image_import.containers.metadata_parts import TEXTS_LONG
from annotate.image_import.fields import exif_of, has_exif
from annotate.image_import.folder_contents import FolderContents
from annotate.image_import.header_checks import check_head
from annotate.png_chunks import PNG_SIGNATURE, png_chunks
from annotate.rendering.similarity import ImageFingerprint, fingerprint_of
from storage.safe_files import CHANGED, SkippedFile, read_whole

FORMATS = ("PNG", "JPEG", "WEBP")
ORIENTATION = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""Transposition that turns an image upright, by its EXIF orientation."""
ROTATED_SIDEWAYS = tuple(UPRIGHT[orientation] for orientation in (5, 6, 7, 8))
MIN_SIDE = 16
MAX_SIDE = 2048
"""Pixels of the longer side at which larger images are stored."""
MAX_PIXELS = 64_000_000
"""Decoding a larger image would take gigabytes."""
BYTES_PER_PIXEL = 16
"""Memory of decoding: an image with transparency is held four times until it is on white."""
MAX_FILE_BYTES = 256_000_000
MAX_PROFILE_BYTES = 4_000_000
RGB8_HEADER = bytes((8, 2, 0, 0, 0))
"""End of the IHDR chunk of a PNG with eight bits per channel, RGB, not interlaced."""
PILLOW_TEXT_LIMIT = "MAX_TEXT"
"""Part of Pillow's error about texts that would fill the memory."""
GRID = re.compile(r"grid-\d+")
"""File name that AUTOMATIC1111 gives to a grid of several images."""
ENDS = ",; "
"""Characters that a prompt does not end with."""
FAST_COMPRESSION = 1
"""Level of PNG compression: thousands of files are written in one go, so fast beats small."""


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Facts on an image before it is decoded; `size` is that of the upright image, in pixels."""

    path: Path
    prompt: str
    digest: str
    size: Size
    cost: int
    """Upper bound of the memory that decoding takes, in bytes."""
    source: str
    """Source of its prompt, as the summary of an import names it."""
    written: str
    """The prompt as it was written."""
    spelled: str
    """The prompt on one line, invisible characters included; part of the image's key."""
    original: Size | None = None
    """Size of the upright image in its file, where that is larger than `size`."""


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """Image as it will be shown: a PNG without metadata, and its fingerprint."""

    png: bytes
    fingerprint: ImageFingerprint


def read_header(path: Path, contents: FolderContents) -> ImageHeader:
    """Read the header of an image's file and find its prompt; raises SkippedFile.

    `contents` is the folder that is imported, with what its texts say of its images.
    """
    if GRID.fullmatch(path.stem):
        raise SkippedFile("a sheet of several images")

    content = read_whole(path, contents.root, MAX_FILE_BYTES)
    with open_image(content) as image:
        original, found = size_of(image), prompt_of(image, path, contents)
        cost = len(content) + image.width * image.height * BYTES_PER_PIXEL

    spelled = one_line(found.text)
    # A comma that a list of words was left with is no part of what the image shows.
    prompt = without_invisible(spelled).rstrip(ENDS)
    if not prompt:
        raise SkippedFile(NOTHING)
    digest = hashlib.sha256(content).hexdigest()
    # Most prompts are written as they are shown: then one text is kept in memory, not three.
    spelled = prompt if prompt == spelled else spelled
    written = prompt if prompt == found.written else found.written
    size = limited(original)
    larger = None if original == size else original
    return ImageHeader(path, prompt, digest, size, cost, found.source, written, spelled, larger)


def decode_image(header: ImageHeader, root: Path, size: Size) -> DecodedImage:
    """Decode an image, upright, in sRGB and at this size, cropped where its aspect ratio differs.

    Raises SkippedFile, also for a file that changed since its header was read.
    """
    content = read_whole(header.path, root, MAX_FILE_BYTES)
    if hashlib.sha256(content).hexdigest() != header.digest:
        raise SkippedFile(CHANGED)

    with open_image(content) as image:
        try:
            pixels = to_srgb(image)
        except (SkippedFile, MemoryError):
            raise
        except Exception as error:  # Decoders raise all kinds of errors on a damaged file.
            raise SkippedFile("damaged") from error
        plain = image.mode == "RGB" and image.size == size and not has_exif(image)
        stripped = strip_png(content) if plain else None
    if stripped is not None:
        return DecodedImage(stripped, fingerprint_of(pixels))

    pixels = fill(pixels, size)
    # Pillow would write a color profile and other metadata into the file.
    pixels.info.clear()
    buffer = io.BytesIO()
    pixels.save(buffer, "PNG", compress_level=FAST_COMPRESSION)
    return DecodedImage(buffer.getvalue(), fingerprint_of(pixels))


def fill(image: Image.Image, size: Size) -> Image.Image:
    """Return an image scaled to fill a size, and cropped to its center where it is larger then."""
    placed = place(image.size, size)
    if image.size != placed.scaled:
        image = image.resize(placed.scaled, Image.Resampling.LANCZOS)
    if placed.is_whole:
        return image
    (left, top), (width, height) = placed.crop, size
    return image.crop((left, top, left + width, top + height))


def strip_png(content: bytes) -> bytes | None:
    """Return a PNG without its metadata; None if a chunk changes how its pixels are shown.

    Encoding the pixels again would take four times as long and change nothing.
    """
    if not content.startswith(PNG_SIGNATURE) or content[24:29] != RGB8_HEADER:
        return None

    kept = [PNG_SIGNATURE]
    for kind, start, end in png_chunks(content):
        if kind in (b"tRNS", b"iCCP", b"eXIf", b"acTL"):
            return None
        if kind in (b"IHDR", b"IDAT", b"IEND"):
            kept.append(content[start:end])
        if kind == b"IEND":
            return b"".join(kept)
    return None


def open_image(content: bytes) -> Image.Image:
    """Open an image without decoding it; raises SkippedFile for one that is not safe to decode."""
    if reason := refusal(content[:START]):
        raise SkippedFile(reason)
    check_head(content, MAX_PIXELS)
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise SkippedFile("too large") from error
    except Exception as error:  # Decoders raise all kinds of errors on a damaged file.
        reason = TEXTS_LONG if PILLOW_TEXT_LIMIT in str(error) else "damaged"
        raise SkippedFile(reason) from error

    if image.width * image.height > MAX_PIXELS:
        raise SkippedFile("too large")
    if min(image.size) < MIN_SIDE:
        raise SkippedFile("too small")
    return image


def size_of(image: Image.Image) -> Size:
    """Return the size of the upright image."""
    width, height = image.size
    return (height, width) if upright_transpose(image) in ROTATED_SIDEWAYS else (width, height)


def limited(size: Size) -> Size:
    """Return a size scaled down to MAX_SIDE."""
    width, height = size
    scale = min(1.0, MAX_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def upright_transpose(image: Image.Image) -> Image.Transpose | None:
    """Return the transposition that turns an image upright; None without readable EXIF."""
    try:
        return UPRIGHT.get(exif_of(image).get(ORIENTATION, 1))
    except SkippedFile:
        raise
    except Exception:
        return None


def to_srgb(image: Image.Image) -> Image.Image:
    """Return an image upright, converted to sRGB, with transparency on white."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):
        # Sixteen bits per channel, which a plain conversion would clip.
        image = image.point(lambda level: level / 256).convert("L")
    transpose = upright_transpose(image)
    upright = image if transpose is None else image.transpose(transpose)

    if "A" in upright.getbands() or "transparency" in upright.info:
        with_alpha = upright.convert("RGBA")
        white = Image.new("RGBA", with_alpha.size, "white")
        upright = Image.alpha_composite(white, with_alpha)
    pixels = upright.convert("RGB")

    # A profile that cannot be used is ignored, as browsers do.
    with suppress(ImageCms.PyCMSError, OSError, ValueError):
        if profile and len(profile) <= MAX_PROFILE_BYTES and image.mode in ("RGB", "RGBA"):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            pixels = ImageCms.profileToProfile(pixels, source, target) or pixels
    return pixels
