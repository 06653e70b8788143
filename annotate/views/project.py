"""Project: what everybody is asked, and the pairs that were flagged."""

from typing import TypedDict

from annotate.views.pairs_and_votes import PairView


class ProjectOptions(TypedDict):
    """Questions that everybody is asked besides the vote, and how many people see each pair."""

    reasons: list[str]
    """Reasons why an image lost that annotators may choose from."""
    criteria: list[str]
    """Criteria by which annotators may compare the images."""
    overlap: int
    """How many people are asked about each pair."""
    purpose: str
    """What the project is for, as everybody reads it who labels; empty if nobody has said it."""


class FlagView(PairView):
    """A flagged pair."""

    report: int
    """Number of the flag, under the name of the release before."""
    by: str
    note: str
    at: str
    """When it was flagged, in UTC."""
    decision: str
    """open, shown, hidden, or withdrawn by its annotator."""


class FlagAnswer(FlagView):
    """A flagged pair, with its number under both names."""

    flag: int
