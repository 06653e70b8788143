"""Schema migrations: numbered SQL files, each applied together with its record or not at all."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from storage.database import Cursor, Database
from storage.errors import StudioNewer
from storage.timestamps import utc_now

MIGRATIONS = Path(__file__).parent / "migrations"
RENAMES = (
    ("choices", "pair_selection"),
    ("looks", "image_features"),
    ("remarks", "vote_annotations"),
    ("reports", "flags"),
    ("report_decisions", "flag_decisions"),
    ("checks", "control_pairs"),
    ("sittings", "labeling_sessions"),
    ("sitting_states", "labeling_session_states"),
    ("sitting_bounds", "labeling_session_bounds"),
)
OTHER_NAMES = dict(RENAMES) | {name: former for former, name in RENAMES}
"""The name of a table before migration 10 by the one after it, and the other way round."""

RECORDS = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number         INTEGER PRIMARY KEY,
    name           VARCHAR NOT NULL,
    duckdb_version VARCHAR NOT NULL,
    applied        TIMESTAMP NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema, from a file such as 0001_initial.sql; never edited after release."""

    number: int
    name: str
    sql: str


def read_migrations(folder: Path = MIGRATIONS) -> list[Migration]:
    """Read the migrations of a folder, in the order of their numbers."""
    files = sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    return [
        Migration(int(file.stem[:4]), file.stem[5:], file.read_text(encoding="utf-8"))
        for file in files
    ]


def migrate(
    database: Database, migrations: list[Migration], before: Callable[[], None] = lambda: None
) -> None:
    """Apply the missing migrations; raises StudioNewer for a database that has a later one.

    `before` is called first if a database that is in use is about to change, to copy it.
    """
    applied = applied_numbers(database)
    known = {migration.number for migration in migrations}
    if unknown := applied - known:
        raise StudioNewer(
            f"This studio has schema {max(unknown)}, and this Palate knows up to "
            f"{max(known, default=0)}. Upgrade Palate, or choose another folder with --home."
        )

    # By what is missing, not by the highest number: two branches may each have brought one.
    missing = [migration for migration in migrations if migration.number not in applied]
    if missing and applied:
        before()
    for migration in missing:
        # DDL is transactional in DuckDB: a kill half way leaves the schema as it was.
        database.write(partial(apply, migration))


def applied_numbers(database: Database) -> set[int]:
    """Return the numbers of the migrations that were applied to a database."""
    database.write(lambda cursor: cursor.execute(RECORDS))
    return {number for (number,) in database.read("SELECT number FROM schema_migrations")}


def apply(migration: Migration, cursor: Cursor) -> None:
    """Apply one migration and record it, inside the caller's transaction."""
    cursor.execute(migration.sql)
    cursor.execute(
        "INSERT INTO schema_migrations VALUES (?, ?, ?, ?)",
        [migration.number, migration.name, duckdb.__version__, utc_now()],
    )
