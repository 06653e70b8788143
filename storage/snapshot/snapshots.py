"""Snapshots that runs train on: settled votes only, frozen once, never written again."""

import json
import threading
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from align.contracts.snapshot_files import UNDECIDED, SnapshotFacts
from storage import act_log
from storage.database import Cursor, Database
from storage.errors import NoVotes
from storage.records import OtherVotes, Snapshot, UnusableVotes, Verdict, Voters
from storage.settling import Horizon, Settling, unbounded
from storage.snapshot.image_checks import ImageChecks
from storage.snapshot.plain_prompts import mark_plain
from storage.snapshot.settled_rankings import settled_rankings
from storage.snapshot.settled_votes import SETTLED_LABELS, settled_vote
from storage.snapshot.snapshot_folder import (
    Settled,
    SettledRanking,
    SettledVote,
    images_of,
    pseudonym,
    write_folder,
)
from storage.snapshot.sources import NO_OTHERS, as_parameter, of_voters, sources
from storage.studio_folder import StudioFolder
from storage.timestamps import Clock

KINDS = ("preference", *UNDECIDED)
TRAINABLE_KINDS = tuple(kind for kind in KINDS if kind != "skip")
RANKING = "ranking"
IMAGE_LOST = "image_lost"
"""The key that counts votes and rankings left out since an image of theirs cannot be used."""
PREVIEW_BYTES = 512_000_000
"""Bytes of images that are read to preview what a run would leave out; a run itself reads all."""

OTHER_MODELS = """
SELECT base, count(*) FROM (
    SELECT base FROM trainable_votes WHERE winner IS NOT NULL
    UNION ALL
    SELECT base FROM current_rankings WHERE best IS NOT NULL
)
WHERE base <> ? GROUP BY base ORDER BY base
"""

ANNOTATORS = """
SELECT annotator, count(*) AS given FROM trainable_votes
WHERE winner IS NOT NULL AND base = ? GROUP BY annotator ORDER BY given DESC, annotator
"""

UNTRAINED = f"""
SELECT (
    SELECT count(*) FROM trainable_votes
    WHERE base = $base AND winner IS NOT NULL AND {of_voters("annotator")} AND vote_id NOT IN (
        SELECT vote_id FROM snapshot_votes WHERE snapshot_id = $snapshot
    )
) + (
    SELECT count(*) FROM current_rankings
    WHERE base = $base AND best IS NOT NULL AND {of_voters("annotator")} AND ranking_id NOT IN (
        SELECT ranking_id FROM snapshot_rankings WHERE snapshot_id = $snapshot
    ) AND annotator NOT IN (SELECT person FROM excluded_people WHERE base = $base)
)
"""


