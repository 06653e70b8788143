"""Lookalike names: reduce names that look the same to one text, so that nobody poses as another."""

import unicodedata

LATIN_LOOKALIKES = {
    # Cyrillic
    "а": "a", "в": "b", "с": "c", "ԁ": "d", "е": "e", "һ": "h", "і": "i", "ј": "j", "к": "k",
    "ӏ": "l", "м": "m", "н": "h", "о": "o", "р": "p", "ԛ": "q", "г": "r", "ѕ": "s", "т": "t",
    "и": "u", "ѵ": "v", "ԝ": "w", "х": "x", "у": "y", "ү": "y", "ь": "b", "з": "3",
    # Greek
    "α": "a", "β": "b", "ϲ": "c", "ε": "e", "η": "n", "ι": "i", "κ": "k", "μ": "m", "ν": "v",
    "ο": "o", "ρ": "p", "τ": "t", "υ": "u", "χ": "x", "γ": "y", "ζ": "z", "σ": "o", "ω": "w",
    # Armenian, Cherokee and others
    "օ": "o", "ո": "n", "ս": "u", "հ": "h", "ց": "g", "ք": "p", "ա": "w", "ɑ": "a", "ɡ": "g",
    "ı": "i", "ɩ": "i", "ʟ": "l", "ƽ": "s", "ꭺ": "a", "ꮯ": "c", "ꭼ": "e", "ꮋ": "h", "ꮪ": "s",
    # Digits and signs that are read as letters
    "0": "o", "1": "l", "|": "l", "ǀ": "l", "‐": "-", "‑": "-", "–": "-", "—": "-", "−": "-",
    "’": "'", "‘": "'", "ʼ": "'", "‚": ",", "·": ".", "․": ".",
}  # fmt: skip
"""The Latin character that each looks like, after NFKC and casefold."""
FILLERS = "\u115f\u1160\u3164\uffa0\u034f"
"""Letters by their category that show nothing: Hangul fillers and the grapheme joiner."""
EDGES = " ._-"
"""Characters that are overlooked at the end of a name."""


def folded(name: str) -> str:
    """Return a name without differences of case, width and composition."""
    return unicodedata.normalize("NFKC", name.strip()).casefold()


def skeleton(name: str) -> str:
    """Return the text that names share if they look alike: visible characters, as Latin ones.

    Accents stay: they are seen, and names differ by them.
    """
    visible = (character for character in folded(name) if not is_unseen(character))
    latin = "".join(LATIN_LOOKALIKES.get(character, character) for character in visible)
    # Again: what was replaced may now compose to another character that looks like a Latin one.
    composed = unicodedata.normalize("NFKC", latin)
    looks = "".join(LATIN_LOOKALIKES.get(character, character) for character in composed)
    # An i and an l are one stroke each, and rn is read as m.
    plain = looks.replace("i", "l").replace("rn", "m").replace("vv", "w")
    return " ".join(plain.split()).strip(EDGES)


def is_unseen(character: str) -> bool:
    """Return True for a character that takes no room: a joiner, a direction mark, a filler."""
    if unicodedata.category(character) in ("Cf", "Cc") or character in FILLERS:
        return True
    return "VARIATION SELECTOR" in unicodedata.name(character, "")


def scripts_of(name: str) -> set[str]:
    """Return the scripts of a name's letters among those that look alike."""
    known = ("LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE")
    # The first word of a letter's Unicode name is its script.
    words = (unicodedata.name(letter, "").split(" ")[0] for letter in name if letter.isalpha())
    return {word for word in words if word in known}
