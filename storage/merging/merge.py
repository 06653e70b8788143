"""Merge another studio of the same model into one that is open.

Everything is worked out beside the studio (storage/merging/staging.py), the files come first, and
one transaction brings all rows: until it is committed the studio is as before, after it as after.
"""

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from storage.backup.copies import MERGE
from storage.backup.inspection import scratch_folder
from storage.backup.unfinished_merge import remove_unfinished
from storage.database import Cursor, Row
from storage.lookalikes import folded, skeleton
from storage.merging.files import MergedFiles, highest_snapshot
from storage.merging.incoming import ENDED
from storage.merging.logs import advance_sequences
from storage.merging.other_studio import OtherStudio, other_studio
from storage.merging.report import MergeReport
from storage.merging.rows import insert_all
from storage.merging.staging import attach, detach, stage_all
from storage.store import Store
from storage.studio_backup.stored_files import Progress, untold
from storage.tables.people import Role
from storage.timestamps import Clock, utc_now

NAMED = """
SELECT sha256 FROM other.inc.images WHERE is_new UNION SELECT sha256 FROM other.source_images
WHERE file IS NULL AND source_id IN (SELECT old FROM other.inc.sources)
"""


ANY_NEW = """
SELECT EXISTS (FROM other.inc.votes_new) OR EXISTS (FROM other.inc.rankings_new)
    OR EXISTS (FROM other.inc.images WHERE is_new)
"""


class Previewed(Exception):
    """Raised to end the transaction of a preview without a change."""


@dataclass
class Merge:
    """One merge of another studio, which is closed, into an open one."""

    store: Store
    other: Path
    progress: Progress = untold
    cancelled: threading.Event = field(default_factory=threading.Event)
    clock: Clock = utc_now

    def preview(self) -> MergeReport:
        """Return what would come in; nothing changes.

        Raises InvalidTarget, OtherModel, StudioInUse, StudioNewer or BrokenStudio.
        """
        with Attached(self.store, self.other):
            return self._worked_out()

    def write(self) -> MergeReport:
        """Merge, and return what came in; raises as `preview`, and DiskFull or CopyingStopped."""
        with Attached(self.store, self.other) as other:
            if not self._stage():
                report = self._worked_out()
                if report.is_nothing:
                    return report
            with scratch_folder(self._home) as scratch:
                files = MergedFiles(self._home, other.home, scratch, self.progress, self.cancelled)
                lost = files.bring(self._named(), self._folders())
                return self._committed(files, lost)

    def _stage(self) -> bool:
        """Work out what files would come in; return True if there surely is something new."""

        def work(cursor: Cursor) -> bool:
            stage_all(cursor, highest_snapshot(self._home))
            return bool(cursor.execute(ANY_NEW).fetchall()[0][0])

        return self.store.opening.database.write(work)

    @property
    def _home(self) -> Path:
        return self.store.opening.folder.path

    def _worked_out(self) -> MergeReport:
        """Work out what would come in, within a transaction that is then given up."""
        report = MergeReport()

        def work(cursor: Cursor) -> None:
            self._insert(cursor, report)
            raise Previewed

        with suppress(Previewed):
            self.store.opening.database.write(work)
        return report

    def _committed(self, files: MergedFiles, lost_images: int) -> MergeReport:
        """Bring the rows in one transaction, with the folders of runs right before its end."""
        report = MergeReport(lost_images=lost_images)
        copy = self.store.opening.copies.make(MERGE, self.store.opening.database.copy_to)
        newest = copy or next(iter(self.store.opening.copies.list()), None)
        report.copy = newest.path.name if newest else ""

        def work(cursor: Cursor) -> None:
            self._insert(cursor, report)
            advance_sequences(cursor)
            files.place(self._folders(cursor), self._new("snapshots", cursor))

        try:
            self.store.votes.merge(work)
        finally:
            # Where the commit failed, folders that no row names go; else there are none.
            remove_unfinished(self.store.opening.folder, self.store.opening.database)
        return report

    def _insert(self, cursor: Cursor, report: MergeReport) -> None:
        """Stage and insert everything, and note what came."""
        names = stage_all(cursor, highest_snapshot(self._home))
        report.models, report.same_people = dict(names.models), names.same_people
        report.added = insert_all(cursor)
        report.added["people"], report.not_people = insert_people(cursor, self.clock)
        tell(cursor, report)

    def _named(self) -> set[str]:
        """Return the hashes of the image files that new rows name."""
        return {sha256 for (sha256,) in self._read(NAMED)}

    def _folders(self, cursor: Cursor | None = None) -> dict[str, str]:
        """Return the folders that come in, by their paths there and here."""
        return {
            f"{folder}/{old}": f"{folder}/{here}"
            for folder in ("runs", "sources")
            for old, here in self._new(folder, cursor).items()
        }

    def _new(self, table: str, cursor: Cursor | None = None) -> dict[str, str]:
        sql = f"SELECT old, here FROM other.inc.{table} WHERE is_new"
        rows = cursor.execute(sql).fetchall() if cursor else self._read(sql)
        return {str(old): str(here) for old, here in rows}

    def _read(self, sql: str) -> list[Row]:
        return self.store.opening.database.read(sql)


