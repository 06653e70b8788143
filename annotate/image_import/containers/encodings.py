"""Decoder of bytes whose encoding is declared wrongly or not at all: the content decides.

Programs write UTF-8 where UTF-16 was promised, and the other way round, in either order of bytes,
with or without a byte order mark, padded with NULs.
"""

import codecs
from collections.abc import Iterator

from annotate.image_import.containers.countries import is_of_a_country
from annotate.image_import.containers.likely import bits
from annotate.image_import.programs.reader import MAX_JSON_LENGTH

SAMPLE = 1_024
"""Bytes by which the encoding is detected."""
SURPRISE = 6.0
"""Bits by which UTF-16 and UTF-32 must be more likely, unless they were declared."""
ONLY_ASCII, PROMISED_ASCII = 1.5, 0.5
"""The same for each byte, where all of them are letters of ASCII, also where it was promised."""
PRINTABLE = bytes(range(0x20, 0x7F)) + b"\r\n"
BROKEN_PROMISE = 3.0
"""The same for UTF-8 where UTF-16 was promised."""
CUT_OFF, PADDED = 12.0, 6.0
"""The same for UTF-16 whose last unit is not whole, and for a NUL as the rest of it."""
LATER = 1.0
"""The same for the smaller byte first, which the fewer programs write without a mark."""
MAX_BITS, SPARE_BITS = 12.0, 5.0
"""A character, and in all; what takes more than this is noise."""
HALF, MAX_HALVES_LENGTH = b"\xed", 6
"""How a half of a character begins, and what both take."""
MAX_BROKEN_LENGTH = 400_000
"""Bytes of a text that is decoded letter by letter, which is slow."""
FEW_NULS = 4
"""That divide a text; numbers have many."""
LONG = 8
"""Bytes of UTF-8 from which on the last character may be cut off."""
MAX_HIGH = 0.4
"""Of the letters of a text in Latin-1; other bytes of that kind are of an unknown encoding."""
CODES = (b"ASCII", b"UNICODE", b"JIS")
CODE_LENGTH, MOST_CODES = 8, 3
CHARSET, MOST_CHARSET = b"charset=", 24
"""How some programs spell the code, before a space."""
MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
WIDE = {"utf-16-be": 2, "utf-16-le": 2, "utf-32-be": 4, "utf-32-le": 4}
"""Bytes of a unit."""
MIN_PADDING = 4
JAPANESE = ("euc_jp", "cp932")
ESCAPES = (b"\x1b$", b"\x1b(J")
"""How text in JIS changes its set of characters."""
WINDOWS = {byte: bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0xA0)}
LATIN = {0xDC00 + byte: WINDOWS.get(byte, chr(byte)) for byte in range(0x80, 0x100)}
"""Replacement of a byte that is no UTF-8."""
MARKS_READ = ("\ufeff", "\ufffe")
MARK_AS_LETTERS = codecs.BOM_UTF8.decode("latin-1")
MAX_TIMES = 3
BYTES = {ord(character): byte for byte, character in WINDOWS.items() if character != "\ufffd"}


def comment_of(raw: bytes) -> str | None:
    """Return an EXIF UserComment: eight letters promise an encoding, then text follows.

    None for what is text in no encoding.
    """
    raw, code = _without_codes(raw)
    text = text_of(raw, code)
    # Where a program took the letters for a part of the text, they are encoded with it.
    word, _, rest = (text or "").partition("\n")
    return rest.lstrip("\n") if word.encode("utf-8", "replace") in CODES else text


def _without_codes(raw: bytes) -> tuple[bytes, bytes]:
    """Return a comment without its character codes, of which some programs write two."""
    promised = b""
    for _ in range(MOST_CODES):
        code, length = _code(raw)
        if not length:
            break
        raw, promised = raw[length:], code if code in CODES else promised
    return raw, promised


def _code(raw: bytes) -> tuple[bytes, int]:
    """Return the word that a comment begins with, in capitals, and what it takes; 0 for none."""
    start = raw[:CODE_LENGTH]
    if raw.strip(b"\0 ") and not start.strip(b"\0 "):
        return b"", CODE_LENGTH
    if start.lower() == CHARSET:
        told = raw[: len(CHARSET) + MOST_CHARSET].split()[0]
        return told[len(CHARSET) :].strip(b"\0\"'").upper(), len(told) + 1
    word = start.split(b"\0")[0].rstrip()
    code, padding = word.upper(), start[len(word) :]
    if code in CODES and padding:
        return code, len(start) - len(padding.lstrip(b"\0 "))
    # Other words stand for an encoding where they fill their place with NULs.
    named = word.replace(b"-", b"").isalnum() and padding and not padding.strip(b"\0")
    return (code, CODE_LENGTH) if named and raw[CODE_LENGTH:].strip(b"\0 ") else (b"", 0)


def text_of(raw: bytes, code: bytes = b"") -> str | None:
    """Decode bytes in the most likely encoding; None if no decoding is text."""
    raw = _unpadded(raw[:MAX_JSON_LENGTH])
    if not raw.strip(b"\0 \t\r\n"):
        return ""
    for mark, encoding in MARKS.items():
        if raw.startswith(mark) and _is_text(text := _decoded(raw[len(mark) :], encoding)):
            return cleaned(text)
    if any(escape in raw for escape in ESCAPES):
        return (
            cleaned(text)
            if _is_text(text := _decoded(raw[:MAX_BROKEN_LENGTH], "iso2022_jp_ext"))
            else None
        )

    # A mark may lie as well.
    raw = raw[2:] if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else raw
    costs = {encoding: cost for encoding, cost in _readings(raw, code)}
    encoding = min(costs, key=lambda encoding: costs[encoding], default="")
    text = _decoded(raw, encoding) if encoding else ""
    return cleaned(text) if _is_text(text) else None


