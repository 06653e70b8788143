"""Durations in words, as plans, runs and jobs tell them."""

MINUTE, HOUR, DAY = 60, 3600, 86400
WHOLE_HOURS = 10 * HOUR
"""From here on, minutes are noise."""
WHOLE_DAYS = 2 * DAY


def in_words(seconds: float) -> str:
    """Return a duration in the units that people use for it: 40 s, 65 min is 1 h 5 min, 3 days."""
    # Rounded first: 59.6 minutes are an hour, not 60 min.
    if round(seconds) < MINUTE:
        return f"{seconds:.0f} s"
    minutes = round(seconds / MINUTE)
    if minutes < 60:
        return f"{minutes} min"

    if seconds < WHOLE_HOURS:
        hours, rest = divmod(minutes, 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    if seconds < WHOLE_DAYS:
        return f"{seconds / HOUR:.0f} h"
    return f"{seconds / DAY:.0f} days"
