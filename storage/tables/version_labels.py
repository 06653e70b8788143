"""Labels of versions: their names, notes and deletions, with imports and exports."""

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from align.contracts.weights import VersionSummary
from storage.database import Cursor, Database
from storage.errors import DiskFull, InvalidLabel, VersionNeeded
from storage.file_sizes import remove
from storage.records import TrainedOn, Version, new_id
from storage.studio_folder import StudioFolder
from storage.tables.blind_tests import OPEN, TRIALS
from storage.tables.versions import NAME, Versions, version_number
from storage.text import has_controls
from storage.timestamps import Clock

LONGEST_NAME = 60
LONGEST_NOTE = 2000
"""Characters of a version's name and note."""

TRAINED_ON = """
SELECT runs.run_id, snapshots.snapshot_id, snapshots.counts, (
    SELECT count(*) FROM snapshot_votes JOIN votes AS undo ON supersedes = snapshot_votes.vote_id
    WHERE snapshot_votes.snapshot_id = snapshots.snapshot_id
) AS undone
FROM runs JOIN snapshots USING (snapshot_id)
WHERE runs.base = ?
"""
NEWEST_IMAGES = """
SELECT arg_max(image_id, created) FROM images WHERE version = ? AND recipe->>'base' = ?
GROUP BY recipe->>'prompt' ORDER BY max(created) DESC LIMIT ?
"""


class VersionLabels:
    """Names, notes, deletions and imports of versions, each one more row."""

    def __init__(
        self, database: Database, folder: StudioFolder, versions: Versions, clock: Clock
    ) -> None:
        self._database, self._folder = database, folder
        self._versions, self._clock = versions, clock

    def exports(self, base: str) -> Path:
        """Return the folder of a model's exports for other programs."""
        return self._folder.exports / re.sub(r"[^\w-]+", "-", base)

    def versions(self, base: str) -> list[Version]:
        """Return every version of a model, the deleted ones too, oldest first."""
        return self._versions.with_deleted(base)

    def trained_on(self, base: str) -> dict[str, TrainedOn]:
        """Return the votes that each run of a model trained on, by run id."""
        rows = self._database.read(TRAINED_ON, [base])
        return {run: TrainedOn(id, json.loads(counts), undone) for run, id, counts, undone in rows}

    def active_before(self, base: str, version: str) -> Version:
        """Return the version that was active before another one, "base" where none is left."""
        return self._versions.active_before(base, version)

    def newest_images(self, base: str, version: str, count: int) -> list[str]:
        """Return ids of images that a version rendered last, each of another prompt."""
        rows = self._database.read(NEWEST_IMAGES, [version, base, count])
        return [row[0] for row in rows]

    def rename(self, base: str, version: str, name: str) -> Version:
        """Give a version a name to show beside its own, or none; raises InvalidLabel or
        UnknownVersion.
        """
        name = check_label(name.strip(), "name", LONGEST_NAME)

        def insert(cursor: Cursor) -> None:
            number = version_number(cursor, base, version)
            require_free(cursor, base, number, name)
            self._append(cursor, base, number, "name", name)

        self._database.write(insert)
        return self._versions.get(base, version)

    def note(self, base: str, version: str, text: str) -> Version:
        """Write a note on a version, or none; raises InvalidLabel or UnknownVersion."""
        lines = text.replace("\r\n", "\n").strip().split("\n")
        for line in lines:
            check_label(line, "note", LONGEST_NOTE)
        note = check_length("\n".join(lines), "note", LONGEST_NOTE)
        self._database.write(
            lambda cursor: self._append(
                cursor, base, version_number(cursor, base, version), "note", note
            )
        )
        return self._versions.get(base, version)

    @contextmanager
    def writing_export(self, base: str, name: str) -> Iterator[Path]:
        """Yield a scratch path that becomes an export once it is written; raises DiskFull."""
        exports = self.exports(base)
        work = exports / f".{new_id()}"
        try:
            work.mkdir(parents=True)
            yield work / name
            if (exports / name).is_dir():
                # A folder does not replace a folder; what was there moves out of the way.
                os.replace(exports / name, work / "before")
            os.replace(work / name, exports / name)
        except OSError as error:
            raise DiskFull(
                f"{name} could not be written to {exports}: {error.strerror or error}. "
                "Free some space on its disk, then try again."
            ) from error
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def new_import(self) -> Path:
        """Return a free path for the adapter of a version that is imported."""
        self._folder.imports.mkdir(exist_ok=True)
        return self._folder.imports / f"{new_id()}.safetensors"

    def add_import(self, base: str, adapter: Path, summary: VersionSummary) -> Version:
        """Record an imported version, on the untuned model."""
        return self._versions.add(base, "base", None, adapter, summary)

    def delete(self, base: str, version: str) -> int:
        """Delete a version's files, keep its row, and return how many bytes that freed.

        Raises VersionNeeded for the base, the active version and one that something starts from,
        or UnknownVersion.
        """

        def bury(cursor: Cursor) -> None:
            number = version_number(cursor, base, version)
            require_unneeded(cursor, base, version, number)
            cursor.execute(
                "INSERT INTO version_deletions VALUES (?, ?, ?)", [base, number, self._clock()]
            )

        gone = self._versions.get(base, version)
        # The row first: a kill in between leaves files that a clean-up finds, not a version
        # without its files.
        self._database.write(bury)
        return remove(files_of(self._folder, gone)).bytes

    def _append(self, cursor: Cursor, base: str, number: int, kind: str, text: str) -> None:
        cursor.execute(
            "INSERT INTO version_labels (base, number, kind, text, created) VALUES (?, ?, ?, ?, ?)",
            [base, number, kind, text, self._clock()],
        )


