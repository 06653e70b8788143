"""What programs got wrong when they wrote metadata, and containers that few of them use."""

import gzip
import io
import zlib

import pytest
from image_files_made import scene
from metadata_files import (
    ASCII,
    BYTE,
    COMMENT,
    DESCRIPTION,
    UNDEFINED,
    chunk,
    comment,
    encoded,
    fields,
    hidden,
    iptc,
    itxt,
    jpeg,
    png,
    profile,
    resource,
    tiff,
    with_exif,
    with_xmp,
    xmp,
)
from PIL import Image

from annotate.image_import.containers.encodings import comment_of, narrow_text, text_of
from annotate.image_import.fields import fields_of
from annotate.image_import.metadata import prompt_in

OWL = "an owl at noon, größer"
PARAMETERS = f"{OWL}\nNegative prompt: rain\nSteps: 8, Seed: 3"
ASCII_CODE, UNICODE = b"ASCII\0\0\0", b"UNICODE\0"


def twice(text: str, times: int) -> bytes:
    raw = text.encode()
    for _ in range(times):
        raw = raw.decode("latin-1").encode()
    return raw


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"an owl \xed\xa0\xbe\xed\xb6\x89", "an owl 🦉"),
        (UNICODE + b"an owl \xed\xa0\xbe\xed\xb6\x89 at noon", "an owl 🦉 at noon"),
        (b'charset=Unicode an owl', "an owl"),
        (b'charset="ASCII" an owl', "an owl"),
        (ASCII_CODE + b"charset=Ascii an owl", "an owl"),
        (UNICODE + UNICODE + OWL.encode("utf-16-le"), OWL),
        (UNICODE + ASCII_CODE + OWL.encode(), OWL),
        ("UNICODE\0an owl".encode("utf-16-le"), "an owl"),
        (UNICODE + "ASCII\0\0\0an owl".encode("utf-16-be"), "an owl"),
        (b"UTF-8\0\0\0" + OWL.encode(), OWL),
        (b"UTF8\0\0\0\0" + OWL.encode(), OWL),
        (b"Latin1\0\0" + OWL.encode("latin-1"), OWL),
        (UNICODE + b"\xff\xfe" + OWL.encode("utf-16-be"), OWL),
        (b"\xfe\xff" + "猫头鹰和满月".encode("utf-16-le"), "猫头鹰和满月"),
        (ASCII_CODE + twice(OWL, 2), OWL),
        (UNICODE + twice("猫头鹰", 3), "猫头鹰"),
        (ASCII_CODE + b"owl", "owl"),
    ],
    ids=range(17),
)  # fmt: skip
def test_a_comment_of_a_program_that_got_it_wrong_is_read(raw: bytes, text: str) -> None:
    assert comment_of(raw) == text


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
def test_lines_may_end_in_any_way(end: str) -> None:
    raw = UNICODE + PARAMETERS.replace("\n", end).encode("utf-16-be")
    with Image.open(io.BytesIO(with_exif("JPEG", comment(raw)))) as image:
        prompt = prompt_in(fields_of(image))
    assert prompt is not None and prompt.text == OWL


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-8-sig"])
def test_a_text_of_a_png_may_be_in_the_encoding_of_windows(encoding: str) -> None:
    made = chunk(b"tEXt", b"parameters\0" + OWL.encode(encoding))
    assert fields(png(made)) == {"parameters": OWL}


def test_a_text_that_says_it_is_packed_and_is_not_is_read() -> None:
    body = b"parameters\0\1\0\0\0" + OWL.encode()
    assert fields(png(chunk(b"iTXt", body))) == {"parameters": OWL}
    assert fields(png(chunk(b"zTXt", b"parameters\0\0" + OWL.encode()))) == {"parameters": OWL}


