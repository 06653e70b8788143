"""Walk over the chunks of a PNG without decoding it."""

from collections.abc import Iterator

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind, the start and the end of each chunk of a PNG.

    A chunk is its length, its kind, that many bytes and a checksum: its data lies from start + 8 to
    end - 4. The end of a torn file's last chunk is beyond the content.
    """
    start = len(PNG_SIGNATURE)
    while start + 8 <= len(content):
        end = start + 12 + int.from_bytes(content[start : start + 4])
        yield content[start + 4 : start + 8], start, end
        start = end