def files_of(folder: StudioFolder, version: Version) -> Iterable[Path]:
    """Return the files of a version inside the studio folder; others are not ours to delete."""
    if version.adapter is not None and version.adapter.is_relative_to(folder.path):
        yield version.adapter
    if version.run_id is not None:
        yield from folder.run_leftovers(version.run_id)


def require_unneeded(cursor: Cursor, base: str, version: str, number: int) -> None:
    """Raise VersionNeeded if another version, a blind test or a run needs this one."""
    if number == 0:
        raise VersionNeeded("The base is what every version starts from. It cannot be deleted.")

    active = cursor.execute(
        "SELECT arg_max(number, activation_id) FROM activations WHERE base = ?", [base]
    ).fetchall()[0][0]
    if active == number:
        raise VersionNeeded(f"{version} is active. Make another version active, then delete it.")

    child = cursor.execute(
        "SELECT min(number) FROM current_versions "
        "WHERE base = ? AND parent = ? AND deleted IS NULL",
        [base, number],
    ).fetchall()[0][0]
    if child is not None:
        raise VersionNeeded(f"v{child} starts from {version}. Delete v{child} first.")

    trial = cursor.execute(
        f"SELECT min(trial_id) FROM ({TRIALS}) "
        "WHERE base = ? AND state = ? AND (before = ? OR after = ?)",
        [base, OPEN, number, number],
    ).fetchall()[0][0]
    if trial is not None:
        raise VersionNeeded(f"Blind test {trial} shows {version}. End the test first.")

    run = cursor.execute(
        "SELECT min(run_id) FROM current_runs "
        "WHERE base = ? AND parent = ? AND state IN ('queued', 'running')",
        [base, version],
    ).fetchall()[0][0]
    if run is not None:
        raise VersionNeeded(f"Run {run} starts from {version}. Wait for it, or cancel it first.")


def require_free(cursor: Cursor, base: str, number: int, name: str) -> None:
    """Raise InvalidLabel for a name that another version has, or that looks like v3 or base."""
    if not name:
        return
    if NAME.fullmatch(name.lower()):
        raise InvalidLabel(f"{name!r} would be taken for a version's number. Choose another name.")
    taken = cursor.execute(
        "SELECT min(number) FROM current_versions "
        "WHERE base = ? AND number <> ? AND lower(name) = lower(?) AND deleted IS NULL",
        [base, number, name],
    ).fetchall()[0][0]
    if taken is not None:
        raise InvalidLabel(f"v{taken} is called {name!r} already. Choose another name.")


def check_label(text: str, what: str, longest: int) -> str:
    """Return a line of text; raises InvalidLabel if it is too long or holds control characters."""
    if has_controls(text):
        raise InvalidLabel(f"The {what} {text[:80]!r} holds control characters. Use plain text.")
    return check_length(text, what, longest)


def check_length(text: str, what: str, longest: int) -> str:
    """Return a text; raises InvalidLabel if it is too long."""
    if len(text) > longest:
        raise InvalidLabel(
            f"The {what} has {len(text)} characters, and it may have {longest}. Shorten it."
        )
    return text
