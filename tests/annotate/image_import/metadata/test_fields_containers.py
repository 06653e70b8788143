"""Texts are found in every container that an image's file may have, each by its own name."""

import io
import zlib

import pytest
from metadata_files import (
    ASCII,
    BYTE,
    COMMENT,
    DESCRIPTION,
    MODEL,
    UNDEFINED,
    UTF8,
    chunk,
    comment,
    encoded,
    fields,
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

from annotate.image_import.fields import fields_of
from annotate.image_import.metadata import prompt_in
from annotate.image_import.programs.reader import MAX_JSON_LENGTH, NoPrompt

KINDS = ("PNG", "JPEG", "WEBP")
OWL = "an owl at noon, größer"


@pytest.mark.parametrize(
    "made",
    [
        chunk(b"tEXt", b"Parameters\0" + OWL.encode()),
        chunk(b"tEXt", b"parameters\0" + OWL.encode("latin-1")),
        chunk(b"tEXt", b"parameters\0" + OWL.encode().decode("latin-1").encode()),
        chunk(b"zTXt", b"parameters\0\0" + zlib.compress(OWL.encode("latin-1"))),
        chunk(b"zTXt", b"parameters\0\0" + zlib.compress(OWL.encode())),
        itxt("parameters", OWL.encode()),
        itxt("parameters", OWL.encode(), packed=True),
        itxt("parameters", b"\xef\xbb\xbf" + OWL.encode()),
        itxt("parameters", OWL.encode("latin-1")),
    ],
    ids=(
        "utf8",
        "latin",
        "twice",
        "packed",
        "packed utf8",
        "international",
        "both",
        "bom",
        "wrong",
    ),
)
def test_a_text_of_a_png_stands_under_its_keyword(made: bytes) -> None:
    assert fields(png(made)) == {"parameters": OWL}
    assert fields(png(after=[made])) == {"parameters": OWL}


def test_of_several_texts_with_one_keyword_the_international_one_is_taken_else_the_last() -> None:
    plain = [
        chunk(b"tEXt", b"parameters\0an owl at noon, gr??er"),
        itxt("parameters", OWL.encode()),
    ]
    for order in (plain, plain[::-1]):
        assert fields(png(*order)) == {"parameters": OWL}
    first, last = (chunk(b"tEXt", b"parameters\0" + text) for text in (b"first", b"last"))
    assert fields(png(first, last, chunk(b"tEXt", b"parameters\0"))) == {"parameters": "last"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_gives_its_texts_in_every_kind_of_file(kind: str, order: str) -> None:
    words = {0x0131: "a program", 0x013B: "Zoë", 0x8298: "nobody", 0x010F: "Kamera"}
    wide = {0x9C9B: "a title", 0x9C9C: OWL, 0x9C9E: "owl;noon", 0x9C9F: "梟"}
    first = [(tag, ASCII, text.encode() + b"\0") for tag, text in words.items()]
    first += [(tag, BYTE, text.encode("utf-16-le") + b"\0\0") for tag, text in wide.items()]
    details = [(COMMENT, UNDEFINED, b"ASCII\0\0\0" + OWL.encode()), (0x927C, UNDEFINED, b"scheme")]
    assert fields(with_exif(kind, tiff(first, details, order))) == {
        "exif:software": "a program",
        "exif:artist": "Zoë",
        "exif:copyright": "nobody",
        "exif:make": "Kamera",
        "exif:xptitle": "a title",
        "exif:xpcomment": OWL,
        "exif:xpkeywords": "owl;noon",
        "exif:xpsubject": "梟",
        "exif:usercomment": OWL,
        "exif:makernote": "scheme",
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("type_", [ASCII, BYTE, UNDEFINED, UTF8])
@pytest.mark.parametrize("text", ["owl", OWL])
def test_a_text_of_exif_may_have_any_type_and_stand_in_either_directory(
    kind: str, type_: int, text: str
) -> None:
    entry = (COMMENT, type_, text.encode())
    for data in (tiff([entry]), tiff([], [entry])):
        assert fields(with_exif(kind, data))["exif:usercomment"] == text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tag", [DESCRIPTION, MODEL, 0x010D, 0x010B, COMMENT])
@pytest.mark.parametrize("start", ["prompt:", "Prompt: ", "workflow:", "Workflow: "])
def test_a_graph_that_exif_gives_by_its_name_is_found_whatever_the_tag(
    kind: str, tag: int, start: str
) -> None:
    found = fields(with_exif(kind, tiff([(tag, ASCII, start.encode() + b'{"1": 2}\0')])))
    assert found[start.strip(": ").lower()].strip() == '{"1": 2}'


@pytest.mark.parametrize("name", [b"exif", b"APP1"])
def test_exif_may_be_written_into_a_png_in_hexadecimal_digits(name: bytes) -> None:
    data = b"Exif\0\0" + comment(b"UNICODE\0" + OWL.encode("utf-16-le"))
    assert fields(png(profile(name, data))) == {"exif:usercomment": OWL}


def test_exif_of_a_jpeg_may_take_several_segments() -> None:
    data = comment(b"ASCII\0\0\0" + b"an owl, " * 12_000)
    parts = [data[at : at + 60_000] for at in range(0, len(data), 60_000)]
    found = fields(jpeg(*((0xE1, b"Exif\0\0" + part) for part in parts)))
    assert found["exif:usercomment"] == "an owl, " * 12_000


PACKED = zlib.compress(b"an owl, " * 480_000)
LANGUAGES = (
    '<dc:description><rdf:Alt><rdf:li xml:lang="de">eine Eule</rdf:li>'
    '<rdf:li xml:lang="x-default">an owl</rdf:li></rdf:Alt></dc:description>'
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (xmp(LANGUAGES), {"xmp:description": "an owl"}),
        (xmp("<dc:description>an owl</dc:description>"), {"xmp:description": "an owl"}),
        (xmp("", 'dc:description="an owl"'), {"xmp:description": "an owl"}),
        (
            xmp('<exif:UserComment>{"c": "an owl &amp; a &lt;hen&gt;"}</exif:UserComment>'),
            {"xmp:usercomment": '{"c": "an owl & a <hen>"}'},
        ),
        (
            xmp("<tiff:ImageDescription>\n <rdf:Alt>\n <rdf:li>an owl</rdf:li>\n </rdf:Alt>\n"
                "</tiff:ImageDescription>"),
            {"xmp:imagedescription": "an owl"},
        ),
        (
            xmp("<dc:subject><rdf:Bag><rdf:li>owl</rdf:li> <rdf:li>noon</rdf:li></rdf:Bag>"
                "</dc:subject><photoshop:Headline>Owls</photoshop:Headline>"),
            {"xmp:subject": "owl, noon", "xmp:headline": "Owls"},
        ),
        (xmp("<dc:title><![CDATA[an <owl>]]></dc:title>"), {"xmp:title": "an <owl>"}),
        (xmp("<dc:title>an owl</dc:title>") + b"  \n\0\0\0", {"xmp:title": "an owl"}),
        (
            xmp("<dc:title>梟</dc:title>").decode().replace('begin="\ufeff"', 'begin=""')
            .encode("utf-16"),
            {"xmp:title": "梟"},
        ),
    ],
    ids=("languages", "plain", "attribute", "json", "spaces", "lists", "cdata", "padded", "utf16"),
)  # fmt: skip
def test_xmp_gives_every_property_by_its_name(
    kind: str, packet: bytes, expected: dict[str, str]
) -> None:
    assert fields(with_xmp(kind, packet)) == expected


BOMB = (
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b"<x><description>&b;</description></x>"
)


@pytest.mark.parametrize(
    "packet",
    [
        BOMB,
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x><description>a</description></x>',
        b"<a>" * 200_000,
        b"<x><y></x>",
        b"no XML at all",
        xmp("<dc:title>an owl</dc:title>")[:-120],
        b"<x>" + b"a" * MAX_JSON_LENGTH + b"</x>",
    ],
    ids=("bomb", "entity", "deep", "crossed", "none", "cut", "long"),
)
def test_xmp_that_is_harmful_or_broken_says_so_and_no_name_is_taken_for_the_prompt(
    packet: bytes,
) -> None:
    with Image.open(io.BytesIO(encoded("WEBP", xmp=packet))) as image:
        found = fields_of(image)
        assert found.pop("unreadable") == "its XMP cannot be read"
        assert not any("root:" in text or "aaaa" in text for text in found.values())
        with pytest.raises(NoPrompt, match="its XMP cannot be read"):
            prompt_in(fields_of(image))


UTF_8 = (1, 90, b"\x1b%G")


@pytest.mark.parametrize(
    "records",
    [
        [UTF_8, (2, 120, OWL.encode())],
        [(2, 0, b"\0\2"), (2, 120, OWL.encode())],
        [(2, 120, OWL.encode("latin-1"))],
        [UTF_8, (2, 120, OWL.encode("cp1252"))],
    ],
    ids=("said", "unsaid", "latin", "lie"),
)
def test_a_caption_of_iptc_is_found_in_either_form_and_encoding(
    records: list[tuple[int, int, bytes]],
) -> None:
    data = resource(0x03ED, b"\0" * 16) + resource(0x0404, iptc(*records)) + resource(0x0425, b"x")
    assert fields(jpeg((0xED, b"Photoshop 3.0\0" + data))) == {"iptc:caption": OWL}
    assert fields(png(profile(b"8bim", data))) == {"iptc:caption": OWL}
    assert fields(png(profile(b"iptc", data))) == {"iptc:caption": OWL}
    assert fields(png(profile(b"iptc", iptc(*records)))) == {"iptc:caption": OWL}


def test_keywords_and_long_values_of_iptc_are_read() -> None:
    long = b"an owl, " * 5_000
    data = iptc((2, 25, b"owl"), (2, 25, b"noon"), (2, 105, b"Owls"))
    data += b"\x1c\x02\x78\x80\x04" + len(long).to_bytes(4) + long
    assert fields(png(profile(b"iptc", data))) == {
        "iptc:keywords": "owl, noon",
        "iptc:headline": "Owls",
        "iptc:caption": long.decode(),
    }


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16-le"])
def test_a_comment_of_a_jpeg_is_read(encoding: str) -> None:
    assert fields(jpeg((0xFE, OWL.encode(encoding))))["jpeg:comment"].strip() == OWL


def test_a_comment_that_takes_several_segments_is_one_and_others_are_lines() -> None:
    long = b"an owl, " * 10_000
    found = fields(jpeg((0xFE, long[:65_533]), (0xFE, long[65_533:])))
    assert found["jpeg:comment"].strip() == long.decode().strip()
    found = fields(jpeg((0xFE, b"an owl"), (0xFE, b"an owl"), (0xFE, b"at noon")))
    assert found["jpeg:comment"].split("\n")[:2] == ["an owl", "at noon"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (with_exif("JPEG", comment(b"UNICODE\0" + "сова и луна".encode("cp1251"))), "encoding"),
        (with_exif("WEBP", b"no EXIF at all"), "EXIF cannot be read"),
        (with_exif("JPEG", comment(b"ASCII\0\0\0an owl")[:-5]), "EXIF cannot be read"),
        (png(itxt("Raw profile type exif", b"\nexif\n 4\nno digits")), "metadata cannot be read"),
        (
            png(chunk(b"zTXt", b"parameters\0\0x\x9c\x01no zlib")),
            "text in its metadata cannot be read",
        ),
        (png(chunk(b"tEXt", b"parameters\0" + "ふくろう".encode("cp932"))), "unknown encoding"),
        (
            png(after=[chunk(b"zTXt", b"parameters\0\0" + zlib.compress(b"a" * 9_000_000))]),
            "larger than",
        ),
        (jpeg((0xFE, "ふくろうと月".encode("cp932"))), "unknown encoding"),
    ],
    ids=("cp1251", "none", "cut", "digits", "zlib", "cp932", "bomb", "comment"),
)
def test_metadata_that_cannot_be_read_says_why(content: bytes, reason: str) -> None:
    with Image.open(io.BytesIO(content)) as image, pytest.raises(NoPrompt, match=reason):
        prompt_in(fields_of(image))


def test_what_cannot_be_read_costs_no_prompt_that_can() -> None:
    broken = chunk(b"eXIf", b"no EXIF at all")
    with Image.open(io.BytesIO(png(broken, itxt("parameters", OWL.encode())))) as image:
        prompt = prompt_in(fields_of(image))
    assert prompt is not None and prompt.text == OWL


def test_the_empty_comment_of_a_camera_is_nothing() -> None:
    data = tiff([(0x010F, ASCII, b"A\0")], [(COMMENT, UNDEFINED, b"ASCII\0\0\0" + b"\0" * 100)])
    assert "unreadable" not in fields(with_exif("JPEG", data))


@pytest.mark.parametrize(
    "content",
    [
        png(after=[chunk(b"zTXt", b"k%d\0\0" % n + PACKED) for n in range(60)]),
        png(after=[chunk(b"tEXt", b"k%d\0owl" % n) for n in range(5_000)]),
        encoded("WEBP", exif=tiff([(0x4000 + n, ASCII, b"\xc3\xb6a" * 40_000) for n in range(90)])),
        encoded("WEBP", exif=tiff([(0x4000 + n, ASCII, b"an owl") for n in range(900)])),
        encoded("WEBP", exif=b"MM\0*" + bytes(17_000_000)),
    ],
    ids=("packed", "many", "exif", "many of exif", "large exif"),
)
def test_all_texts_of_a_file_together_have_a_limit_and_say_so(content: bytes) -> None:
    found = fields(content)
    assert found["unreadable"] == "its metadata is larger than an image's"
    assert sum(map(len, found.values())) < 3 * MAX_JSON_LENGTH


@pytest.mark.parametrize(
    "packet",
    [
        b"<x>" + b"<a/>" * 100_000 + b"</x>",
        b"<x " + b" ".join(b"a%d='b'" % n for n in range(60_000)) + b"/>",
        b"<x><Bag>" + b"<li>owl</li>" * 60_000 + b"</Bag></x>",
        xmp("<a>owl</a>" + "".join(f"<b{n}>owl</b{n}>" for n in range(2_000))),
    ],
    ids=("elements", "attributes", "items", "properties"),
)
def test_xmp_of_more_than_an_image_has_is_not_read_to_its_end(packet: bytes) -> None:
    assert fields(encoded("WEBP", xmp=packet))["unreadable"] == "its XMP cannot be read"