def test_a_text_that_was_cut_is_no_half_prompt() -> None:
    packed = zlib.compress(b"an owl at noon, " + bytes(range(256)) * 9)
    assert "parameters" not in fields(png(chunk(b"zTXt", b"parameters\0\0" + packed[:-40])))
    whole = gzip.compress((OWL + str(list(range(200)))).encode())
    assert fields(hidden("", b"stealth_pngcomp", scene(5, (160, 160)), packed=whole[:-30])) == {
        "unreadable": "the text hidden in its pixels cannot be read"
    }


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_property_of_xmp_with_notes_of_its_own_is_read(kind: str) -> None:
    told = (
        '<dc:description rdf:parseType="Resource"><rdf:value>an owl</rdf:value>'
        "<exif:note>x</exif:note></dc:description>"
    )
    assert fields(with_xmp(kind, xmp(told)))["xmp:description"] == "an owl"
    told = (
        "<exif:UserComment>{&amp;quot;c&amp;quot;: &amp;quot;an owl&amp;quot;}</exif:UserComment>"
    )
    assert fields(with_xmp(kind, xmp(told)))["xmp:usercomment"] == '{"c": "an owl"}'


def test_xmp_may_stand_in_a_profile_of_a_png_and_within_exif() -> None:
    packet = xmp("<dc:description>an owl</dc:description>")
    assert fields(png(profile(b"xmp", packet))) == {"xmp:description": "an owl"}
    app1 = b"http://ns.adobe.com/xap/1.0/\0" + packet
    assert fields(png(profile(b"APP1", app1))) == {"xmp:description": "an owl"}
    for kind in ("PNG", "JPEG", "WEBP"):
        data = tiff([(0x02BC, BYTE, packet)])
        assert fields(with_exif(kind, data)) == {"xmp:description": "an owl"}


def test_exif_may_follow_the_pixels_and_begin_as_it_does_in_a_jpeg() -> None:
    data = comment(ASCII_CODE + OWL.encode())
    for start in (b"", b"Exif\0\0"):
        assert fields(png(after=[chunk(b"eXIf", start + data)])) == {"exif:usercomment": OWL}
        assert fields(encoded("WEBP", exif=start + data)) == {"exif:usercomment": OWL}


def test_a_text_of_a_png_may_be_exif_as_it_stands() -> None:
    data = b"Exif\0\0" + comment(ASCII_CODE + OWL.encode())
    packed = chunk(b"zTXt", b"exif\0\0" + zlib.compress(data))
    assert fields(png(packed)) == fields(png(chunk(b"tEXt", b"exif\0" + data)))
    assert fields(png(packed)) == {"exif:usercomment": OWL}


def test_a_webp_that_does_not_announce_its_exif_is_read() -> None:
    content = bytearray(encoded("WEBP", exif=comment(ASCII_CODE + OWL.encode())))
    content[20] = 0
    assert fields(bytes(content)) == {"exif:usercomment": OWL}


@pytest.mark.parametrize("missing", [1, 2])
def test_exif_that_ends_where_its_last_text_ends_is_read(missing: int) -> None:
    data = tiff([(DESCRIPTION, ASCII, OWL.encode() + b"\0" * missing)])
    assert fields(with_exif("WEBP", data[:-missing])) == {"exif:imagedescription": OWL}


def test_a_jpeg_of_several_images_is_one() -> None:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[DESCRIPTION] = "an owl"
    scene(1).save(buffer, "MPO", save_all=True, append_images=[scene(2)], exif=exif)
    assert fields(buffer.getvalue())["exif:imagedescription"] == "an owl"


@pytest.mark.parametrize("text", ["żółta śpiąca sowa źle", "příšerně žluťoučký kůň úpěl ďábelské"])
def test_letters_of_another_encoding_than_latin_1_are_not_guessed(text: str) -> None:
    raw = text.encode("cp1250")
    assert text_of(raw) is None and narrow_text(raw) is None


