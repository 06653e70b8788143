"""Versions of each model: the untuned one, and the adapters that were trained from it."""

import json
import re
from pathlib import Path

from align.contracts.run_files import RunResult
from storage.database import Cursor, Database, Row
from storage.errors import UnknownRun, UnknownVersion
from storage.records import Version
from storage.studio_folder import StudioFolder
from storage.timestamps import Clock

NAME = re.compile(r"base|v([1-9][0-9]{0,8})")

WITH_ACTIVE = """
SELECT number, base, parent, run_id, adapter, created, summary, number = coalesce(
    (SELECT arg_max(number, activation_id) FROM activations WHERE base = $base), 0
) AS active, name, note, deleted
FROM current_versions WHERE base = $base
"""


class Versions:
    """All versions of a studio; an activation is one more row, and the newest one counts."""

    def __init__(self, database: Database, folder: StudioFolder, clock: Clock) -> None:
        self._database = database
        self._folder = folder
        self._clock = clock

    def ensure_base(self, base: str) -> Version:
        """Return the untuned version of a model, recording it the first time."""
        now = self._clock()
        self._database.write(
            lambda cursor: cursor.execute(
                "INSERT INTO versions VALUES (?, 0, NULL, NULL, NULL, '{}', ?) "
                "ON CONFLICT DO NOTHING",
                [base, now],
            )
        )
        return self.get(base, "base")

    def add(
        self, base: str, parent: str, run_id: str | None, adapter: Path, summary: RunResult
    ) -> Version:
        """Record the adapter of a run, once per run, or without a run an imported one.

        A parent may have been deleted meanwhile. Raises UnknownVersion or UnknownRun.
        """
        now = self._clock()

        def insert(cursor: Cursor) -> int:
            if run_id is not None and (row := number_of_run(cursor, run_id)):
                return row

            number = next_number(cursor, base)
            cursor.execute(
                "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    base,
                    number,
                    version_number(cursor, base, parent, deleted=True),
                    run_id,
                    self._folder.shorten(adapter),
                    json.dumps(summary),
                    now,
                ],
            )
            return number

        return self.get(base, version_name(self._database.write(insert)))

    def of_base(self, base: str) -> list[Version]:
        """Return the versions of a model that were not deleted, oldest first."""
        return [version for version in self.with_deleted(base) if version.deleted is None]

    def with_deleted(self, base: str) -> list[Version]:
        """Return the versions of a model, the deleted ones too, oldest first."""
        rows = self._database.read(f"{WITH_ACTIVE} ORDER BY number", {"base": base})
        return [self._version_of(row) for row in rows]

    def get(self, base: str, version: str) -> Version:
        """Return a version by its name; raises UnknownVersion."""
        for known in self.with_deleted(base):
            if known.version == version and known.deleted is None:
                return known
            if known.version == version:
                raise deleted_version(version)
        raise unknown_version(base, version)

    def activate(self, base: str, version: str) -> Version:
        """Make a version the one that new pairs are rendered with; raises UnknownVersion."""
        now = self._clock()

        def insert(cursor: Cursor) -> None:
            cursor.execute(
                "INSERT INTO activations (base, number, created) VALUES (?, ?, ?)",
                [base, version_number(cursor, base, version), now],
            )

        self._database.write(insert)
        return self.get(base, version)

    def active(self, base: str) -> Version:
        """Return the version activated last, "base" before any; raises UnknownVersion."""
        for version in self.of_base(base):
            if version.active:
                return version
        raise unknown_version(base, "base")

    def active_before(self, base: str, version: str) -> Version:
        """Return the version that was active before another one, "base" where none is left."""
        known = {each.version: each for each in self.of_base(base)}
        rows = self._database.read(
            "SELECT number FROM activations WHERE base = ? ORDER BY activation_id DESC", [base]
        )
        names = (version_name(number) for (number,) in rows)
        before = (name for name in names if name != version and name in known)
        return known[next(before, "base")]

    def _version_of(self, row: Row) -> Version:
        number, base, parent, run_id, adapter, created, summary, active, name, note, deleted = row
        return Version(
            version=version_name(number),
            base=base,
            parent=None if parent is None else version_name(parent),
            run_id=run_id,
            adapter=None if adapter is None else self._folder.path / adapter,
            created=created,
            active=active,
            summary=json.loads(summary),
            name=name,
            note=note,
            deleted=deleted,
        )


def version_name(number: int) -> str:
    """Return the name of a version by its number: "base", "v1", "v2", ..."""
    return f"v{number}" if number else "base"


def version_number(cursor: Cursor, base: str, version: str, deleted: bool = False) -> int:
    """Return a version's number, a deleted one's only if asked; raises UnknownVersion."""
    match = NAME.fullmatch(version)
    number = int(match[1] or 0) if match else -1
    row = cursor.execute(
        "SELECT deleted FROM current_versions WHERE base = ? AND number = ?", [base, number]
    ).fetchone()
    if row is None:
        raise unknown_version(base, version)
    if row[0] is not None and not deleted:
        raise deleted_version(version)
    return number


def number_of_run(cursor: Cursor, run_id: str) -> int | None:
    """Return the number of the version that a run made, if it did; raises UnknownRun."""
    if not cursor.execute("SELECT 1 FROM runs WHERE run_id = ?", [run_id]).fetchone():
        raise UnknownRun(f"There is no run {run_id!r} that could have made a version.")
    row = cursor.execute("SELECT number FROM versions WHERE run_id = ?", [run_id]).fetchone()
    return int(row[0]) if row else None


def next_number(cursor: Cursor, base: str) -> int:
    """Return the number after a model's newest version's."""
    row = cursor.execute(
        "SELECT coalesce(max(number), 0) + 1 FROM versions WHERE base = ?", [base]
    ).fetchall()[0]
    return int(row[0])


def deleted_version(version: str) -> UnknownVersion:
    """Return the error for a version that was deleted."""
    return UnknownVersion(
        f"Version {version!r} was deleted, and its files are gone. Choose another version."
    )


def unknown_version(base: str, version: str) -> UnknownVersion:
    """Return the error for a version that a model does not have."""
    return UnknownVersion(
        f"Model {base!r} has no version {version!r}. Look at its list of versions for the names."
    )
