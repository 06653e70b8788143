"""What a finished run changed: one of three kinds, and a sentence about it.

The card of a run, the history of runs and the versions all take their words from here, so that no
two of them disagree.
"""

from dataclasses import dataclass
from enum import StrEnum

from align.contracts.movement import HARDLY, percent_of
from align.contracts.run_files import HoldoutResult, RunResult
from align.intervals import proportion
from annotate.versions.release_gate import failed_checks
from annotate.wording import quantity

FEW_PAIRS = 10
"""With fewer pairs kept apart nothing is said for sure, even where the version orders all of them
as people did."""
CHANCE = 0.5
MOST = 0.75
"""Share of the images that look the same before and after, from which on "most" of them do."""


class ChangeKind(StrEnum):
    """What a run changed, as far as one may say so."""

    MOVED = "moved"
    """The version moved, and nothing speaks against it."""
    HARDLY = "hardly"
    """Before and after look alike."""
    WORSE = "worse"
    """It failed a check, or agrees with the votes no more than chance does."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a run changed, in words."""

    kind: ChangeKind
    title: str
    """The outcome in a few words, without a full stop."""
    sentence: str
    """How that is known."""
    sure: bool = True
    """False where too few pairs were kept apart to tell it from chance."""


def change_of(result: RunResult) -> Change:
    """Return what a finished run changed.

    A version that fails a check is held back, whatever else is true of it. One whose images stay
    the same gets no praise and no blame for an accuracy that nobody can see.
    """
    if reasons := failed_checks(result):
        return Change(ChangeKind.WORSE, "It is held back", " ".join(reasons))
    if still := _stillness(result):
        return Change(ChangeKind.HARDLY, "It hardly moved", still)

    held = result.get("held_out")
    if not held or not held.get("pairs") or held.get("accuracy") is None:
        sentence = "No pairs were kept apart to check it with, so look for yourself."
        return Change(ChangeKind.MOVED, "It changed", sentence, sure=False)
    return _by_held_out(held)


def contradicted(result: RunResult) -> bool:
    """Return whether the images tell otherwise than the distance from the base whether it moved."""
    alike, movement = result.get("alike"), result.get("movement")
    if alike is None or movement is None:
        return False
    return (alike >= MOST) != (movement < HARDLY)


def _stillness(result: RunResult) -> str:
    """Return how it is known that nothing changed; empty where something did."""
    alike, movement = result.get("alike"), result.get("movement")
    if alike is not None and alike >= MOST:
        return "Before and after look the same in most images."
    # Images decide where they were compared: what is predicted may change where nobody sees it.
    if alike is None and movement is not None and movement < HARDLY:
        return f"What it predicts changed by {percent_of(movement)}, which is hardly visible."
    return ""


def _by_held_out(held: HoldoutResult) -> Change:
    """Return what the pairs say that were kept apart, with their 95 % Wilson interval."""
    pairs = held["pairs"]
    right = pairs * (held["accuracy"] or 0.0)
    apart = f"{quantity(pairs, 'pair')} kept apart from training"
    sentence = f"It agrees with you on {_counted(right)} of {apart}"
    # Half a pair, which it orders neither way, counts for neither side.
    told = proportion(int(right), int(right) + int(pairs - right))

    if pairs < FEW_PAIRS or (told.low <= CHANCE <= told.high and held.get("helped") is not False):
        title = "It may have moved your way" if right > CHANCE * pairs else "It changed"
        return Change(ChangeKind.MOVED, title, f"{sentence}: too few to be sure.", sure=False)
    if told.low > CHANCE:
        return Change(ChangeKind.MOVED, "It moved your way", f"{sentence}.")
    if told.high < CHANCE:
        return Change(
            ChangeKind.WORSE, "It moved the wrong way", f"{sentence}, fewer than by chance."
        )
    return Change(
        ChangeKind.WORSE, "It changed, but not your way", f"{sentence}, no more than by chance."
    )


def _counted(right: float) -> str:
    """Return a number of pairs, with its half where one is ordered neither way."""
    return f"{right:.0f}" if abs(right - round(right)) < 0.05 else f"{right:.1f}"
