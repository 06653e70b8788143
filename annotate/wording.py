"""Counts, shares, sizes and durations in words: one pair, two pairs, 60 %, 1.5 GB, 4 minutes."""

from align.contracts.durations import in_words


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
    return f"in {in_words(seconds)}"


def in_bytes(size: int) -> str:
    """Return a size in the unit that fits."""
    amount = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return (
        f"{amount:.0f} {unit}"
        if unit in ("bytes", "kB") or amount >= 100
        else f"{amount:.1f} {unit}"
    )


def in_time(seconds: float) -> str:
    """Return a duration in the unit that fits: 40 seconds, 4 minutes, 3.5 hours, 2.1 days."""
    if seconds < 59.5:
        return quantity(max(1, round(seconds)), "second")
    if seconds < 90 * 60:
        return quantity(round(seconds / 60), "minute")
    hours = seconds / 3600
    return f"{hours:.1f} hours" if hours < 48 else f"{hours / 24:.1f} days"
