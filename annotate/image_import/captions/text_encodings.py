"""Text files of any program: which encoding one has is told by its bytes."""

import codecs

from annotate.image_import.containers.countries import is_of_a_country
from annotate.safe_files import SkippedFile

UNTOLD = "in an encoding that cannot be told; save it as UTF-8"
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    # Before UTF-16, whose mark this one begins with.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
LOOKED_AT = 4_096
"""Bytes by which UTF-16 without a mark is known."""
WESTERN = "cp1252"
MAX_ACCENTS = 0.4
"""Of the bytes of a line that are no ASCII: Western languages have fewer, others mean letters of
their own, which Windows-1252 would turn into noise."""


def decoded(content: bytes) -> str:
    """Return a text file's content as text; raises SkippedFile for what is no text."""
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return _of(content[len(mark) :], encoding)

    encoding = _unmarked(content[:LOOKED_AT])
    try:
        return _of(content, encoding)
    except UnicodeDecodeError:
        return "".join(map(_line, content.splitlines(keepends=True)))


def _of(content: bytes, encoding: str) -> str:
    # A file is read up to a limit, which may fall into the middle of a character.
    strict = "strict" if encoding == "utf-8" else "replace"
    return codecs.getincrementaldecoder(encoding)(strict).decode(content)


def _unmarked(start: bytes) -> str:
    """UTF-16 of nearly any text has zeros in every other byte, and UTF-8 has none at all."""
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if max(even, odd) * 4 < len(start):
        return "utf-8"
    return "utf-16-be" if even > odd else "utf-16-le"


def _line(line: bytes) -> str:
    """One line of a file that is not UTF-8 as a whole: a row may be older than its table."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        pass

    if sum(byte > 0x7F for byte in line) > MAX_ACCENTS * len(line):
        raise SkippedFile(UNTOLD)
    try:
        text = line.decode(WESTERN)
    except UnicodeDecodeError:
        raise SkippedFile(UNTOLD) from None
    if is_of_a_country(line[:LOOKED_AT], text[:LOOKED_AT]):
        raise SkippedFile(UNTOLD)
    return text
