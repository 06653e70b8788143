"""Kinds of votes, left-out rows and problems in words, as all cards of data say them."""

from collections.abc import Mapping
from html import escape

from annotate.wording import quantity

KINDS = {
    "preference": "choice",
    "ranking": "ranking",
    "tie": "tie",
    "both_good": "both good",
    "both_bad": "both bad",
    "skip": "skip",
}
"""Kinds of votes, in the order in which they are listed."""
UNCOUNTABLE = ("both_good", "both_bad")


def kinds_line(votes: Mapping[str, int]) -> str:
    """Return counts by kind, as in "4,000 choices, 210 ties, 3 both bad"."""
    known = [(kind, votes.get(kind, 0)) for kind in KINDS]
    return ", ".join(_count(kind, count) for kind, count in known if count) or "no votes"


def left_out_list(left_out: Mapping[str, int], what: str = "row") -> str:
    """Return a list of what was left out, by reason, most frequent first."""
    reasons = sorted(left_out.items(), key=lambda item: -item[1])
    lines = "".join(
        f"<li>{quantity(count, what)} left out: {escape(reason)}</li>" for reason, count in reasons
    )
    return f'<ul class="soft counts">{lines}</ul>' if lines else ""


def button(action: str, label: str, about: str = "", main: bool = False, **data: object) -> str:
    """Return a button of the section; `about` says to screen readers what it is for."""
    named = f' aria-label="{escape(f"{label}: {about}", quote=True)}"' if about else ""
    given = "".join(f' data-{name}="{escape(str(value))}"' for name, value in data.items())
    look = ' class="main"' if main else ""
    return f'<button type="button"{look} data-act="{action}"{given}{named}>{escape(label)}</button>'


def _count(kind: str, count: int) -> str:
    return f"{count:,} {KINDS[kind]}" if kind in UNCOUNTABLE else quantity(count, KINDS[kind])
