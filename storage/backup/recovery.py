"""Recovery: check a studio's database before it is opened, and repair it if it is damaged.

A safe repair is made and reported: a log that cannot be read is set aside, and the studio begins
with everything before the damage. If votes could be lost, nothing is touched until somebody asks
for it with `--restore`: then the newest copy that opens takes the place, and the damaged files stay
beside it under a dated name.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from storage.backup.copies import Copies, Copy, put, sync
from storage.backup.damaged_files import HEAD, free_name, keep, require_access, same_head
from storage.backup.inspection import Finding, ask, copy_with_logs, logs_of, scratch_folder
from storage.database import log_of
from storage.database_failures import open_failure
from storage.errors import DamagedDatabase, MissingDatabase, NoCopy
from storage.studio_folder import StudioFolder
from storage.timestamps import Clock

MAGIC = slice(8, 12)
"""The bytes of a DuckDB file that identify it."""
LOST = "Votes given after it are not in it"


@dataclass(frozen=True, slots=True)
class Recovery:
    """Makes a studio folder ready to be opened, and reports the repairs."""

    folder: StudioFolder
    copies: Copies
    clock: Clock

    def prepare(self, restore: bool = False) -> list[str]:
        """Repair the database; return the repairs as sentences, none for a sound or new one.

        Raises DamagedDatabase or MissingDatabase, unless it may `restore`; StudioInUse,
        StudioNewer, or BrokenStudio where the files may not be read.
        """
        database = self.folder.database
        if not os.path.lexists(database) and not self.folder.traces():
            return []
        require_access(database)
        if self._barely_begun():
            return []
        if problem := self._not_a_database():
            return self._restored_or_refused(problem, restore)
        # After a clean stop the file equals its newest copy, which was read through: to read it
        # again would only delay the start.
        if not logs_of(database) and (not self.copies.list() or self.copies.holds(database)):
            return []

        with scratch_folder(self.folder.path) as scratch:
            copy = scratch / "palate.duckdb"
            finding = self._inspected(copy)
            if finding.problem is None and not finding.unread:
                return self._older(finding, restore)
            if logs_of(database):
                unread = f"its last {finding.unread:,} bytes cannot be read"
                return self._without_log(finding.problem or unread, scratch, restore)
        return self._restored_or_refused(f"is damaged: {finding.problem}", restore)

    def _barely_begun(self) -> bool:
        """Remove the file of a start that was killed while DuckDB created it; return True if so."""
        database = self.folder.database
        if not database.is_file() or database.stat().st_size > HEAD or self.folder.traces():
            return False
        with database.open("rb") as file:
            head = file.read(MAGIC.stop)
        if head.strip(b"\0") and head[MAGIC] != b"DUCK":
            return False
        database.unlink()
        return True

    def restore(self, name: str | None) -> str:
        """Put a copy in place, the newest that opens or the named one; return a sentence about it.

        Raises NoCopy.
        """
        for copy in self.copies.list():
            if name in (None, copy.path.name) and ask("inspect", copy.path).problem is None:
                aside = self._put(copy.path)
                kept = f" What was there before is kept as {aside}." if aside else ""
                return f"The copy of {copy} is in place.{kept}"
        which = f"copy {name!r}" if name else "copy"
        raise NoCopy(
            f"No {which} that opens is in {self.copies.folder}. "
            f"List them with python -m storage copies {self.folder.path}."
        )

    def _not_a_database(self) -> str | None:
        """Return the reason why there is no database to inspect, if so."""
        database = self.folder.database
        if not os.path.lexists(database):
            return "is missing"
        if not database.is_file():
            if not database.exists():
                # Perhaps of a disk that is not there just now.
                return f"is a link to {os.readlink(database)}, where there is nothing"
            return "is a folder, not a file" if database.is_dir() else "is no file"
        with database.open("rb") as file:
            head = file.read(MAGIC.stop)
        if not head:
            return "is empty"
        return None if head[MAGIC] == b"DUCK" else "is no DuckDB database"

    def _inspected(self, copy: Path) -> Finding:
        """Inspect a copy of the file and its logs; raises StudioInUse or StudioNewer."""
        database = self.folder.database
        copy_with_logs(database, copy)
        finding = ask("check", copy, database)
        if finding.refused is not None:
            raise open_failure(finding.refused, database)
        return finding

    def _without_log(self, problem: str, scratch: Path, restore: bool) -> list[str]:
        """Keep everything before the damage of the log, if the file itself is sound."""
        database, alone = self.folder.database, scratch / "alone.duckdb"
        copy_with_logs(database, alone, logs=False)
        finding = ask("inspect", alone)
        if finding.problem is not None:
            return self._restored_or_refused(f"is damaged: {finding.problem}", restore)

        cut = scratch / "cut.duckdb"
        copy_with_logs(database, cut)
        if [log.name for log in logs_of(cut)] == [log_of(cut).name]:
            salvaged = ask("salvage", cut)
            if salvaged.problem is None:
                finding, alone = salvaged, cut
        if copy := self._copy_with_all_of(alone, finding, scratch):
            aside = self._put(copy.path)
            return [
                f"The log of the database was damaged: {problem}. The studio goes on from the "
                f"copy of {copy}. The damaged files are kept as {aside}."
            ]
        kept = self._cut_log(alone)
        votes = "1 vote is" if finding.votes == 1 else f"{finding.votes:,} votes are"
        return [
            f"The log of the database was damaged: {problem}. {votes} there, all from before the "
            f"damage. The damaged log is kept as {kept}."
        ]

    def _copy_with_all_of(self, database: Path, held: Finding, scratch: Path) -> Copy | None:
        """Return the newest copy that holds all of a database and more votes."""
        for copy in self.copies.list():
            if copy.acts > held.acts:
                more, same = scratch / "more.duckdb", scratch / "same.duckdb"
                shutil.copyfile(copy.path, more)
                copy_with_logs(database, same)
                if ask("contains", more, same).problem is None:
                    return copy
        return None

    def _older(self, finding: Finding, restore: bool) -> list[str]:
        """Report that the newest copy holds more than the database, or restore it if asked to."""
        newest = next(iter(self.copies.list()), None)
        if newest is None or newest.acts <= finding.acts:
            return []
        if restore:
            return self._restored_or_refused("holds fewer votes than its newest copy", restore)
        votes = "1 vote" if finding.votes == 1 else f"{finding.votes:,} votes"
        return [
            f"The database holds {votes}, fewer than its copy of {newest}. If an older one was "
            "put in its place by mistake, start Palate with --restore."
        ]

    # Copies put back

    def _restored_or_refused(self, problem: str, restore: bool) -> list[str]:
        """Restore the newest copy that opens if asked to, else raise the error that offers it."""
        database = self.folder.database
        if not restore:
            if problem == "is missing":
                traces = ", ".join(self.folder.traces())
                raise MissingDatabase(
                    f"{database} is missing, and this was a studio: there are {traces}. "
                    f"Nothing was changed. {self._offer()}"
                )
            raise self.refusal(problem)

        with scratch_folder(self.folder.path) as scratch:
            copy, file, with_log = self._best(scratch)
            if copy is None:
                raise DamagedDatabase(
                    f"{database} could not be opened: it {problem}. {self._none()}"
                )
            aside = self._put(file)
        kept = f" What was there before is kept as {aside}." if aside else ""
        end = "What the log held was added to it" if with_log else LOST
        was = problem.replace("is ", "was ", 1).replace("holds ", "held ", 1)
        return [f"The database {was}. The copy of {copy}, is in its place. {end}.{kept}"]

    def refusal(self, problem: str) -> DamagedDatabase:
        """Return the error for a database that cannot be opened, with the copy to restore."""
        return DamagedDatabase(
            f"{self.folder.database} could not be opened: it {problem}. Nothing was changed. "
            f"{self._offer()}"
        )

    def _best(self, scratch: Path) -> tuple[Copy | None, Path, bool]:
        """Return the best copy, its file, and True if that includes the log begun on it."""
        newest = next(self.copies.good(), None)
        best, file, acts = None, scratch, -1
        if newest is not None:
            best, file, acts = newest[0], newest[0].path, newest[0].acts
        with_log = False

        # A copy with equal headers and the present log together hold every vote up to the damage.
        for copy in self.copies.list():
            if logs_of(self.folder.database) and same_head(copy.path, self.folder.database):
                whole = scratch / "whole.duckdb"
                shutil.copyfile(copy.path, whole)
                for log in logs_of(self.folder.database):
                    name = whole.name + log.name.removeprefix(self.folder.database.name)
                    shutil.copyfile(log, whole.with_name(name))
                finding = ask("fold", whole)
                if finding.problem is None and finding.acts > acts:
                    best, file, acts, with_log = copy, whole, finding.acts, True
                    break
        return best, file, with_log

    def _offer(self) -> str:
        """Return the sentence about the copy that --restore would put in place."""
        newest = next(self.copies.good(), None)
        if newest is None:
            return self._none()
        return (
            f"The newest copy that opens is of {newest[0]}. Start Palate with --restore to put it "
            f"in place; what is there now stays beside it. {LOST}."
        )

    def _none(self) -> str:
        return (
            f"No copy of it that opens is in {self.copies.folder}. Put back a good copy of your "
            "own, or choose another folder with --home."
        )

    def _put(self, file: Path) -> str:
        """Put a copy in place and set aside what was there; return the name of that.

        The files aside get their names first: a kill at any point leaves a database in place.
        """
        database, logs, stem = (
            self.folder.database,
            logs_of(self.folder.database),
            free_name(self.folder.path, self.clock()),
        )
        there = [file for file in (database, *logs) if os.path.lexists(file)]
        with scratch_folder(self.folder.path) as scratch:
            whole = scratch / database.name
            shutil.copyfile(file, whole)
            for old in there:
                keep(old, database.with_name(stem + old.name.removeprefix("palate")))
            put(whole, database)

        for log in logs:
            log.unlink(missing_ok=True)
        sync(self.folder.path)
        return stem + there[0].name.removeprefix("palate") if there else ""

    def _cut_log(self, sound: Path) -> str:
        """Set the damaged logs aside, and put their readable part in place; return their name."""
        database, stem = self.folder.database, free_name(self.folder.path, self.clock())
        for log in logs_of(database):
            keep(log, database.with_name(stem + log.name.removeprefix("palate")))

        readable = log_of(sound)
        if readable.exists() and readable.stat().st_size:
            put(readable, log_of(database))
        else:
            log_of(database).unlink(missing_ok=True)
        for log in logs_of(database):
            if log != log_of(database):
                log.unlink()
        sync(self.folder.path)
        return f"{stem}.duckdb.wal"
