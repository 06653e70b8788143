"""A text is read in the encoding that it is in, whatever the file promises."""

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metadata_files import comment, fields, with_exif

from annotate.image_import.captions.text_encodings import decoded
from annotate.image_import.containers.encodings import comment_of, mended, narrow_text, text_of
from storage.safe_files import SkippedFile

PROMISES = {
    "ascii": b"ASCII\0\0\0",
    "unicode": b"UNICODE\0",
    "small letters": b"Unicode\0",
    "jis": b"JIS\0\0\0\0\0",
    "zeros": bytes(8),
    "none": b"",
}
TEXTS = (
    "a",
    "owl",
    "an owl at noon, (soft light:1.2)\nNegative prompt: rain\nSteps: 8",
    "größer als süße Äpfel",
    "żółta sowa śpi",
    "梟と満月",
    "ふくろう",
    "猫头鹰和满月,杰作",
    "貓頭鷹和滿月",
    "부엉이와 달",
    "сова и луна",
    "κουκουβάγια",
    "بومة تحت القمر",
    "נשוף",
    "นกฮูก",
    "उल्लू",
    "ბუ",
    "🦉🌕",
    "owl 🦉 at night",
    '{"prompt": "an owl"}',
)


@pytest.mark.parametrize("promise", PROMISES)
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_the_content_of_a_comment_decides_its_encoding(promise: str, text: str) -> None:
    start = PROMISES[promise]
    for encoding in ("utf-8", "utf-8-sig", "utf-16-be", "utf-16-le"):
        for end in (b"", b"\0\0", b"\0\0\0\0\0\0"):
            assert comment_of(start + text.encode(encoding) + end) == text, (encoding, end)
    for encoding in ("utf-16-be", "utf-16-le", "utf-32-be", "utf-32-le"):
        assert comment_of(start + f"\ufeff{text}".encode(encoding)) == text, encoding


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("order", [">", "<"])
def test_the_order_of_a_file_says_nothing_of_the_order_of_its_text(kind: str, order: str) -> None:
    for encoding in ("utf-16-be", "utf-16-le"):
        raw = b"UNICODE\0" + "猫头鹰".encode(encoding)
        assert fields(with_exif(kind, comment(raw, order)))["exif:usercomment"] == "猫头鹰"


@pytest.mark.parametrize("encoding", ["iso2022_jp", "euc_jp", "cp932"])
def test_a_comment_in_jis_is_japanese(encoding: str) -> None:
    assert comment_of(b"JIS\0\0\0\0\0" + "満月の夜に飛ぶ梟".encode(encoding)) == "満月の夜に飛ぶ梟"


@pytest.mark.parametrize("promise", PROMISES)
def test_letters_with_accents_may_be_in_latin_1(promise: str) -> None:
    text = "größer als süße Äpfel – naïve"
    assert comment_of(PROMISES[promise] + text.encode("cp1252")) == text


@pytest.mark.parametrize("promise", PROMISES)
@pytest.mark.parametrize(
    ("text", "encoding"),
    [("сова и луна", "cp1251"), ("猫头鹰和满月,杰作", "gb18030"), ("κουκουβάγια", "cp1253")],
)
def test_what_may_be_in_several_encodings_is_not_guessed(
    promise: str, text: str, encoding: str
) -> None:
    if promise != "jis":
        assert comment_of(PROMISES[promise] + text.encode(encoding)) is None


@pytest.mark.parametrize("text", [text for text in TEXTS if not text.isascii()])
def test_text_that_was_encoded_twice_is_decoded_twice(text: str) -> None:
    for wrong in ("latin-1", "cp1252"):
        try:
            twice = text.encode().decode(wrong).encode()
        except UnicodeDecodeError:
            continue
        assert text_of(twice) == narrow_text(twice) == text


@pytest.mark.parametrize("text", ["Ã la carte", "naïve Ângela", "10 °C", "©", "Ä", "œuvre"])
def test_text_that_only_looks_encoded_twice_is_left_alone(text: str) -> None:
    assert mended(text) == text


@pytest.mark.parametrize("promise", PROMISES)
@pytest.mark.parametrize(
    "text", ["OWL", "OWL 2", "IN 1965", "R2D2", "4K HDR", "B&W", "OWL-1", "3D"]
)
def test_capitals_and_digits_are_no_chinese(promise: str, text: str) -> None:
    for end in (b"", b"\0", b"\0\0"):
        assert comment_of(PROMISES[promise] + text.encode() + end) == text


def test_numbers_are_no_text() -> None:
    for order in ("<", ">"):
        assert text_of(b"MAKER\0" + struct.pack(order + "60I", *range(60))) is None


@pytest.mark.parametrize("blank", [b"", b"\0" * 40, b"ASCII\0\0\0", b"UNICODE\0\0\0", b" " * 99])
def test_a_comment_without_text_is_empty(blank: bytes) -> None:
    assert comment_of(blank) == ""


def test_a_nul_in_the_middle_divides_and_loses_nothing() -> None:
    assert (
        comment_of(b"ASCII\0\0\0an owl\0Negative prompt: rain\0\0")
        == "an owl\nNegative prompt: rain"
    )


@pytest.mark.slow
def test_noise_is_no_text() -> None:
    chance = random.Random(3)
    noise = [chance.randbytes(chance.randrange(40, 900)) for _ in range(300)]
    read = [one for one in noise if comment_of(b"UNICODE\0" + one) is not None]
    assert read == []


def test_a_text_that_was_cut_within_a_letter_keeps_the_others() -> None:
    whole = "梟と満月の夜".encode()
    assert text_of(whole[:-1]) == "梟と満月の"
    assert text_of("梟と満月の夜".encode("utf-16-be")[:-1]) == "梟と満月の"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), min_size=1))
def test_utf_8_with_a_mark_is_read_as_it_is_or_not_at_all(text: str) -> None:
    found = text_of(b"\xef\xbb\xbf" + text.encode())
    assert found is None or found.strip() in (text.strip(), mended(text).strip())


@given(st.binary(max_size=300))
def test_no_bytes_are_an_error(raw: bytes) -> None:
    for found in (comment_of(raw), text_of(raw), narrow_text(raw)):
        assert found is None or ("\ufeff" not in found and "\0" not in found)


SETTINGS = "\nNegative prompt: ugly\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gbk", "雪中的红狐狸，杰作"),
        ("big5", "雪中的紅狐狸"),
        ("cp932", "赤い狐、雪の中"),
        ("cp949", "눈 속의 붉은 여우"),
        ("cp1251", "рыжая лиса в снегу"),
        ("cp1251", "лиса"),
    ],
)
@pytest.mark.parametrize("code", [b"", b"\0" * 8, b"ASCII\0\0\0"])
def test_a_text_of_a_country_among_english_settings_is_not_taken_for_western_letters(
    encoding: str, text: str, code: bytes
) -> None:
    raw = f"{text}{SETTINGS}".encode(encoding)
    assert comment_of(code + raw) is None
    with pytest.raises(SkippedFile, match="cannot be told"):
        decoded(raw)


@pytest.mark.parametrize(
    "text",
    [
        "déjà vu à Paris, été",
        "ein süßer Hund über dem Fluß",
        "São Paulo, coração",
        "naïve",
        "“quoted” text – dash",
    ],
)
@pytest.mark.parametrize("settings", ["", SETTINGS])
def test_western_letters_with_accents_are_read(text: str, settings: str) -> None:
    raw = f"{text}{settings}".encode("cp1252")
    assert comment_of(raw) == decoded(raw) == text + settings
