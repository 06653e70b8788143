"""Readiness for a run: whether one makes sense now, and why not."""

from dataclasses import dataclass

from annotate.views.training import PlanView
from annotate.wording import pluralize, quantity

FEWEST_PAIRS = 8
"""What one step of training looks at: with fewer, a run only learns these pairs by heart."""


@dataclass(frozen=True)
class Readiness:
    """Whether a run is offered, and what is said beside its button."""

    possible: bool
    reason: str = ""
    """Why none is offered; empty where one is."""


def readiness(plan: PlanView, busy: bool = False) -> Readiness:
    """Return whether a run makes sense; `busy` means that one is under way."""
    if busy:
        return Readiness(False, "A run is under way. The next one can start when it has ended.")
    pairs = plan["pairs"]
    if (missing := FEWEST_PAIRS - pairs) > 0:
        are = "is" if pairs == 1 else "are"
        return Readiness(
            False,
            f"There {are} {quantity(pairs, 'choice')} to learn from, and a run needs at least "
            f"{FEWEST_PAIRS}. Choose in {missing} more {pluralize(missing, 'pair')} on Label.",
        )
    return Readiness(True)
