"""Flagged pairs: hidden from everybody until an admin decides to show them again."""

from storage.act_log import FLAG, record
from storage.acts import Flag, NewFlag
from storage.aggregates.count_deltas import PairChanges
from storage.aggregates.counts import RunningCounts
from storage.database import Cursor, Database
from storage.errors import InvalidFlag, UnknownFlag
from storage.tables.pairs import require_pair
from storage.timestamps import Clock

DECISIONS = ("shown", "hidden")

FLAGS = """
SELECT flag_id, current_flags.pair_id, prompt, left_image, right_image, annotator, note,
       current_flags.created,
       CASE WHEN withdrawn THEN 'withdrawn' ELSE coalesce(decision, 'open') END
FROM current_flags JOIN pairs USING (pair_id)
WHERE base = ? ORDER BY flag_id DESC
"""


class Flags:
    """All flags of a studio; a decision is one more row, and the newest one counts."""

    def __init__(self, database: Database, counts: RunningCounts, clock: Clock) -> None:
        self._database = database
        self._counts = counts
        self._clock = clock

    def record(self, flag: NewFlag) -> None:
        """Hide a pair from everybody, once per key; no run trains on its votes meanwhile.

        Raises UnknownPair.
        """
        now = self._clock()

        def insert(cursor: Cursor, changes: PairChanges) -> None:
            pair_id = require_pair(cursor, flag.pair_id).pair_id
            changes.about(cursor, pair_id)
            row = {"pair_id": pair_id, "annotator": flag.annotator, "note": flag.note.strip()}
            record(cursor, FLAG, flag, now, row)

        self._counts.change(insert)

    def decide(self, flag_id: int, decision: str, who: str) -> Flag:
        """Show a flagged pair again, or keep it hidden; raises UnknownFlag or InvalidFlag."""
        if decision not in DECISIONS:
            raise InvalidFlag(f"{decision!r} is no decision. Send shown or hidden.")
        now = self._clock()

        def insert(cursor: Cursor, changes: PairChanges) -> str:
            row = cursor.execute(
                "SELECT base, current_flags.annotator, withdrawn, pair_id "
                "FROM current_flags JOIN pairs USING (pair_id) WHERE flag_id = ?",
                [flag_id],
            ).fetchone()
            if row is None:
                raise UnknownFlag(f"There is no flag {flag_id}. Look at the list of flags.")
            if row[2]:
                raise InvalidFlag(
                    f"{row[1]!r} has taken flag {flag_id} back, so there is nothing to decide. "
                    "Flag the pair again to hide it."
                )

            changes.about(cursor, row[3])
            cursor.execute(
                "INSERT INTO flag_decisions (flag_id, decision, who, created) VALUES (?, ?, ?, ?)",
                [flag_id, decision, who, now],
            )
            return str(row[0])

        base = self._counts.change(insert)
        return next(flag for flag in self.all(base) if flag.flag_id == flag_id)

    def all(self, base: str) -> list[Flag]:
        """Return the flags on a model's pairs, newest first."""
        return [Flag(*row) for row in self._database.read(FLAGS, [base])]

    def is_hidden(self, pair_id: str) -> bool:
        """Return True if a pair is hidden from everybody."""
        return bool(self._database.read("SELECT 1 FROM hidden_pairs WHERE pair_id = ?", [pair_id]))