class Attached:
    """The other studio's database, attached to the open one's for as long as it is needed."""

    def __init__(self, store: Store, other: Path) -> None:
        self._database = store.opening.database
        self._copied = other_studio(other, store.opening.folder.path)

    def __enter__(self) -> OtherStudio:
        found = self._copied.__enter__()
        try:
            self._database.write(lambda cursor: attach(cursor, found.database))
        except BaseException:
            self._copied.__exit__(None, None, None)
            raise
        return found

    def __exit__(self, *error: object) -> None:
        try:
            self._database.write(detach)
        finally:
            self._copied.__exit__(None, None, None)


def insert_people(cursor: Cursor, clock: Clock) -> tuple[int, tuple[str, ...]]:
    """Add the people who are new here, as labelers without a password.

    Return how many, and the names that look like somebody else's and get no account.
    """
    looks = {skeleton(name) for (name,) in cursor.execute("SELECT name FROM people").fetchall()}
    theirs = cursor.execute(
        "SELECT people.name, people.created FROM other.people "
        "WHERE folded NOT IN (SELECT folded FROM palate.people) ORDER BY people.created"
    ).fetchall()
    added, refused = 0, []
    for name, created in theirs:
        if skeleton(name) in looks:
            refused.append(name)
            continue
        looks.add(skeleton(name))
        row = [name, folded(name), created]
        cursor.execute("INSERT INTO people (name, folded, created) VALUES (?, ?, ?)", row)
        for kind, value in (("role", Role.LABELER), ("access", "open")):
            cursor.execute(
                "INSERT INTO person_changes (name, kind, value, who, created) "
                "VALUES (?, ?, ?, ?, ?)",
                [name, kind, value, "merge", clock()],
            )
        added += 1
    return added, tuple(refused)


def tell(cursor: Cursor, report: MergeReport) -> None:
    """Note what a person wants to know of a merge, from what was staged."""

    def count(sql: str) -> int:
        return int(cursor.execute(sql).fetchall()[0][0])

    given = "SELECT count(*) FROM other.inc.{0}_new WHERE undone_key IS NULL"
    twice = "SELECT count(*) FROM other.inc.{0}_new WHERE starts_with(key, 'merge-')"
    report.votes = count(given.format("votes"))
    report.rankings = count(given.format("rankings"))
    report.given_twice = count(twice.format("votes")) + count(twice.format("rankings"))
    report.unfinished_runs = count(f"SELECT count(*) FROM other.runs WHERE NOT ({ENDED})")
    versions = cursor.execute(
        "SELECT number, here FROM other.inc.versions WHERE is_new AND here > 0 ORDER BY here"
    ).fetchall()
    report.new_versions = {f"v{number}": f"v{here}" for number, here in versions}
