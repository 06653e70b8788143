"""Opening and closing of a studio: recovery, migrations, and the copies made around them."""

import shutil
from functools import partial
from pathlib import Path

from storage.backup.copies import MIGRATION, Copies
from storage.backup.inspection import logs_of, remove_scratch
from storage.backup.recovery import Recovery
from storage.backup.schedule import CopySchedule
from storage.backup.unfinished_merge import remove_unfinished
from storage.database import Database
from storage.errors import DamagedSource, NoCopy
from storage.replacement import finish_replacement
from storage.schema import migrate, read_migrations
from storage.studio_folder import StudioFolder
from storage.timestamps import Clock


class Opening:
    """The database of one studio folder, from its opening to its end."""

    def __init__(self, path: Path, clock: Clock, restore: bool = False) -> None:
        """Lock the folder, repair and migrate the database, and open it.

        Raises StudioInUse, StudioNewer or BrokenStudio.
        """
        # Before the folder is made: a restore that was killed may have left its place empty.
        finish_replacement(path)
        self.folder = StudioFolder(path)
        self.copies = Copies(self.folder.copies, clock)
        self._schedule: CopySchedule | None = None
        self.recovered: list[str] = []
        """Repairs that were made on the way, in sentences."""
        try:
            self.database = self._open(Recovery(self.folder, self.copies, clock), restore)
        except BaseException:
            # Whatever it was, the next try must not find the folder in use.
            self.folder.release()
            raise

    def _open(self, recovery: Recovery, restore: bool) -> Database:
        """Repair what a kill or the disk damaged, then open, then migrate: in this order.

        A damaged file must be looked at before DuckDB opens it, which may change it.
        """
        remove_scratch(self.folder.path, self.folder.copies)
        # Pages that DuckDB put there are of no use to another process.
        shutil.rmtree(self.folder.spilled_pages, ignore_errors=True)
        self.recovered += recovery.prepare(restore)
        self.folder.make_folders()

        unclean = bool(logs_of(self.folder.database))
        database = Database(self.folder.database)
        try:
            if unclean:
                # What was given before a kill is safe from damage to the log from now on.
                database.checkpoint()
            migrate(database, read_migrations(), partial(self._copy_first, recovery, database))
            remove_unfinished(self.folder, database)
        except BaseException:
            database.close()
            raise
        return database

    def keep_copies(self) -> None:
        """Start the copy schedule: now, with every 200 votes, and when the studio is closed."""
        self._schedule = CopySchedule(self.database, self.copies)
        self._schedule.start()

    @property
    def problem(self) -> str | None:
        """The reason why there is no newer copy, as a sentence; None while copies succeed."""
        return self._schedule.problem if self._schedule else None

    def close(self) -> None:
        """Close the database, make the last copy if copies are kept, and release the folder."""
        if self._schedule is not None:
            self._schedule.stop()
        self.database.close()
        if self._schedule is not None:
            # After the close: the log is in the file by then, so one file is the whole copy.
            self._schedule.copy_at_stop(self.folder.database)
        self.folder.release()

    def _copy_first(self, recovery: Recovery, database: Database) -> None:
        """Copy the database before a migration; raises NoCopy or DamagedDatabase without one."""
        try:
            self.copies.make(MIGRATION, database.copy_to)
        except DamagedSource as error:
            # What an older Palate left without copies is read through here for the first time.
            raise recovery.refusal(f"is damaged: {error.problem}") from error
        except NoCopy as error:
            raise NoCopy(
                "This studio was made by an older Palate, and its database is copied before it is "
                f"changed. Nothing was changed. {error} Then start again."
            ) from error
