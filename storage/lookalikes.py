"""Names that look alike, so that nobody comes in under the looks of somebody else."""

import unicodedata

LOOKS = {
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
"""Of characters after NFKC and casefold, the Latin one that each looks like."""
FILLERS = "\u115f\u1160\u3164\uffa0\u034f"
EDGES = " ._-"
"""What may stand at the end of a name and is overlooked there."""


def folded(name: str) -> str:
    """Return what two spellings of one name share."""
    return unicodedata.normalize("NFKC", name.strip()).casefold()


def skeleton(name: str) -> str:
    """Return what names that look alike share: no sign that is not seen, Latin for look-alikes.

    Accents stay: they are seen, and names differ by them.
    """
    seen = "".join(LOOKS.get(one, one) for one in folded(name) if not is_unseen(one))
    looks = "".join(LOOKS.get(one, one) for one in unicodedata.normalize("NFKC", seen))
    # An i and an l are one stroke each, and rn is read as m.
    plain = looks.replace("i", "l").replace("rn", "m").replace("vv", "w")
    return " ".join(plain.split()).strip(EDGES)


def is_unseen(character: str) -> bool:
    """Whether a character takes no room: a joiner, a mark of direction, a filler."""
    if unicodedata.category(character) in ("Cf", "Cc") or character in FILLERS:
        return True
    return "VARIATION SELECTOR" in unicodedata.name(character, "")


def scripts_of(name: str) -> set[str]:
    """Return which of Latin, Greek and Cyrillic the letters of a name are of."""
    known = ("LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE")
    words = (unicodedata.name(one, "").split(" ")[0] for one in name if one.isalpha())
    return {word for word in words if word in known}
