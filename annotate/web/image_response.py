"""Serve PNGs with metadata chunks and revealing headers stripped."""

from pathlib import Path

from starlette.responses import PlainTextResponse, Response

from annotate.png_chunks import PNG_SIGNATURE, png_chunks

IMMUTABLE = {"Cache-Control": "private, max-age=31536000, immutable"}
METADATA_CHUNKS = (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME")
"""PNG chunks in which programs write prompts, model names and dates."""


def image_response(file: Path | None) -> Response:
    """Return an image that browsers cache for good, or 404; headers name no date and no file."""
    try:
        content = file.read_bytes() if file else None
    except OSError:
        content = None
    if content is None:
        return PlainTextResponse("There is no such image.", status_code=404)
    return Response(without_metadata(content), media_type="image/png", headers=IMMUTABLE)


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
