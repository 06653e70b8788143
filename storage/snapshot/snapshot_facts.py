"""Facts of a snapshot: counts of its votes, and what was left out of it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from align.contracts.snapshot_files import UNDECIDED, SnapshotFacts
from storage.errors import NoVotes
from storage.records import OtherVotes, Voters
from storage.snapshot.brought_votes import VotesOfSources
from storage.snapshot.snapshot_folder import Settled, SettledRanking, SettledVote, pseudonym

KINDS = ("preference", *UNDECIDED)
TRAINABLE_KINDS = tuple(kind for kind in KINDS if kind != "skip")
RANKING = "ranking"
IMAGE_LOST = "image_lost"
"""The key that counts votes and rankings left out since an image of theirs cannot be used."""


@dataclass(frozen=True)
class OwnVotes:
    """Settled votes that were given in the studio."""

    lines: list[Settled]
    lost: list[Settled]
    """Those left out because of their images."""
    images: dict[str, str]
    """What is wrong with images that cannot be used, by path."""
    counts: dict[str, int]
    excluded: Counter[str]

    @property
    def rows(self) -> list[SettledVote]:
        """Return the votes on pairs."""
        return [line for line in self.lines if isinstance(line, SettledVote)]

    @property
    def ranked(self) -> list[SettledRanking]:
        """Return the rankings."""
        return [line for line in self.lines if isinstance(line, SettledRanking)]

    @property
    def weights(self) -> dict[str, float]:
        """Return the weights of annotators that are not 1."""
        return {pseudonym(line.annotator): line.weight for line in self.lines if line.weight != 1}


def without_empty(facts: SnapshotFacts) -> SnapshotFacts:
    """Leave out what is not required and says nothing."""
    if not facts["voter"]:
        del facts["voter"]
    if not facts["excluded"]:
        del facts["excluded"]
    if not facts["lost_images"]:
        del facts["lost_images"]
    if not facts["weights"]:
        del facts["weights"]
    if not facts["ranking_ids"]:
        del facts["ranking_ids"]
    if not facts["other_models"]:
        del facts["other_models"]
    if not facts["sources"]:
        del facts["sources"]
    if not facts["source_weights"]:
        del facts["source_weights"]
    return facts


def add_brought(counts: dict[str, int], images: dict[str, str], brought: VotesOfSources) -> None:
    """Add votes of sources to the counts of votes by kind, and what they lost to the images."""
    for kind, votes in brought.counts.items():
        counts[kind] = counts.get(kind, 0) + votes
    if brought.lost_votes:
        counts[IMAGE_LOST] = counts.get(IMAGE_LOST, 0) + brought.lost_votes
        images |= brought.lost_images


def votes_by_name(lines: Iterable[Settled], others: OtherVotes) -> dict[str, int]:
    """Count the votes and rankings of other models, by the models' names."""
    counts = Counter(others.names[line.base] for line in lines if line.base in others.names)
    return dict(sorted(counts.items()))


def is_decisive(line: Settled) -> bool:
    """Return True for a ranking, and for a vote that says which image is better."""
    return isinstance(line, SettledRanking) or line.verdict.decisive


def require_preference(
    counts: dict[str, int], settle_s: float, voter: Voters, images: dict[str, str]
) -> None:
    """Raise NoVotes unless some settled vote says which image is better."""
    if counts["preference"] or counts.get(RANKING):
        return

    whose = f" of {', '.join(map(repr, voter))}" if voter else ""
    if images:
        image, why = next(iter(images.items()))
        raise NoVotes(
            f"No vote{whose} is left to learn from: {counts[IMAGE_LOST]:,} are on images that are "
            f"gone or damaged, such as {image} ({why}). Put the files back, or label new pairs."
        )
    raise NoVotes(
        f"There is no settled left or right vote{whose} to learn from. "
        f"Vote on some pairs, wait {settle_s:g} s, then try again."
    )
