"""Backups of the whole studio, made while people label."""

import threading
from pathlib import Path

from annotate.data_jobs.jobs import JobPlan, Progress, Result
from annotate.views.data import BackupResult, BackupView
from storage.store import Store
from storage.studio_backup.backup import Backup
from storage.studio_backup.manifest import listed
from storage.studio_backup.moment import from_open
from storage.studio_backup.tell import sentences_of_backup

FOLDER = "backup_folder"
"""Name of the project setting: where the newest backup went."""


class Backups:
    """Backups of one studio, into the folder that was named last."""

    def __init__(self, store: Store) -> None:
        self._store, self._home = store, store.opening.folder.path

    def usual_target(self) -> str:
        """Return the folder that backups go to unless another one is named."""
        beside = self._home.parent / f"{self._home.name}-backups"
        return str(self._store.project_settings.get(FOLDER, str(beside)))

    def all(self) -> list[BackupView]:
        """Return the backups in the usual folder, newest first."""
        target = Path(self.usual_target())
        return [
            {
                "path": str(target / "backups" / f"{name}.jsonl"),
                "name": name,
                "created": facts.as_of,
                "votes": facts.votes,
                "bytes": facts.bytes,
            }
            for name, facts in listed(target)
        ]

    def backing_up(self, target: str, who: str) -> JobPlan:
        """Plan a backup into a folder, "" for the usual one."""
        place = Path(target.strip() or self.usual_target()).expanduser().absolute()

        def work(progress: Progress, cancelled: threading.Event) -> Result:
            gather = from_open(self._store.opening.database)
            report = Backup(
                self._home, place, gather, progress=progress, cancelled=cancelled
            ).write()
            # Remembered only once something is there.
            self._store.project_settings.set(FOLDER, str(place), who)
            result: BackupResult = {
                "path": str(report.target),
                "bytes": report.new_bytes,
                "message": " ".join(sentences_of_backup(report)),
            }
            return {**result}

        return JobPlan("backup", f"Backing up to {place.name}", work)
