"""The snapshots that runs learn from: settled votes only, frozen once, never written again."""

import json
import threading
from collections import Counter
from datetime import datetime, timedelta

from storage.clock import Clock
from storage.database import Cursor, Database
from storage.errors import NoVotes
from storage.home import Home
from storage.records import Snapshot, Verdict
from storage.settled_rankings import settled_rankings
from storage.snapshot_folder import (
    Settled,
    SettledRanking,
    SettledVote,
    pseudonym,
    write_folder,
)

KINDS = ("preference", "tie", "both_good", "both_bad", "skip")
RANKING = "ranking"

SETTLED_LABELS = """
SELECT labels.created <= $before AS settled, vote_id, pair_id, prompt, annotator, verdict,
       left_file.sha256, right_file.sha256, coalesce(strength.value::INTEGER, 1),
       coalesce(weight, 1.0), excluded_votes.reason
FROM labels
LEFT JOIN (
    SELECT vote_id, value FROM current_remarks WHERE kind = 'strength'
) AS strength USING (vote_id)
LEFT JOIN excluded_votes USING (vote_id)
LEFT JOIN current_weights USING (base, annotator)
JOIN pairs USING (pair_id)
JOIN images AS left_file ON left_file.image_id = pairs.left_image
JOIN images AS right_file ON right_file.image_id = pairs.right_image
WHERE labels.base = $base AND coalesce(annotator = $voter, $voter IS NULL)
ORDER BY vote_id
"""


class Snapshots:
    """All snapshots of a studio."""

    def __init__(self, database: Database, home: Home, clock: Clock) -> None:
        self._database = database
        self._home = home
        self._clock = clock
        self._writing = threading.Lock()

    def write(self, base: str, settle_s: float, voter: str | None = None) -> Snapshot:
        """Freeze a model's votes older than `settle_s` seconds, one person's or everybody's.

        Raises NoVotes, BrokenStudio (a picture is gone) or DiskFull. Voting goes on meanwhile.
        """
        with self._writing:
            created = self._clock()
            before = created - timedelta(seconds=settle_s)
            votes, counts, excluded = self._settled(base, before, voter)
            ranked, left_out = settled_rankings(self._database, base, before, voter)
            excluded += left_out
            counts |= {RANKING: len(ranked)} if ranked else {}
            require_preference(counts, settle_s, voter)
            rows = [vote for vote in votes if vote.verdict is not Verdict.SKIP]
            lines: list[Settled] = [*rows, *ranked]
            weights = {pseudonym(one.annotator): one.weight for one in lines if one.weight != 1}
            snapshot = self._plan(rows, counts)
            manifest = {
                "snapshot_id": snapshot.snapshot_id,
                "created": f"{created.isoformat()}Z",
                "base": base,
                "settle_s": settle_s,
                **({"voter": voter} if voter else {}),
                "counts": counts,
                **({"excluded": excluded} if excluded else {}),
                **({"weights": weights} if weights else {}),
                "vote_ids": snapshot.vote_ids,
                **({"ranking_ids": [one.ranking_id for one in ranked]} if ranked else {}),
            }
            write_folder(snapshot.path, self._home, lines, manifest)
            self._record(snapshot, ranked, base, settle_s, created)
            return snapshot

    def _settled(
        self, base: str, before: datetime, voter: str | None
    ) -> tuple[list[SettledVote], dict[str, int], Counter[str]]:
        """Return the settled current votes, the counts of them and of what was left out, and how
        many were excluded for each reason.
        """
        current = self._database.read(
            SETTLED_LABELS, {"base": base, "before": before, "voter": voter}
        )
        votes = [
            SettledVote(vote_id, pair_id, prompt, annotator, Verdict(verdict), *rest)
            for settled, vote_id, pair_id, prompt, annotator, verdict, *rest, why in current
            if settled and why is None
        ]
        excluded = Counter(why for settled, *_, why in current if settled and why is not None)
        unsettled = sum(not settled for settled, *_ in current)
        undone = self._database.read(
            "SELECT count(*) FROM votes WHERE base = ? AND supersedes IS NOT NULL "
            "AND pair_id NOT IN (SELECT pair_id FROM trial_pairs) "
            "AND pair_id NOT IN (SELECT pair_id FROM checks)",
            [base],
        )
        kinds = Counter(vote.kind for vote in votes)
        counts = {kind: kinds[kind] for kind in KINDS}
        counts |= {"unsettled": unsettled, "undone": undone[0][0]}
        return votes, counts, excluded

    def _plan(self, rows: list[SettledVote], counts: dict[str, int]) -> Snapshot:
        # A folder without a record is what a kill left between the two; its id stays its own.
        taken = [folder.name for folder in self._home.snapshots.glob("s[0-9]*")]
        taken += [row[0] for row in self._database.read("SELECT snapshot_id FROM snapshots")]
        snapshot_id = f"s{1 + max((int(name[1:]) for name in taken), default=0):04d}"
        vote_ids = tuple(vote.vote_id for vote in rows)
        return Snapshot(snapshot_id, self._home.snapshots / snapshot_id, counts, vote_ids)

    def _record(
        self,
        snapshot: Snapshot,
        ranked: list[SettledRanking],
        base: str,
        settle_s: float,
        created: datetime,
    ) -> None:
        def insert(cursor: Cursor) -> None:
            cursor.execute(
                "INSERT INTO snapshots VALUES (?, ?, ?, ?, ?)",
                [snapshot.snapshot_id, base, settle_s, json.dumps(snapshot.counts), created],
            )
            cursor.execute(
                "INSERT INTO snapshot_votes SELECT ?, unnest(?::BIGINT[])",
                [snapshot.snapshot_id, list(snapshot.vote_ids)],
            )
            cursor.execute(
                "INSERT INTO snapshot_rankings SELECT ?, unnest(?::BIGINT[])",
                [snapshot.snapshot_id, [ranking.ranking_id for ranking in ranked]],
            )

        self._database.write(insert)


def require_preference(counts: dict[str, int], settle_s: float, voter: str | None) -> None:
    """Raise NoVotes unless some settled vote says which picture is better."""
    if not counts["preference"] and not counts.get(RANKING):
        whose = f" of {voter!r}" if voter else ""
        raise NoVotes(
            f"There is no settled left or right vote{whose} to learn from. "
            f"Vote on some pairs, wait {settle_s:g} s, then try again."
        )
