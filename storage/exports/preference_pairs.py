"""Pairs of a better and a worse image, for forms that hold nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass

from storage.exports.exported_votes import ExportedImage, ExportedVote

NOT_A_CHOICE = {
    "tie": "a tie",
    "both_good": "both images are good",
    "both_bad": "both images are bad",
    "skip": "a skip",
}
"""Why votes that prefer neither image are left out of such a form, by kind."""
EVEN, SAME = "neither image is more likely the better one", "both images are the same"


@dataclass(frozen=True, slots=True)
class PreferencePair:
    """A better and a worse image of one vote or ranking."""

    key: str
    vote: ExportedVote
    chosen: ExportedImage
    rejected: ExportedImage

    @property
    def share(self) -> float | None:
        """Return how likely the chosen image is the better one, where a source tells it."""
        share = self.vote.share
        if share is None or self.chosen.uid == self.vote.images[0].uid:
            return share
        return 1 - share


def pairs_of(vote: ExportedVote) -> Iterator[PreferencePair]:
    """Yield the pairs that a vote tells: one of a preference, of a ranking each that it orders."""
    if why_none(vote):
        return
    for one, better in enumerate(vote.ranks):
        for other, worse in enumerate(vote.ranks):
            if better < worse:
                key = vote.key if vote.kind == "preference" else f"{vote.key}-{one}-{other}"
                yield PreferencePair(key, vote, vote.images[one], vote.images[other])


def why_none(vote: ExportedVote) -> str:
    """Return why a vote gives no pair; "" if it gives some."""
    if vote.kind in NOT_A_CHOICE:
        return NOT_A_CHOICE[vote.kind]
    if vote.share == 0.5 or len(set(vote.ranks)) < 2:
        return EVEN
    if vote.kind == "preference" and vote.images[0].sha256 == vote.images[1].sha256:
        return SAME
    return ""
