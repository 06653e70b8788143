"""Counts in words: one pair, two pairs."""


def pluralize(count: float, singular: str) -> str:
    """Return a noun in the form that follows a count; its plural ends in s."""
    return singular if count == 1 else f"{singular}s"


def quantity(count: int, singular: str) -> str:
    """Return a count, with thousands separated, and its noun."""
    return f"{count:,} {pluralize(count, singular)}"
