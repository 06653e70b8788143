"""Legacy encodings of single countries, which old programs write without naming them.

The bytes of Chinese, Japanese, Korean and Cyrillic texts are accented letters in Western encodings.
The same bytes are valid in several of them, so none is guessed: a text that is more likely one of
them is not decoded as Western, which would make noise of it.
"""

import codecs
import re
from collections.abc import Iterator

from annotate.image_import.containers.likely import bits

ENCODINGS = ("gbk", "cp932", "cp949", "big5", "cp1251")
MIN_ADVANTAGE_BITS = 8.0
"""Bits by which one of them must be more likely than Western letters."""
CYRILLIC = "cp1251"
ACCENTS = re.compile(rb"[\xc0-\xff]{3}")
"""Three accented letters in a row, which no Western word has."""


def is_of_a_country(sample: bytes, western: str) -> bool:
    """Return whether bytes are more likely a text of one of these countries than `western`."""
    return not sample.isascii() and min(_readings(sample), default=bits(western)) < bits(western)


def _readings(sample: bytes) -> Iterator[float]:
    """Yield the bits of the sample in each encoding that it may be in."""
    for encoding in ENCODINGS:
        try:
            # Incremental, since the sample may end within a character.
            text = codecs.getincrementaldecoder(encoding)("strict").decode(sample)
        except UnicodeDecodeError:
            continue
        is_certain = encoding == CYRILLIC and ACCENTS.search(sample)
        yield bits(text) + (0.0 if is_certain else MIN_ADVANTAGE_BITS)
