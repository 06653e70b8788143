"""Decoder of text files, whose encoding is detected from their bytes."""

import codecs

from annotate.image_import.containers.countries import is_of_a_country
from storage.safe_files import SkippedFile

UNKNOWN_ENCODING = "in an encoding that cannot be told; save it as UTF-8"
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    # Before UTF-16, since its mark begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
SAMPLE_BYTES = 4_096
"""Bytes by which UTF-16 without a byte order mark is detected."""
WESTERN = "cp1252"
MAX_ACCENTS = 0.4
"""Share of non-ASCII bytes in a line. Western languages have fewer; more of them are letters of
another script, which Windows-1252 would turn into noise."""


def decoded(content: bytes) -> str:
    """Decode the content of a text file; raises SkippedFile for an unknown encoding."""
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return _of(content[len(mark) :], encoding)

    encoding = _unmarked(content[:SAMPLE_BYTES])
    try:
        return _of(content, encoding)
    except UnicodeDecodeError:
        return "".join(map(_line, content.splitlines(keepends=True)))


def _of(content: bytes, encoding: str) -> str:
    # A file is read up to a limit, which may fall into the middle of a character.
    strict = "strict" if encoding == "utf-8" else "replace"
    return codecs.getincrementaldecoder(encoding)(strict).decode(content)


def _unmarked(start: bytes) -> str:
    """Detect UTF-16 without a mark: it has zeros in every other byte, and UTF-8 has none."""
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if max(even, odd) * 4 < len(start):
        return "utf-8"
    return "utf-16-be" if even > odd else "utf-16-le"


def _line(line: bytes) -> str:
    """Decode one line of a file that is not all UTF-8: a row may be older than its table."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        pass

    if sum(byte > 0x7F for byte in line) > MAX_ACCENTS * len(line):
        raise SkippedFile(UNKNOWN_ENCODING)
    try:
        text = line.decode(WESTERN)
    except UnicodeDecodeError:
        raise SkippedFile(UNKNOWN_ENCODING) from None
    if is_of_a_country(line[:SAMPLE_BYTES], text[:SAMPLE_BYTES]):
        raise SkippedFile(UNKNOWN_ENCODING)
    return text
