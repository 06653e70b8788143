"""Votes that no count of a model's votes has in it, by why."""

from dataclasses import dataclass

from storage.database import Database

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


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Numbers of votes outside the counts; the excluded ones are choices that are counted."""

    taken_back: int
    other_models: int
    blind_tests: int
    flagged: int
    excluded: int
    """Choices that an admin excluded, which no run learns from."""


def left_out(database: Database, base: str) -> LeftOut:
    """Count the votes that are in no count of a model."""
    return LeftOut(*database.read(LEFT_OUT, {"base": base})[0])
