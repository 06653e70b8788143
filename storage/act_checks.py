"""Checks of what every vote, ranking, flag and annotation comes with: a name, a key, a verdict."""

from storage.errors import InvalidAnnotator, InvalidKey, InvalidVerdict
from storage.records import Verdict
from storage.text import has_controls

LONGEST_NAME = 64
"""Characters of an annotator's name."""
LONGEST_KEY = 200
"""Characters of an idempotency key."""


def as_verdict(verdict: str) -> Verdict:
    """Return a verdict by its name; raises InvalidVerdict."""
    try:
        return Verdict(verdict)
    except ValueError as error:
        raise InvalidVerdict(
            f"{verdict!r} is not a verdict. Send one of {', '.join(Verdict)}."
        ) from error


def check_annotator(annotator: str) -> str:
    """Return an annotator's name; raises InvalidAnnotator."""
    if not 0 < len(annotator) <= LONGEST_NAME or has_controls(annotator):
        raise InvalidAnnotator(
            f"{annotator!r} is not a name. Use 1 to {LONGEST_NAME} characters of plain text."
        )
    return annotator


def check_key(key: str) -> str:
    """Return an idempotency key; raises InvalidKey."""
    if not 0 < len(key) <= LONGEST_KEY or has_controls(key):
        raise InvalidKey(
            f"{key!r} is not a key. Send 1 to {LONGEST_KEY} characters, fresh for every vote."
        )
    return key


def reused_key(key: str, owner: str) -> InvalidKey:
    """Return the error for a key that belongs to another kind of act."""
    return InvalidKey(f"The key {key!r} belongs to {owner}. Send a fresh key with every act.")