def _unpadded(raw: bytes) -> bytes:
    """Return a text without its padding, which is a byte each in any encoding."""
    rest = raw.rstrip(b"\0 ")
    if len(raw) - len(rest) < MIN_PADDING:
        return raw
    # The last unit may end with zeros of its own.
    return rest + b"\0" * (-len(rest) % 4)


def narrow_text(raw: bytes) -> str | None:
    """Decode bytes as UTF-8, or else as Latin-1; None if they are neither."""
    if b"\0" in raw.strip(b"\0") or raw.startswith(codecs.BOM_UTF16_LE):
        # UTF-16, which has no place there.
        return text_of(raw)
    sample = raw[:SAMPLE]
    readable = is_utf8(sample) or _is_latin(sample)
    return cleaned(_narrow(raw[:MAX_JSON_LENGTH])) if readable else None


def cleaned(text: str) -> str:
    """Return a text without byte order marks and NULs, and with double encoding undone."""
    text = mended(text.strip("\0").replace("\0", "\n"))
    for mark in MARKS_READ:
        text = text.replace(mark, "")
    return text.removeprefix(MARK_AS_LETTERS)


def mended(text: str) -> str:
    """Undo double encoding, where programs decoded UTF-8 as Latin-1 and encoded it again.

    All that is not ASCII then stands in sequences of UTF-8, which no language does.
    """
    for _ in range(MAX_TIMES):
        once = _decoded_once_more(text)
        if once in (None, text):
            break
        text = once
    return text


def _decoded_once_more(text: str) -> str | None:
    try:
        try:
            raw = text.encode("latin-1")
        except UnicodeEncodeError as error:
            # Slower by far, so that the first letter decides whether it is worth it.
            if ord(text[error.start]) not in BYTES:
                return None
            raw = text[:MAX_BROKEN_LENGTH].translate(BYTES).encode("latin-1")
        return raw.decode("utf-8")
    except UnicodeError:
        return None


def _readings(raw: bytes, code: bytes) -> Iterator[tuple[str, float]]:
    """Yield the possible encodings of bytes, each with the bits of the decoded text."""
    sample, promised = raw[:SAMPLE], code == b"UNICODE"
    if is_utf8(sample) or _is_latin(sample):
        narrow = mended(_narrow(sample).strip("\0"))
        yield "utf-8", bits(narrow) + BROKEN_PROMISE * promised
    if code == b"JIS" and not is_utf8(sample):
        yield from ((name, bits(_decoded(sample, name))) for name in JAPANESE)
    surprise = 0.0 if promised else SURPRISE
    if not sample.rstrip(b"\0").translate(None, PRINTABLE):
        # Of capitals and digits UTF-16 makes common Chinese.
        surprise += (PROMISED_ASCII if promised else ONLY_ASCII) * len(sample.rstrip(b"\0"))
    for name, unit in WIDE.items():
        if len(raw) >= unit:
            text = _decoded(sample, name).strip("\0")
            doubt = surprise + LATER * name.endswith("le")
            if len(raw) % unit:
                doubt += CUT_OFF if raw[-1] else PADDED
            yield name, bits(text) + doubt


def _decoded(raw: bytes, encoding: str) -> str:
    if encoding == "utf-8":
        return _narrow(raw)
    return raw[: len(raw) - len(raw) % WIDE.get(encoding, 1)].decode(encoding, "replace")


def _narrow(raw: bytes) -> str:
    """Decode UTF-8, with invalid bytes as Latin-1."""
    whole = _whole(raw)
    try:
        return whole.decode("utf-8")
    except UnicodeDecodeError:
        broken = whole[:MAX_BROKEN_LENGTH]
        return broken.decode("utf-8", "surrogateescape").translate(LATIN)


def _whole(raw: bytes) -> bytes:
    """Return UTF-8 without a character that is cut off at its end.

    Characters beyond the first 65,536 may be spelled in two halves, as Java and databases do.
    """
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if HALF in raw:
            return _in_one_piece(raw)
        if error.reason == "unexpected end of data" and error.start >= LONG:
            return raw[: error.start]
    return raw


def _in_one_piece(raw: bytes) -> bytes:
    raw = raw[:MAX_BROKEN_LENGTH]
    for end in range(len(raw), max(0, len(raw) - MAX_HALVES_LENGTH), -1):
        try:
            halves = raw[:end].decode("utf-8", "surrogatepass")
            return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le").encode()
        except UnicodeError:
            continue
    return raw


def is_utf8(raw: bytes) -> bool:
    """Return whether bytes are valid UTF-8."""
    try:
        _whole(raw).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_latin(raw: bytes) -> bool:
    """Return whether accented letters are among others, as in the languages of Latin-1."""
    high = sum(byte >= 0x80 for byte in raw)
    few = high <= MAX_HIGH * sum(chr(byte).isalpha() for byte in raw)
    return few and not is_of_a_country(raw, mended(_narrow(raw)))


def _is_text(text: str) -> bool:
    sample = mended(text[:SAMPLE].strip("\0\ufeff "))
    if sample.count("\0") > FEW_NULS + len(sample) // 20:
        return False
    return bits(sample) <= MAX_BITS * len(sample) + SPARE_BITS
