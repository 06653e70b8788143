"""Text that may be stored: no control characters, nothing that UTF-8 cannot hold."""

import unicodedata

CONTROL = frozenset({"Cc", "Cs"})
"""Unicode categories: control characters, and halves of surrogate pairs, which UTF-8 refuses."""


def has_controls(text: str) -> bool:
    """Return True for a text with control characters or halves of surrogate pairs."""
    return any(unicodedata.category(character) in CONTROL for character in text)
