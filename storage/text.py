"""What may be stored as text: no control characters, nothing that UTF-8 cannot hold."""

import unicodedata

CONTROL = frozenset({"Cc", "Cs"})


def has_controls(text: str) -> bool:
    """Whether a text holds control characters or halves of surrogate pairs."""
    return any(unicodedata.category(character) in CONTROL for character in text)
