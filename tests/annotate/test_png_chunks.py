"""The walk over the chunks of a PNG."""

import io

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from annotate.png_chunks import PNG_SIGNATURE, png_chunks


def saved() -> bytes:
    note = PngImagePlugin.PngInfo()
    note.add_text("parameters", "a fox")
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(buffer, "PNG", pnginfo=note)
    return buffer.getvalue()


def test_the_chunks_of_an_image_are_the_whole_file() -> None:
    content = saved()
    found = list(png_chunks(content))
    assert [kind for kind, *_ in found] == [b"IHDR", b"tEXt", b"IDAT", b"IEND"]
    assert PNG_SIGNATURE + b"".join(content[start:end] for _, start, end in found) == content
    _, start, end = found[1]
    assert content[start + 8 : end - 4] == b"parameters\0a fox"


@given(st.binary(max_size=200))
def test_the_walk_over_anything_goes_forwards_and_ends(tail: bytes) -> None:
    content = PNG_SIGNATURE + tail
    starts = [start for _, start, _ in png_chunks(content)]
    assert starts == sorted(set(starts)) and all(start + 8 <= len(content) for start in starts)
