"""Orphan images: in no pair, vote, snapshot or comparison."""

from dataclasses import dataclass
from datetime import datetime

from storage.database import Cursor

# Any text of any other table may name an image, by its id, its hash or its recipe key. All columns
# are searched, so that a table that comes later is covered without a change here.
TEXTS = """
SELECT duckdb_columns.table_name, column_name
FROM duckdb_columns() JOIN duckdb_tables() USING (database_name, schema_name, table_name)
-- Of this studio alone: another one's database may be attached to merge it.
WHERE NOT duckdb_columns.internal AND database_name = current_database()
  -- Votes of sources are a million texts, and name their images by number: see source_images.
  AND duckdb_columns.table_name NOT IN ('images', 'source_votes')
  AND data_type IN ('VARCHAR', 'JSON', 'VARCHAR[]')
"""
NAMED = """
SELECT unnest(regexp_extract_all("{column}"::VARCHAR, '[0-9a-f]{{16,64}}')) AS name FROM "{table}"
"""
ORPHANS = """
WITH named AS ({named})
SELECT image_id, sha256 FROM images
WHERE created < $before
  AND image_id NOT IN (SELECT name FROM named)
  AND sha256 NOT IN (SELECT name FROM named)
  AND recipe_key NOT IN (SELECT name FROM named)
"""


@dataclass(frozen=True, slots=True)
class OrphanImages:
    """The ids of orphan images, and the hashes of files that no other row names."""

    ids: list[str]
    hashes: set[str]


def find_orphans(cursor: Cursor, before: datetime) -> OrphanImages:
    """Find the images rendered before a time that nothing names."""
    texts = cursor.execute(TEXTS).fetchall()
    named = " UNION ".join(NAMED.format(table=table, column=column) for table, column in texts)
    rows = cursor.execute(ORPHANS.format(named=named), {"before": before}).fetchall()
    ids = [row[0] for row in rows]
    # Two recipes may have given the same bytes: a file goes only with the last row that names it.
    shared = cursor.execute(
        "SELECT sha256 FROM images WHERE image_id NOT IN (SELECT unnest(?::VARCHAR[]))", [ids]
    ).fetchall()
    return OrphanImages(ids, {row[1] for row in rows} - {row[0] for row in shared})


def forget_orphans(cursor: Cursor, before: datetime) -> OrphanImages:
    """Delete the rows of orphans, so that an image that is rendered again is stored anew.

    Besides those of a source that is removed, no other row of a studio is ever deleted.
    """
    orphans = find_orphans(cursor, before)
    cursor.execute(
        "DELETE FROM images WHERE image_id IN (SELECT unnest(?::VARCHAR[]))", [orphans.ids]
    )
    return orphans
