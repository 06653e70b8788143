"""Texts hidden in the pixels of a PNG are found, at next to no cost for the others."""

import gzip
import io
import random
import zlib

import pytest
from metadata_files import chunk, encoded, fields, hidden, png
from PIL import Image

from annotate.image_import.containers import stealth
from annotate.image_import.containers.stealth import FIELD

SIGNATURES = (b"stealth_pnginfo", b"stealth_pngcomp", b"stealth_rgbinfo", b"stealth_rgbcomp")
TEXT = '{"Description": "an owl at noon", "Comment": "größer 梟"}'
BROKEN = {"unreadable": "the text hidden in its pixels cannot be read"}


def noise(mode: str, size: tuple[int, int] = (96, 160)) -> Image.Image:
    """Pixels that look like nothing, so that a PNG's rows are filtered in every way."""
    depth = len(mode)
    return Image.frombytes(mode, size, random.Random(2).randbytes(size[0] * size[1] * depth))


def slope(mode: str) -> Image.Image:
    """Pixels that grow along rows and columns."""
    grey = Image.linear_gradient("L").resize((90, 150))
    turned = grey.transpose(Image.Transpose.ROTATE_180)
    return Image.merge(mode, [grey, turned, grey, turned][: len(mode)])


@pytest.mark.parametrize("signature", SIGNATURES)
@pytest.mark.parametrize("made", [noise, slope])
@pytest.mark.parametrize("level", [0, 1, 9])
def test_a_hidden_text_is_found_however_the_pixels_are_packed(
    signature: bytes, made: object, level: int
) -> None:
    mode = "RGB" if b"rgb" in signature else "RGBA"
    content = hidden(TEXT, signature, made(mode), compress_level=level)  # type: ignore[operator]
    assert fields(content) == {FIELD: TEXT}


@pytest.mark.parametrize("size", [(300, 24), (24, 300), (64, 64)])
def test_a_hidden_text_goes_on_in_the_next_column(size: tuple[int, int]) -> None:
    for signature in SIGNATURES:
        mode = "RGB" if b"rgb" in signature else "RGBA"
        assert fields(hidden("an owl", signature, noise(mode, size))) == {FIELD: "an owl"}


def test_a_text_in_the_colours_is_found_beside_transparency() -> None:
    content = hidden(TEXT, b"stealth_rgbinfo", noise("RGB"))
    with Image.open(io.BytesIO(content)) as image:
        image.putalpha(200)
        assert fields(encoded("PNG", image)) == {FIELD: TEXT}


BOMB = gzip.compress(b"a" * 12_000_000)


@pytest.mark.parametrize(
    "content",
    [
        hidden("", b"stealth_pngcomp", packed=b"no gzip"),
        hidden("", b"stealth_pngcomp", noise("RGBA", (400, 300)), packed=BOMB),
        hidden(TEXT, b"stealth_pnginfo", claimed=2**32 - 1),
        hidden(TEXT, b"stealth_pnginfo", claimed=0),
        hidden("", b"stealth_pnginfo", packed=random.Random(1).randbytes(400)),
    ],
    ids=("no gzip", "bomb", "long", "empty", "noise"),
)
def test_a_hidden_text_that_cannot_be_read_says_so(content: bytes) -> None:
    assert fields(content) == BROKEN


def test_what_only_begins_like_a_hidden_text_is_none() -> None:
    assert fields(hidden(TEXT, b"stealth_pngnone")) == {}
    assert fields(hidden(TEXT, b"stealth_rgbnone")) == {}


def test_an_ordinary_image_is_not_decoded_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    real = stealth._pixels

    def counted(content: bytes):  # type: ignore[no-untyped-def]
        for piece in real(content):
            asked.append(len(piece))
            yield piece

    monkeypatch.setattr(stealth, "_pixels", counted)
    assert fields(encoded("PNG", noise("RGBA", (512, 512)))) == {}
    assert sum(asked) < 5 * stealth.LONGEST_PIECE


def test_a_text_for_everybody_to_see_is_enough() -> None:
    content = hidden(TEXT, b"stealth_pnginfo")
    seen = content[:33] + chunk(b"tEXt", b"parameters\0an owl") + content[33:]
    assert fields(seen) == {"parameters": "an owl"}


@pytest.mark.parametrize("kind", [b"IDAT", b"IHDR"])
def test_pixels_that_are_damaged_hide_nothing(kind: bytes) -> None:
    content = png(image=noise("RGBA"))
    at = content.index(b"IDAT") + 4
    broken = content[:at] + zlib.compress(b"\0")[:6] + content[at + 6 :]
    if kind == b"IHDR":
        broken = content[:24] + b"\x10\x06\0\0\1" + content[29:]
    try:
        found = fields(broken)
    except Exception as error:  # Pillow says so itself.
        assert "broken" in str(error) or "identify" in str(error)
    else:
        assert found == {}
