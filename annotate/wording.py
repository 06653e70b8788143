"""How many of what, in words: one pair, two pairs."""


def pluralize(count: float, one: str) -> str:
    """Return what so many are called; `one` takes an s where there are more or none."""
    return one if count == 1 else f"{one}s"


def quantity(count: int, one: str) -> str:
    """Return the number, with its thousands apart, and what so many are called."""
    return f"{count:,} {pluralize(count, one)}"
