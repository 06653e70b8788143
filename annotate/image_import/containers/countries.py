"""Encodings of one country each, which programs of old write and nobody names.

The bytes of Chinese, Japanese, Korean and Cyrillic texts are letters with accents in Western ones.
Several countries may have written the same bytes, so none is guessed: what is likelier theirs is
not taken for Western, which would make noise of it.
"""

import codecs
import re
from collections.abc import Iterator

from annotate.image_import.containers.likely import bits

ENCODINGS = ("gbk", "cp932", "cp949", "big5", "cp1251")
DOUBT = 8.0
"""Bits that one of them has to be better by than Western letters."""
CYRILLIC = "cp1251"
ACCENTS = re.compile(rb"[\xc0-\xff]{3}")
"""As many letters with accents in a row as no Western word has."""


def is_of_a_country(sample: bytes, western: str) -> bool:
    """Whether bytes are likelier a text of one of these countries than what they are elsewhere."""
    return not sample.isascii() and min(_readings(sample), default=bits(western)) < bits(western)


def _readings(sample: bytes) -> Iterator[float]:
    """Return the bits that the sample takes in each encoding that it may be in."""
    for encoding in ENCODINGS:
        try:
            # The sample may end within a character.
            text = codecs.getincrementaldecoder(encoding)("strict").decode(sample)
        except UnicodeDecodeError:
            continue
        sure = encoding == CYRILLIC and ACCENTS.search(sample)
        yield bits(text) + (0.0 if sure else DOUBT)
