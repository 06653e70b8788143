"""Votes that no count of a model's votes has in it, by why."""

from dataclasses import dataclass

from storage.database import Database, Row

# Votes in blind tests that are mixed in are counted with those on control pairs.
LEFT_OUT = """
SELECT
    (SELECT count(*) FROM votes WHERE base = $base AND supersedes IS NOT NULL),
    (SELECT count(*) FROM current_votes WHERE base <> $base),
    (SELECT count(*) FROM current_votes
     JOIN trial_pairs USING (pair_id) JOIN trials USING (trial_id)
     WHERE current_votes.base = $base
       AND NOT coalesce((options ->> 'mixed')::BOOLEAN, FALSE)),
    (SELECT count(*) FROM current_votes WHERE base = $base
       AND pair_id IN (SELECT pair_id FROM hidden_pairs)
       AND pair_id NOT IN (SELECT pair_id FROM trial_pairs)),
    (SELECT count(*) FROM candidate_votes WHERE base = $base AND winner IS NOT NULL
       AND vote_id IN (SELECT vote_id FROM excluded_votes))
"""

# Rows are appended and never changed, but for the model of votes where two turn out to be one.
APPENDED = """
SELECT (SELECT max(vote_id) FROM votes), (SELECT count(*) FROM votes WHERE base = $base),
       (SELECT count(*) FROM trial_pairs),
       (SELECT count(*) FROM control_pairs), (SELECT count(*) FROM flags),
       (SELECT count(*) FROM flag_decisions), (SELECT count(*) FROM withdrawals),
       (SELECT count(*) FROM exclusions), (SELECT count(*) FROM exclusion_lifts)
"""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Numbers of votes outside the counts; the excluded ones are choices that are counted."""

    taken_back: int
    other_models: int
    blind_tests: int
    flagged: int
    excluded: int
    """Choices that an admin excluded, which no run learns from."""


class LeftOutCounts:
    """Counts of them, made anew once something they depend on was appended; thread-safe.

    At 100,000 votes they take 80 ms, and an open page asks every two seconds.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, tuple[Row, LeftOut]] = {}

    def of(self, base: str) -> LeftOut:
        """Count the votes that are in no count of a model."""
        # Read before the votes are counted: what comes in between is counted once more.
        (state,) = self._database.read(APPENDED, {"base": base})
        known = self._known.get(base)
        if known is None or known[0] != state:
            counted = LeftOut(*self._database.read(LEFT_OUT, {"base": base})[0])
            known = self._known[base] = (state, counted)
        return known[1]
