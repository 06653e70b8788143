"""Snapshots that runs train on: settled votes only, frozen once, never written again."""

import json
import threading
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from align.contracts.snapshot_files import SnapshotFacts
from storage import act_log
from storage.database import Cursor, Database
from storage.records import OtherVotes, Snapshot, UnusableVotes, Verdict, Voters
from storage.settling import Horizon, Settling, unbounded
from storage.snapshot.brought_votes import VotesOfSources
from storage.snapshot.folder_writer import write_folder
from storage.snapshot.image_checks import ImageChecks
from storage.snapshot.plain_prompts import mark_plain
from storage.snapshot.settled_rankings import settled_rankings
from storage.snapshot.settled_votes import SETTLED_LABELS, settled_vote
from storage.snapshot.snapshot_facts import (
    IMAGE_LOST,
    KINDS,
    RANKING,
    TRAINABLE_KINDS,
    OwnVotes,
    add_brought,
    is_decisive,
    require_preference,
    votes_by_name,
    without_empty,
)
from storage.snapshot.snapshot_folder import Settled, SettledRanking, SettledVote, images_of
from storage.snapshot.sources import NO_OTHERS, as_parameter, of_voters, sources
from storage.sources.source_records import SOURCES_IN_USE, SourceVotes
from storage.studio_folder import StudioFolder
from storage.timestamps import Clock

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
        brought: SourceVotes = SOURCES_IN_USE,
    ) -> Snapshot:
        """Freeze a model's votes older than `settle_s` seconds, of some annotators or of all.

        `others` are models whose votes are taken along, `brought` the sources.
        Votes on images that are gone or damaged are left out and counted. Raises NoVotes,
        UnknownSource or DiskFull. Voting goes on meanwhile.
        """
        with self._writing:
            created = self._clock()
            of_sources = VotesOfSources(self._database, self._folder, base, brought.names)
            own = self._own_votes(base, settle_s, voter, others, brought.alone)
            snapshot = self._plan(own.rows, own.counts)
            if not of_sources.any:
                require_preference(own.counts, settle_s, voter, own.images)

            def facts() -> SnapshotFacts:
                add_brought(own.counts, own.images, of_sources)
                require_preference(own.counts, settle_s, voter, own.images)
                return without_empty(
                    {
                        "snapshot_id": snapshot.snapshot_id,
                        "created": f"{created.isoformat()}Z",
                        "base": base,
                        "settle_s": settle_s,
                        "voter": ", ".join(voter or ()),
                        "counts": own.counts,
                        "excluded": own.excluded,
                        "lost_images": own.images,
                        "weights": own.weights,
                        "vote_ids": list(snapshot.vote_ids),
                        "ranking_ids": [ranking.ranking_id for ranking in own.ranked],
                        "other_models": votes_by_name(own.lines, others),
                        "sources": dict(of_sources.by_source),
                        "source_weights": of_sources.weights,
                    }
                )

            # The folder first: a kill in between leaves a folder that nothing names, never a record
            # without a folder.
            write_folder(snapshot.path, self._folder, own.lines, facts, of_sources)
            self._record(snapshot, [*own.lines, *own.lost], base, settle_s, created)
            return snapshot

    def _own_votes(
        self, base: str, settle_s: float, voter: Voters, others: OtherVotes, left_out: bool
    ) -> OwnVotes:
        """Return the settled votes that were given here; none where they are `left_out`."""
        settled = self._settling.horizon(act_log.VOTE, settle_s)
        votes, counts, excluded = self._settled(base, settled, voter, others)
        settled = self._settling.horizon(act_log.RANKING, settle_s)
        every, excluded_rankings = settled_rankings(self._database, base, settled, voter, others)
        excluded += excluded_rankings
        if left_out:
            votes, every, excluded = [], [], Counter()
            counts = dict.fromkeys(counts, 0)

        lines, lost, images = self._split(votes, every, None)
        lines = mark_plain(self._database, lines)
        own = OwnVotes(lines, lost, images, counts, excluded)
        counts |= {kind: sum(row.kind == kind for row in own.rows) for kind in TRAINABLE_KINDS}
        counts |= {RANKING: len(own.ranked)} if own.ranked else {}
        counts |= {IMAGE_LOST: len(lost)} if lost else {}
        return own

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
