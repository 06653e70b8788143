"""Images on their way to a browser: with nothing in them, or around them, but the image."""

import struct
from pathlib import Path

from starlette.responses import PlainTextResponse, Response

FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
SIGNATURE = b"\x89PNG\r\n\x1a\n"
TELLING = (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME")
"""Chunks in which programs write prompts, model names and dates."""


def image_response(file: Path | None) -> Response:
    """Return an image for good; its headers say nothing of when or from what it was made."""
    try:
        content = file.read_bytes() if file else None
    except OSError:
        content = None
    if content is None:
        return PlainTextResponse("There is no such image.", status_code=404)
    return Response(without_words(content), media_type="image/png", headers=FOREVER)


def without_words(content: bytes) -> bytes:
    """Return a PNG without the chunks that tell about it; what is no PNG stays as it is."""
    if not content.startswith(SIGNATURE):
        return content
    if not any(kind in content for kind in TELLING):
        return content
    kept, place = [SIGNATURE], len(SIGNATURE)
    while place + 8 <= len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        end = place + 12 + length
        if kind not in TELLING:
            kept.append(content[place:end])
        place = end
    return b"".join(kept)