class Snapshots:
    """All snapshots of a studio."""

    def __init__(
        self, database: Database, folder: StudioFolder, settling: Settling, clock: Clock
    ) -> None:
        self._database = database
        self._folder = folder
        self._settling = settling
        self._clock = clock
        # Two at once would take the same number and the same scratch folder.
        self._writing = threading.Lock()
        self._image_checks = ImageChecks(folder)

    def write(
        self,
        base: str,
        settle_s: float,
        voter: Voters = None,
        others: OtherVotes = NO_OTHERS,
    ) -> Snapshot:
        """Freeze a model's votes older than `settle_s` seconds, of some annotators or of all.

        `others` are models whose votes are taken along.
        Votes on images that are gone or damaged are left out and counted. Raises NoVotes or
        DiskFull. Voting goes on meanwhile.
        """
        with self._writing:
            created = self._clock()
            settled = self._settling.horizon(act_log.VOTE, settle_s)
            votes, counts, excluded = self._settled(base, settled, voter, others)
            settled = self._settling.horizon(act_log.RANKING, settle_s)
            every, left_out = settled_rankings(self._database, base, settled, voter, others)
            excluded += left_out
            lines, lost, images = self._split(votes, every, None)
            lines = mark_plain(self._database, lines)
            rows = [line for line in lines if isinstance(line, SettledVote)]
            ranked = [line for line in lines if isinstance(line, SettledRanking)]

            counts |= {kind: sum(row.kind == kind for row in rows) for kind in TRAINABLE_KINDS}
            counts |= {RANKING: len(ranked)} if ranked else {}
            counts |= {IMAGE_LOST: len(lost)} if lost else {}
            require_preference(counts, settle_s, voter, images)

            weights = {pseudonym(line.annotator): line.weight for line in lines if line.weight != 1}
            snapshot = self._plan(rows, counts)
            facts: SnapshotFacts = {
                "snapshot_id": snapshot.snapshot_id,
                "created": f"{created.isoformat()}Z",
                "base": base,
                "settle_s": settle_s,
                "voter": ", ".join(voter or ()),
                "counts": counts,
                "excluded": excluded,
                "lost_images": images,
                "weights": weights,
                "vote_ids": list(snapshot.vote_ids),
                "ranking_ids": [ranking.ranking_id for ranking in ranked],
                "other_models": votes_by_name(lines, others),
            }
            # The folder first: a kill in between leaves a folder that nothing names, never a record
            # without a folder.
            write_folder(snapshot.path, self._folder, lines, without_empty(facts))
            self._record(snapshot, [*lines, *lost], base, settle_s, created)
            return snapshot

    def other_models(self, base: str) -> dict[str, int]:
        """Count the decisive votes of each other model, which a snapshot may take along."""
        rows = self._database.read(OTHER_MODELS, [base])
        return {other: int(votes) for other, votes in rows}

    def annotators(self, base: str) -> dict[str, int]:
        """Count the decisive votes of each annotator, those with the most first."""
        rows = self._database.read(ANNOTATORS, [base])
        return {str(annotator): int(votes) for annotator, votes in rows}

    def untrained(self, base: str, voter: Voters, snapshot_id: str) -> int:
        """Count some annotators' decisive votes that a snapshot has not; "" is no snapshot."""
        asked = {"base": base, "voter": as_parameter(voter), "snapshot": snapshot_id}
        return int(self._database.read(UNTRAINED, asked)[0][0])

    def faults(self, hashes: Iterable[str], read: bool = False) -> dict[str, str]:
        """Return the faults of images, by hash: those known so far, or with `read` all of them."""
        return self._image_checks.faults(hashes, most_bytes=None if read else 0)

    def unusable(
        self, base: str, voter: Voters = None, others: OtherVotes = NO_OTHERS
    ) -> UnusableVotes:
        """Return the votes that a run starting now would leave out because of their images.

        Of images that were never read, half a gigabyte is read at a time.
        """
        votes, *_ = self._settled(base, unbounded(), voter, others)
        rankings, _ = settled_rankings(self._database, base, unbounded(), voter, others)
        _, lost, images = self._split(votes, rankings, PREVIEW_BYTES)
        return UnusableVotes(len(lost), sum(map(is_decisive, lost)), images)

    def _split(
        self, votes: list[SettledVote], rankings: list[SettledRanking], most_bytes: int | None
    ) -> tuple[list[Settled], list[Settled], dict[str, str]]:
        """Return usable votes and rankings, unusable ones, and the faults of images by path."""
        rows = [vote for vote in votes if vote.verdict is not Verdict.SKIP]
        lines: list[Settled] = [*rows, *rankings]
        shown = (sha256 for line in lines for sha256 in images_of(line))
        faults = self._image_checks.faults(shown, most_bytes)
        if not faults:
            return lines, [], {}

        lost = [line for line in lines if not faults.keys().isdisjoint(images_of(line))]
        sound = [line for line in lines if faults.keys().isdisjoint(images_of(line))]
        names = {
            self._folder.shorten(self._folder.image(sha256)): why for sha256, why in faults.items()
        }
        return sound, lost, names

    def _settled(
        self, base: str, horizon: Horizon, voter: Voters, others: OtherVotes
    ) -> tuple[list[SettledVote], dict[str, int], Counter[str]]:
        """Return the settled current votes, counts by kind, and the number excluded by reason."""
        current = self._database.read(
            SETTLED_LABELS,
            {**sources(base, others), "voter": as_parameter(voter), **horizon.bounds()},
        )
        # Unsettled and excluded votes come along, for the manifest counts them.
        votes = [settled_vote(row) for settled, *row, why in current if settled and why is None]
        excluded = Counter(why for settled, *_, why in current if settled and why is not None)
        unsettled = sum(not settled for settled, *_ in current)

        undone = self._database.read(
            "SELECT count(*) FROM votes WHERE base = ? AND supersedes IS NOT NULL "
            "AND pair_id NOT IN (SELECT pair_id FROM trial_pairs) "
            "AND pair_id NOT IN (SELECT pair_id FROM control_pairs)",
            [base],
        )

        kinds: Counter[str] = Counter(vote.kind for vote in votes)
        counts = {kind: kinds[kind] for kind in KINDS}
        counts |= {"unsettled": unsettled, "undone": undone[0][0]}
        return votes, counts, excluded

    def _plan(self, rows: list[SettledVote], counts: dict[str, int]) -> Snapshot:
        """Return a snapshot under the next free id."""
        # A folder without a record is what a kill left between the two; its id stays its own.
        taken = [folder.name for folder in self._folder.snapshots.glob("s[0-9]*")]
        taken += [row[0] for row in self._database.read("SELECT snapshot_id FROM snapshots")]
        snapshot_id = f"s{1 + max((int(name[1:]) for name in taken), default=0):04d}"
        vote_ids = tuple(vote.vote_id for vote in rows)
        return Snapshot(snapshot_id, self._folder.snapshots / snapshot_id, counts, vote_ids)

    def _record(
        self,
        snapshot: Snapshot,
        considered: list[Settled],
        base: str,
        settle_s: float,
        created: datetime,
    ) -> None:
        """Record a snapshot, with every vote that was considered for it.

        Those that were left out too: else they would count as new, and start run after run.
        """
        votes = [line.vote_id for line in considered if isinstance(line, SettledVote)]
        rankings = [line.ranking_id for line in considered if isinstance(line, SettledRanking)]

        def insert(cursor: Cursor) -> None:
            cursor.execute(
                "INSERT INTO snapshots VALUES (?, ?, ?, ?, ?)",
                [snapshot.snapshot_id, base, settle_s, json.dumps(snapshot.counts), created],
            )
            cursor.execute(
                "INSERT INTO snapshot_votes SELECT ?, unnest(?::BIGINT[])",
                [snapshot.snapshot_id, votes],
            )
            cursor.execute(
                "INSERT INTO snapshot_rankings SELECT ?, unnest(?::BIGINT[])",
                [snapshot.snapshot_id, rankings],
            )

        self._database.write(insert)


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
    return facts


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
