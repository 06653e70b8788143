"""Own votes: what one annotator gave, to look through and to change."""

from typing import TypedDict

from annotate.views.pairs_and_votes import Accepted, PairView


class OwnVoteView(PairView):
    """A current vote on a pair; nothing tells pairs that come again, or of an open blind
    test, apart."""

    vote_key: str
    verdict: str
    strong: bool
    """Whether the choice was clear."""
    reasons: list[str]
    criteria: dict[str, str]
    """What won by each criterion: left, right or tie."""
    at: str
    """When it was given, as ISO 8601 in UTC."""
    fixed: bool
    """Whether its blind test has ended, so that it cannot be changed."""


class OwnRankingView(TypedDict):
    """A current ranking of four images."""

    prompt: str
    urls: list[str]
    best: int | None
    """The place of the best one, from 0; null where it was skipped, as `worst`."""
    worst: int | None
    at: str
    """When it was given, as ISO 8601 in UTC."""


class OwnVotesList(TypedDict):
    """A part of an annotator's votes, newest first."""

    votes: list[OwnVoteView]
    rankings: list[OwnRankingView]
    """Four images at a time, which are asked for as the verdict `four`; empty otherwise."""
    total: int
    """How many there are that the filter leaves."""
    before: int
    """What to ask for to get older ones; 0 where there are none."""


class ChangedVote(Accepted):
    """A vote that was changed or taken back."""

    verdict: str
    """What counts now; empty where the vote was taken back."""
    opens: bool
    """Whether the pair is asked again, as the next one."""
