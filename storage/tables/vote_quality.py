"""Vote quality: exclusions, annotators' weights, and image features.

No vote is dropped in silence: an exclusion and a weight are rows with a reason, and a lift or a
newer weight is one more row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.aggregates.counts import RunningCounts
from storage.aggregates.vote_entries import VoteEntries
from storage.database import Cursor, Database
from storage.errors import InvalidExclusion
from storage.tables.control_pairs import ControlPairs
from storage.text import has_controls
from storage.timestamps import Clock

LONGEST_REASON = 300
"""Characters of the reason of an exclusion."""

EXCLUSIONS = """
SELECT exclusion_id, exclusions.annotator, exclusions.vote_id, reason, exclusions.who,
       exclusions.created, exclusion_lifts.created
FROM exclusions LEFT JOIN exclusion_lifts USING (exclusion_id)
WHERE base = ? ORDER BY exclusion_id DESC
"""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """The exclusion of one vote or one annotator from training, until it is lifted."""

    exclusion_id: int
    annotator: str | None
    vote_id: int | None
    reason: str
    who: str
    created: datetime
    lifted: datetime | None


@dataclass(frozen=True, slots=True)
class Weight:
    """The weight of an annotator's votes in training, between 0 and 1, with its reason."""

    weight: float
    reason: str
    who: str
    created: datetime


class VoteQuality:
    """Exclusions, weights and features, with the readers that statistics use."""

    def __init__(self, database: Database, counts: RunningCounts, clock: Clock) -> None:
        self._database, self._counts, self._clock = database, counts, clock
        self.control_pairs, self.entries = ControlPairs(database, clock), VoteEntries(database)

    # Exclusions

    def exclude(
        self,
        base: str,
        reason: str,
        who: str,
        *,
        annotator: str | None = None,
        vote_id: int | None = None,
    ) -> int:
        """Exclude one vote, or all votes of an annotator, from training; return the exclusion id.

        Raises InvalidExclusion without a reason, or for a vote or an annotator that is unknown.
        """
        text = check_reason(reason)
        row = [base, annotator, vote_id, text, who, self._clock()]

        def insert(cursor: Cursor) -> int:
            require_votes(cursor, base, annotator, vote_id)
            sql = (
                "INSERT INTO exclusions (base, annotator, vote_id, reason, who, created) "
                "VALUES (?, ?, ?, ?, ?, ?) RETURNING exclusion_id"
            )
            return int(cursor.execute(sql, row).fetchall()[0][0])

        return self._counts.write(insert, then=lambda _: self._counts.invalidate())

    def lift(self, base: str, exclusion_id: int, who: str) -> None:
        """End an exclusion; raises InvalidExclusion if it is unknown."""

        def insert(cursor: Cursor) -> None:
            sql = "SELECT 1 FROM exclusions WHERE base = ? AND exclusion_id = ?"
            if not cursor.execute(sql, [base, exclusion_id]).fetchone():
                raise InvalidExclusion(
                    f"There is no exclusion {exclusion_id}. Look at the list of them."
                )
            cursor.execute(
                "INSERT INTO exclusion_lifts VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [exclusion_id, who, self._clock()],
            )

        self._counts.write(insert, then=lambda _: self._counts.invalidate())

    def exclusions(self, base: str) -> list[Exclusion]:
        """Return every exclusion, the lifted ones too, newest first."""
        return [Exclusion(*row) for row in self._database.read(EXCLUSIONS, [base])]

    # Weights

    def set_weights(self, base: str, weights: Mapping[str, tuple[float, str]], who: str) -> None:
        """Record annotators' weights, each with its reason, that differ from the current ones."""
        now, known = self._clock(), self.weights(base)
        rows = [
            [base, name, weight, reason, who, now]
            for name, (weight, reason) in weights.items()
            if weight != (known[name].weight if name in known else 1.0)
        ]

        if rows:
            self._database.write(
                lambda cursor: cursor.executemany(
                    "INSERT INTO voter_weights (base, annotator, weight, reason, who, created) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    rows,
                )
            )

    def weights(self, base: str) -> dict[str, Weight]:
        """Return the weight of everybody who ever had one; the others' is 1."""
        sql = "SELECT annotator, weight, reason, who, created FROM current_weights WHERE base = ?"
        return {name: Weight(*row) for name, *row in self._database.read(sql, [base])}

    # Images

    def image_features(
        self, measure: int, files: Sequence[str] | None = None
    ) -> dict[str, Sequence[float]]:
        """Return the features that one version of the measure gave images, by their SHA-256."""
        sql = "SELECT sha256, features FROM image_features WHERE measure = ?"
        if files is None:
            return dict(self._database.read(sql, [measure]))
        chosen = f"{sql} AND sha256 IN (SELECT unnest(?::VARCHAR[]))"
        return dict(self._database.read(chosen, [measure, list(files)]))

    def add_image_features(self, measure: int, found: Mapping[str, Sequence[float]]) -> None:
        """Store the features that one version of the measure gave images."""
        if not found:
            return
        # One statement for all images, since votes wait to be written meanwhile.
        sql = (
            "INSERT INTO image_features SELECT unnest($files::VARCHAR[]), $measure, "
            "unnest($numbers::DOUBLE[][]) ON CONFLICT DO NOTHING"
        )
        known = {"files": list(found), "measure": measure, "numbers": [*map(list, found.values())]}
        self._database.write(lambda cursor: cursor.execute(sql, known))

    def reasons(self, base: str) -> list[tuple[int, str]]:
        """Return (vote_id, reason why the loser lost) of current votes."""
        rows = self._database.read(
            "SELECT vote_id, name FROM current_annotations JOIN votes USING (vote_id) "
            "WHERE base = ? AND kind = 'reason' ORDER BY vote_id",
            [base],
        )
        return [(vote_id, name) for vote_id, name in rows]


def check_reason(reason: str) -> str:
    """Return a reason without the space around it; raises InvalidExclusion for none."""
    text = reason.strip()
    if not 0 < len(text) <= LONGEST_REASON or has_controls(text):
        raise InvalidExclusion(
            f"An exclusion needs a reason of 1 to {LONGEST_REASON} characters of plain text. "
            "Write what speaks against the votes."
        )
    return text


def require_votes(cursor: Cursor, base: str, annotator: str | None, vote_id: int | None) -> None:
    """Raise InvalidExclusion unless there is a vote that would be excluded."""
    sql = "SELECT 1 FROM current_votes WHERE base = ? AND (vote_id = ? OR annotator = ?) LIMIT 1"
    if not cursor.execute(sql, [base, vote_id, annotator]).fetchone():
        meant = f"vote {vote_id}" if vote_id is not None else f"vote of {annotator!r}"
        raise InvalidExclusion(f"There is no {meant} to leave out. Look at the list of votes.")
