"""Likelihood of a text in bits, which tells the right decoding of some bytes from wrong ones.

The bits are those of a code that is short for common characters. The right decoding stays within a
script or two; a wrong one (UTF-16 in the other byte order, UTF-8 decoded as UTF-16) jumps between
all of Unicode, and hits characters that are rare, private or unassigned.
"""

import unicodedata
from functools import lru_cache
from itertools import pairwise

NUL, UNWANTED = 12.0, 40.0
"""A NUL may pad or separate texts; other controls and unassigned characters occur in none."""
SMALL, CAPITAL, ASCII, MIXED = 4.3, 5.0, 6.0, 2.0
"""Lower-case letter or space; capital or digit; other ASCII; a digit beside a letter."""
SAME_SCRIPT, OTHER_SCRIPT = 7.0, 14.0
LATIN, EMOJI, SIGN, COMMON, RARE = 8.0, 11.0, 14.0, 11.0, 17.0
"""Accented letter; emoji; other symbol; common and rare Chinese character or Korean syllable."""
KANA = 0x30
HANGUL_OR_NOT = 10.0
"""Chinese character beside a Korean syllable."""
LAST_COMMON = {"gb2312": 0xD7, "big5": 0xC6, "euc_jp": 0xCF, "euc_kr": 0xC8}
"""Last row of common characters in each national standard, which lists those first."""


def bits(text: str) -> float:
    """Return the bits of a text; the fewer, the more likely that somebody wrote it."""
    steps = pairwise("\n" + text)
    return sum(_bits_of(character) + _step(before, character) for before, character in steps)


def _step(before: str, character: str) -> float:
    """Return the bits of a character that depend on the one before it."""
    if before.isascii() and character.isascii():
        both = before + character
        return MIXED if both.isalnum() and before.isdigit() != character.isdigit() else 0.0
    if _is_east_asian(character):
        other = _is_east_asian(before) and _is_hangul(before) != _is_hangul(character)
        return HANGUL_OR_NOT if other else 0.0
    if not character.isalpha() or ord(character) < 0x250:
        return 0.0
    # Each small alphabet has a block of 256 code points, kana included.
    same = ord(before) >> 8 == ord(character) >> 8 or not before.isalpha()
    same = same or (_is_east_asian(before) and ord(character) >> 8 == KANA)
    return SAME_SCRIPT if same else OTHER_SCRIPT


@lru_cache(maxsize=1 << 14)
def _bits_of(character: str) -> float:
    """Return the bits of a character by itself."""
    if character.isascii():
        return _bits_of_ascii(character)
    category = unicodedata.category(character)
    if category in ("Cc", "Cn", "Co", "Cs") or character == "\ufffd":
        return UNWANTED
    if _is_east_asian(character):
        return COMMON if _is_common(character) else RARE
    if not category.startswith("L"):
        return SIGN if category in ("So", "No") and ord(character) < 0x10000 else EMOJI
    return LATIN if ord(character) < 0x250 else 0.0


def _bits_of_ascii(character: str) -> float:
    if character.islower() or character == " ":
        return SMALL
    if character.isalnum():
        return CAPITAL
    if character == "\0":
        return NUL
    return ASCII if character.isprintable() or character in "\t\n\r" else UNWANTED


def _is_east_asian(character: str) -> bool:
    """Return whether a character is a Chinese character or a Korean syllable."""
    return unicodedata.category(character) == "Lo" and ord(character) >= 0x3400


def _is_hangul(character: str) -> bool:
    return "\uac00" <= character <= "\ud7a3"


def _is_common(character: str) -> bool:
    for standard, last in LAST_COMMON.items():
        try:
            encoded = character.encode(standard)
        except UnicodeEncodeError:
            continue
        # Python's Korean codec spells syllables that the standard lacks, in eight bytes.
        if len(encoded) == 2 and encoded[0] <= last:
            return True
    return False
