"""What one pair adds to the sums of its model, so that a change on one pair moves them by that."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from storage.database import Cursor, Row
from storage.records import Pair, Verdict

NEWEST_RUN = """
SELECT snapshot_id FROM current_runs
WHERE base = $base AND state NOT IN ('failed', 'cancelled') AND (settings ->> 'voter') IS NULL
ORDER BY number DESC LIMIT 1
"""

PAIR = """
SELECT base, number, pair_id, prompt, left_image, right_image, version,
       EXISTS (SELECT 1 FROM trial_pairs WHERE pair_id = $pair),
       EXISTS (SELECT 1 FROM control_pairs WHERE pair_id = $pair),
       EXISTS (
           SELECT 1 FROM trial_pairs JOIN trials USING (trial_id)
           WHERE pair_id = $pair AND coalesce((options ->> 'mixed')::BOOLEAN, FALSE)
       ),
       EXISTS (SELECT 1 FROM hidden_pairs WHERE pair_id = $pair)
FROM pairs WHERE pair_id = $pair
"""

VOTES = "SELECT vote_id, annotator, verdict, supersedes FROM votes WHERE pair_id = ?"

LEARNED = f"""
SELECT vote_id FROM snapshot_votes
WHERE vote_id IN (SELECT unnest($votes::BIGINT[])) AND snapshot_id = ({NEWEST_RUN})
"""

EXCLUDED = """
SELECT vote_id, annotator FROM exclusions
WHERE base = ? AND exclusion_id NOT IN (SELECT exclusion_id FROM exclusion_lifts)
"""


@dataclass(frozen=True, slots=True)
class PairContribution:
    """What one pair adds to the sums."""

    base: str
    number: int
    pair: Pair
    verdicts: Counter[Verdict]
    unlearned: int
    interleaved: Counter[Verdict]
    waits: bool
    hidden: bool


def contribution_of(cursor: Cursor, pair_id: str) -> PairContribution | None:
    """Add up the rows of one pair; None where there is no such pair."""
    rows = cursor.execute(PAIR, {"pair": pair_id}).fetchall()
    if not rows:
        return None
    base, number, *shown, trial, check, mixed, hidden = rows[0]
    votes = current(cursor.execute(VOTES, [pair_id]).fetchall())
    said = Counter(Verdict(verdict) for _, _, verdict in votes)
    teaches = not (trial or check or hidden)
    return PairContribution(
        base=base,
        number=number,
        pair=Pair(*shown),
        verdicts=said if teaches else Counter(),
        unlearned=unlearned(cursor, base, votes) if teaches else 0,
        interleaved=said if (check or mixed) and not hidden else Counter(),
        waits=teaches and not votes,
        hidden=hidden,
    )


def current(rows: Sequence[Row]) -> list[tuple[int, str, str]]:
    """Return the (vote_id, annotator, verdict) of a pair's votes that were not taken back."""
    undone = {supersedes for *_, supersedes in rows}
    return [(vote, who, said) for vote, who, said, _ in rows if said and vote not in undone]


def unlearned(cursor: Cursor, base: str, votes: Sequence[tuple[int, str, str]]) -> int:
    """Count the decisive votes that the newest run has not learned from and the next one may."""
    decisive = [(vote, who) for vote, who, said in votes if Verdict(said).decisive]
    if not decisive:
        return 0
    known = {"base": base, "votes": [vote for vote, _ in decisive]}
    left_out = {vote for (vote,) in cursor.execute(LEARNED, known).fetchall()}
    excluded = cursor.execute(EXCLUDED, [base]).fetchall()
    left_out |= {vote for vote, _ in excluded}
    people = {who for _, who in excluded if who is not None}
    return sum(vote not in left_out and who not in people for vote, who in decisive)


@dataclass(slots=True)
class PairChanges:
    """The pairs that a transaction changes, as they were before it did."""

    before: dict[str, PairContribution] = field(default_factory=dict)
    everything: bool = False
    """More than some pairs is changed, so that all is to be added up anew."""

    def about(self, cursor: Cursor, pair_id: str) -> None:
        """Remember a pair before it is changed."""
        if pair_id not in self.before and (part := contribution_of(cursor, pair_id)):
            self.before[pair_id] = part

    def found(self, cursor: Cursor) -> list[tuple[PairContribution, PairContribution]]:
        """Return every pair that was changed, before and after."""
        pairs = [(part, contribution_of(cursor, pair_id)) for pair_id, part in self.before.items()]
        return [(before, after) for before, after in pairs if after is not None]
