"""Votes as statistics read them: everything after a vote id, as plain numbers and names."""

from collections.abc import Sequence
from dataclasses import dataclass

from storage.database import Database

# The two images of a pair have a fixed order here, whichever side each was shown on.
ENTRIES = """
SELECT v.vote_id, v.supersedes, p.number, o.number,
       hash(least(p.left_image, p.right_image), greatest(p.left_image, p.right_image)),
       v.annotator, p.prompt, v.verdict, v.winner = least(p.left_image, p.right_image),
       v.response_ms, epoch(v.created)::BIGINT, t.trial_id IS NOT NULL, c.kind,
       a.sha256, b.sha256
FROM (
    SELECT * FROM votes WHERE base = $base AND vote_id > $after ORDER BY vote_id LIMIT $most
) AS v
JOIN pairs AS p USING (pair_id)
JOIN images AS a ON a.image_id = least(p.left_image, p.right_image)
JOIN images AS b ON b.image_id = greatest(p.left_image, p.right_image)
LEFT JOIN trial_pairs AS t USING (pair_id)
LEFT JOIN control_pairs AS c USING (pair_id)
LEFT JOIN pairs AS o ON o.pair_id = c.of_pair
ORDER BY v.vote_id
"""

# Everything that can change the statistics is appended, so its newest ids are a version number.
NEWEST_IDS = """
SELECT (SELECT max(vote_id) FROM votes), (SELECT max(flag_id) FROM flags),
       (SELECT max(flag_decision_id) FROM flag_decisions),
       (SELECT max(annotation_id) FROM vote_annotations),
       (SELECT max(gold_mark_id) FROM gold_marks), (SELECT count(*) FROM withdrawals)
"""

# Winner and loser of the newest trainable votes, as a run would see them.
PREFERENCES = """
SELECT v.winner, CASE WHEN v.winner = p.left_image THEN p.right_image ELSE p.left_image END,
       p.prompt
FROM (
    SELECT vote_id, pair_id, winner FROM trainable_votes WHERE base = $base AND winner IS NOT NULL
    ORDER BY vote_id DESC LIMIT $most
) AS v
JOIN pairs AS p USING (pair_id)
ORDER BY v.vote_id
"""


@dataclass(frozen=True, slots=True)
class VoteEntry:
    """A vote, or the undo of one; the two images of its pair have a fixed order."""

    vote_id: int
    supersedes: int | None
    pair: int
    of_pair: int | None
    """The pair that it repeats."""
    unit: int
    """A number for the two images, whatever pair showed them."""
    annotator: str
    prompt: str
    verdict: str
    first_won: bool | None
    response_ms: int | None
    second: int
    """When it was given, in seconds since 1970 (UTC)."""
    trial: bool
    check: str | None
    first_file: str
    other_file: str

    @property
    def files(self) -> tuple[str, str]:
        """The SHA-256 of both images."""
        return self.first_file, self.other_file


class VoteEntries:
    """Reader of a model's votes for statistics."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def after(self, base: str, vote_id: int, most: int) -> list[VoteEntry]:
        """Return up to `most` votes and undos that came after a vote id, in order."""
        known = {"base": base, "after": vote_id, "most": most}
        return [VoteEntry(*row) for row in self._database.read(ENTRIES, known)]

    def newest_ids(self) -> tuple[int | None, ...]:
        """Return the newest id of each kind of row that statistics read.

        The tuple differs from any earlier one once there is another vote, undo, flag, decision,
        annotation or gold pair, so it tells whether what was computed is still true.
        """
        return self._database.read(NEWEST_IDS)[0]

    def hidden(self, base: str) -> list[int]:
        """Return the numbers of the pairs that are shown to nobody."""
        sql = "SELECT number FROM pairs JOIN hidden_pairs USING (pair_id) WHERE base = ?"
        return [number for (number,) in self._database.read(sql, [base])]

    def gold(self, base: str) -> dict[int, bool]:
        """Return the gold pairs by number: True if their first image is the better one."""
        sql = (
            "SELECT number, winner = least(left_image, right_image) FROM gold_pairs "
            "JOIN pairs USING (pair_id) WHERE gold_pairs.base = ?"
        )
        return dict(self._database.read(sql, [base]))

    def shown(self, vote_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Return the two images of votes by vote id, in their fixed order."""
        rows = self._database.read(
            "SELECT vote_id, least(pairs.left_image, right_image), "
            "greatest(pairs.left_image, right_image) FROM votes JOIN pairs USING (pair_id) "
            "WHERE vote_id IN (SELECT unnest(?::BIGINT[]))",
            [list(vote_ids)],
        )
        return {vote_id: (first, other) for vote_id, first, other in rows}

    def newest_preferences(self, base: str, most: int) -> list[tuple[str, str, str]]:
        """Return (winner, loser, prompt) of the newest trainable votes, oldest first."""
        rows = self._database.read(PREFERENCES, {"base": base, "most": most})
        return [(winner, loser, prompt) for winner, loser, prompt in rows]
