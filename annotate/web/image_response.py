"""Serve images with metadata and revealing headers stripped: as PNG, or smaller as WebP.

A page on another machine asks for large images at the size that it shows (`?side=768`), and for the
PNG itself once somebody zooms in.
"""

import io
import re
import threading
from collections import OrderedDict
from pathlib import Path

from PIL import Image
from starlette.responses import PlainTextResponse, Response

from annotate.png_chunks import PNG_SIGNATURE, png_chunks

IMMUTABLE = {"Cache-Control": "private, max-age=31536000, immutable"}
METADATA_CHUNKS = (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME")
"""PNG chunks in which programs write prompts, model names and dates."""
SIDES = (512, 768, 1024, 1536, 2048)
"""Longest sides in pixels that WebP is made of, so that one image has few variants."""
SMALL = 128
"""Longest side beside a version's name: as exact as it is asked for, it is one more size."""
SIDE = re.compile(r"[0-9]{1,5}")
MIN_SIDE = 512
"""Images whose longest side is shorter stay PNG: these are small already."""
QUALITY = 92
"""Of WebP, from 0 to 100. Where nobody zooms in, no difference to the PNG is seen."""
MODES = ("RGB", "RGBA", "L", "LA", "P")
"""Color modes of Pillow that WebP keeps; images of 16 bits stay PNG."""
CACHE_BYTES = 48 * 2**20


class ImageResponses:
    """Responses with images; the WebP made last is kept in memory, up to CACHE_BYTES."""

    def __init__(self, cache_bytes: int = CACHE_BYTES) -> None:
        self._cache_bytes = cache_bytes
        self._made: OrderedDict[tuple[Path, int], bytes] = OrderedDict()
        self._guard = threading.Lock()

    def response(self, file: Path | None, side: str = "") -> Response:
        """Return an image as `image_response` does, but with a `side` in pixels at most that large.

        It is WebP then, where that saves bytes.
        """
        content = _read(file) if SIDE.fullmatch(side) else None
        if file is not None and content is not None:
            wanted = int(side)
            made = self._webp(file, content, wanted if wanted == SMALL else as_side(wanted))
            if made:
                return Response(made, media_type="image/webp", headers=IMMUTABLE)
        return image_response(file)

    def _webp(self, file: Path, content: bytes, side: int) -> bytes:
        """Return an image as WebP; empty where it stays PNG."""
        key = (file, side)
        with self._guard:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]

        made = as_webp(content, side)
        with self._guard:
            self._made[key] = made
            while sum(map(len, self._made.values())) > self._cache_bytes:
                self._made.popitem(last=False)
        return made


def image_response(file: Path | None) -> Response:
    """Return an image that browsers cache for good, or 404; headers name no date and no file."""
    content = _read(file)
    if content is None:
        return PlainTextResponse("There is no such image.", status_code=404)
    return Response(without_metadata(content), media_type="image/png", headers=IMMUTABLE)


def as_side(wanted: int) -> int:
    """Return the smallest of SIDES that is as long as wanted; 0, which is full size, above all."""
    return next((side for side in SIDES if side >= wanted), 0)


def as_webp(content: bytes, side: int) -> bytes:
    """Return an image as WebP without metadata, its longest side at most `side` if that is not 0.

    Empty where it stays PNG: for small images, and where WebP would not be smaller.
    """
    try:
        with Image.open(io.BytesIO(content)) as original:
            if max(original.size) < MIN_SIDE or original.mode not in MODES:
                return b""
            # Colors of a palette cannot be mixed.
            image = original.convert("RGBA") if original.mode == "P" else original
            if side and side < max(image.size):
                image.thumbnail((side, side), Image.Resampling.LANCZOS)
            made = io.BytesIO()
            # The color profile belongs to the image, and the PNG has it as well.
            image.save(
                made,
                "WEBP",
                quality=QUALITY,
                icc_profile=image.info.get("icc_profile"),
                exif=b"",
                xmp=b"",
            )
    except (OSError, ValueError, Image.DecompressionBombError):
        return b""
    return made.getvalue() if made.tell() < len(content) else b""


def without_metadata(content: bytes) -> bytes:
    """Return a PNG without its metadata chunks; bytes that are no PNG stay as they are."""
    if not content.startswith(PNG_SIGNATURE):
        return content
    if not any(kind in content for kind in METADATA_CHUNKS):
        return content

    kept = [
        content[start:end]
        for kind, start, end in png_chunks(content)
        if kind not in METADATA_CHUNKS
    ]
    return b"".join([PNG_SIGNATURE, *kept])


def _read(file: Path | None) -> bytes | None:
    try:
        return file.read_bytes() if file else None
    except OSError:
        return None
