"""How far a version has moved from its base, in words.

The thresholds lie between runs of the embedded model with a tenth of its preset's learning rate
(1.1 and 1.5 %), with the preset (11 and 18 %) and with ten times as much (52 and 75 %).
"""

from dataclasses import dataclass

HARDLY, LITTLE, FAR = 0.02, 0.04, 0.3
"""Shares of what the base predicts below which a version has hardly moved, and moved a little; and
above which it has moved far."""


@dataclass(frozen=True, slots=True)
class Movement:
    """A distance from the base."""

    words: str
    """hardly, a little, clearly or far."""
    sentence: str
    """The distance for a person, with what to do about it."""


def told_movement(share: float) -> Movement:
    """Return what a share of the base's predictions means, and what to do about it."""
    moved = percent_of(share)
    if share < HARDLY:
        return Movement(
            "hardly",
            f"It hardly moved from its base ({moved}): train longer, or with a higher "
            "learning rate.",
        )
    if share < LITTLE:
        return Movement(
            "a little",
            f"It moved a little from its base ({moved}). If you see no difference, train longer or "
            "with a higher learning rate.",
        )
    if share <= FAR:
        return Movement("clearly", f"It moved clearly from its base ({moved}).")
    return Movement(
        "far",
        f"It moved far from its base ({moved}). If its images lost variety or their prompts, take "
        "fewer steps, a lower learning rate or a higher kappa.",
    )


def percent_of(share: float) -> str:
    """Return a share in percent, with a decimal where it is small."""
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}"
