"""Contributions of single pairs to the counts of their model, read before and after a change."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from storage.database import Cursor, Row
from storage.records import Pair, Verdict

NEWEST_RUN = """
SELECT snapshot_id FROM current_runs
WHERE base = $base AND state NOT IN ('failed', 'cancelled')
  AND coalesce(settings ->> 'voter', '') IN ('', '[]')
  AND coalesce(settings ->> 'sources', '') IN ('', '[]')
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
       EXISTS (SELECT 1 FROM hidden_pairs WHERE pair_id = $pair),
       EXISTS (SELECT 1 FROM taken_back_pairs WHERE pair_id = $pair)
FROM pairs WHERE pair_id = $pair
"""

VOTES = "SELECT vote_id, annotator, verdict, supersedes FROM votes WHERE pair_id = ?"

TRAINED = f"""
SELECT vote_id FROM snapshot_votes
WHERE vote_id IN (SELECT unnest($votes::BIGINT[])) AND snapshot_id = ({NEWEST_RUN})
"""

EXCLUDED = """
SELECT vote_id, annotator FROM exclusions
WHERE base = ? AND exclusion_id NOT IN (SELECT exclusion_id FROM exclusion_lifts)
"""


@dataclass(frozen=True, slots=True)
class PairContribution:
    """The share of one pair in the counts of its model."""

    base: str
    number: int
    pair: Pair
    verdicts: Counter[Verdict]
    untrained: int
    """Decisive trainable votes that the newest run did not train on."""
    interleaved: Counter[Verdict]
    """Votes that count but that no run trains on."""
    waits: bool
    """True while nobody voted on it, and it was not taken back."""
    hidden: bool
    """True while a flag hides it."""


def contribution_of(cursor: Cursor, pair_id: str) -> PairContribution | None:
    """Count the rows of one pair; None if there is no such pair."""
    rows = cursor.execute(PAIR, {"pair": pair_id}).fetchall()
    if not rows:
        return None

    base, number, *shown, trial, check, mixed, hidden, taken_back = rows[0]
    votes = current(cursor.execute(VOTES, [pair_id]).fetchall())
    verdicts = Counter(Verdict(verdict) for _, _, verdict in votes)
    is_candidate = not (trial or check or hidden)
    return PairContribution(
        base=base,
        number=number,
        pair=Pair(*shown),
        verdicts=verdicts if is_candidate else Counter(),
        untrained=untrained(cursor, base, votes) if is_candidate else 0,
        interleaved=verdicts if (check or mixed) and not hidden else Counter(),
        waits=is_candidate and not votes and not taken_back,
        hidden=hidden,
    )


def current(rows: Sequence[Row]) -> list[tuple[int, str, str]]:
    """Return the (vote_id, annotator, verdict) of a pair's votes that were not undone."""
    undone = {supersedes for *_, supersedes in rows}
    return [
        (vote, annotator, verdict)
        for vote, annotator, verdict, _ in rows
        if verdict and vote not in undone
    ]


def untrained(cursor: Cursor, base: str, votes: Sequence[tuple[int, str, str]]) -> int:
    """Count the decisive votes that the newest run did not train on and the next one may."""
    decisive = [(vote, who) for vote, who, verdict in votes if Verdict(verdict).decisive]
    if not decisive:
        return 0
    known = {"base": base, "votes": [vote for vote, _ in decisive]}
    left_out = {vote for (vote,) in cursor.execute(TRAINED, known).fetchall()}
    excluded = cursor.execute(EXCLUDED, [base]).fetchall()
    left_out |= {vote for vote, _ in excluded}
    people = {who for _, who in excluded if who is not None}
    return sum(vote not in left_out and who not in people for vote, who in decisive)


@dataclass(slots=True)
class PairChanges:
    """The pairs that a transaction changes, as they were before it."""

    before: dict[str, PairContribution] = field(default_factory=dict)
    everything: bool = False
    """Set where more than single pairs change, so that all is counted anew."""

    def about(self, cursor: Cursor, pair_id: str) -> None:
        """Read a pair before it is changed."""
        if pair_id not in self.before and (part := contribution_of(cursor, pair_id)):
            self.before[pair_id] = part

    def found(self, cursor: Cursor) -> list[tuple[PairContribution, PairContribution]]:
        """Return every pair that was changed, as it was before and as it is now."""
        pairs = [(part, contribution_of(cursor, pair_id)) for pair_id, part in self.before.items()]
        return [(before, after) for before, after in pairs if after is not None]
