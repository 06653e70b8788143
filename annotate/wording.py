"""Counts and shares in words: one pair, two pairs, 60 %."""


def pluralize(count: float, singular: str) -> str:
    """Return a noun in the form that follows a count; its plural ends in s."""
    return singular if count == 1 else f"{singular}s"


def quantity(count: int, singular: str) -> str:
    """Return a count, with thousands separated, and its noun."""
    return f"{count:,} {pluralize(count, singular)}"


def percent(share: float) -> str:
    """Return a share from 0 to 1 in whole percent."""
    return f"{100 * share:.0f} %"


def soon(seconds: float) -> str:
    """Return when something comes that was estimated, in rough steps."""
    if seconds < 5:
        return "in a moment"
    if seconds < 90:
        return f"in {max(10, round(seconds, -1)):.0f} s"
    return f"in {seconds / 60:.0f} min"