def test_a_comment_is_read_before_padding_of_any_kind() -> None:
    for pad in (b" " * 200, b"\0" * 200, b"\0 " * 100, b"\0" * 7):
        assert (comment_of(ASCII_CODE + OWL.encode() + pad) or "").strip() == OWL
        assert (comment_of(UNICODE + OWL.encode("utf-16-le") + pad) or "").strip() == OWL


def test_comments_and_directories_in_odd_places_are_found() -> None:
    filler = [(0xE0 + number, b"x" * 900) for number in range(2, 13)]
    data = tiff([], [(COMMENT, UNDEFINED, ASCII_CODE + OWL.encode())])
    assert fields(jpeg(*filler, (0xE1, b"Exif\0\0" + data)))["exif:usercomment"] == OWL
    assert fields(png(itxt("  Parameters ", OWL.encode())))["parameters"] == OWL


@pytest.mark.parametrize("text", ["an owl", "größer", "сова и луна", "梟"])
def test_a_mark_of_byte_order_that_was_taken_for_letters_is_no_part_of_a_prompt(text: str) -> None:
    mark = b"\xef\xbb\xbf".decode("latin-1").encode()
    assert comment_of(ASCII_CODE + mark + text.encode()) == text
    assert comment_of(UNICODE + f"\xef\xbb\xbf{text}".encode("utf-16-le")) == text
    assert fields(png(itxt("parameters", mark + text.encode()))) == {"parameters": text}
    wrong = mark.decode() + text
    assert fields(with_xmp("WEBP", xmp(f"<a>{wrong}</a>"))) == {"xmp:a": text}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_xmp_that_a_strict_parser_refuses_for_its_letters_is_read(kind: str) -> None:
    whole = xmp(f"<a>{OWL}</a>").replace(b"\xef\xbb\xbf", b"")
    assert fields(with_xmp(kind, whole.decode().encode("latin-1"))) == {"xmp:a": OWL}
    assert fields(with_xmp(kind, xmp(f"<a>\x0b{OWL}\x01</a>"))) == {"xmp:a": OWL}
    declared = b'\n <?xml version="1.0"?>' + whole
    assert fields(with_xmp(kind, declared)) == {"xmp:a": OWL}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_empty_xmp_and_exif_hold_nothing_that_could_be_lost(kind: str) -> None:
    empty = b'<?xpacket begin="" id="x"?>\n \n<?xpacket end="w"?>'
    assert fields(with_xmp(kind, empty)) == {}
    assert fields(with_exif(kind, tiff([]))) == {}
    assert fields(with_exif(kind, b"")) == {}


def test_the_comment_of_an_editor_does_not_hide_what_the_pixels_hide() -> None:
    content = hidden("an owl", b"stealth_pnginfo")
    edited = content[:33] + chunk(b"tEXt", b"Comment\0Made with an editor") + content[33:]
    assert fields(edited) == {"comment": "Made with an editor", "alpha:pnginfo": "an owl"}


def test_of_several_exif_each_is_read() -> None:
    bare = tiff([(0x0131, ASCII, b"a program")])
    told = comment(ASCII_CODE + OWL.encode())
    expected = {"exif:software": "a program", "exif:usercomment": OWL}
    for first, last in ((bare, told), (told, bare)):
        parts = ((0xE1, b"Exif\0\0" + part) for part in (first, last))
        assert fields(jpeg(*parts)) == expected
        assert fields(png(chunk(b"eXIf", first), profile(b"exif", b"Exif\0\0" + last))) == expected


@pytest.mark.parametrize("foreign", [b"MeSa", b"AgHg", b"PHUT", b"DCSR"])
def test_a_caption_follows_resources_of_other_makers(foreign: bytes) -> None:
    other = foreign + resource(0x1F40, b"x" * 9)[4:]
    data = other + resource(0x0404, iptc((2, 120, OWL.encode())))
    assert fields(jpeg((0xED, b"Photoshop 3.0\0" + data))) == {"iptc:caption": OWL}
