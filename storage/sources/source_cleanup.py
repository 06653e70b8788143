"""Clean-up of sources: rows and files of those that were removed, or that never became whole.

It goes in steps that may be done twice, so that a kill between any two of them is made good by the
next opening: files before the rows that name them, and a source's own row last of all.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import partial

from storage.database import Cursor, Database
from storage.file_sizes import remove
from storage.studio_folder import StudioFolder

IMAGES_AT_A_TIME = 2_000
ROWS_AT_A_TIME = 200_000

GONE = """
SELECT source_id, count(source_change_id) FILTER (source_changes.kind = 'removed') > 0 AS removed
FROM sources LEFT JOIN source_changes USING (source_id)
WHERE source_id NOT IN (SELECT source_id FROM current_sources)
GROUP BY source_id ORDER BY source_id
"""
LEFT = """
SELECT EXISTS (FROM source_votes WHERE source_id = $id)
    OR EXISTS (FROM source_images WHERE source_id = $id)
"""
# Files that images of the studio or of another source are in as well stay.
UNSHARED = """
SELECT sha256 || suffix FROM source_images AS mine
WHERE source_id = $id AND file IS NULL AND image >= $start AND image < $end
  AND NOT EXISTS (
    FROM source_images AS theirs WHERE theirs.sha256 = mine.sha256
      AND theirs.source_id <> $id AND theirs.file IS NULL
  )
  AND NOT (suffix = '.png' AND EXISTS (FROM images WHERE images.sha256 = mine.sha256))
"""
LAST_IMAGE = "SELECT max(image) FROM source_images WHERE source_id = ?"
WINDOWS = "SELECT DISTINCT file, row // $rows FROM source_votes WHERE source_id = $id ORDER BY ALL"


def sweep_sources(database: Database, folder: StudioFolder) -> None:
    """Finish what a kill interrupted: imports that are not whole, and removals."""
    for source_id, removed in database.read(GONE):
        if not removed or database.read(LEFT, {"id": source_id})[0][0]:
            clear_source(database, folder, source_id, keep_record=removed)
        else:
            shutil.rmtree(folder.sources / str(source_id), ignore_errors=True)


def clear_source(
    database: Database, folder: StudioFolder, source_id: int, keep_record: bool
) -> None:
    """Remove the files and rows of a source; with `keep_record`, that it was there stays known."""
    clear_images(database, folder, source_id)
    clear_votes(database, source_id)
    shutil.rmtree(folder.sources / str(source_id), ignore_errors=True)
    if not keep_record:
        database.write(lambda cursor: forget(cursor, source_id))


def clear_images(database: Database, folder: StudioFolder, source_id: int) -> None:
    """Remove the image files that nothing else names, then their rows, some at a time."""
    last = database.read(LAST_IMAGE, [source_id])[0][0]
    for start in range(0, 0 if last is None else last + 1, IMAGES_AT_A_TIME):
        window = {"id": source_id, "start": start, "end": start + IMAGES_AT_A_TIME}

        def clear(cursor: Cursor, window: dict[str, int] = window) -> None:
            # Inside the transaction: while it is open, no import can record an image anew whose
            # file it then finds. A file that is gone already may be removed again.
            names = [name for (name,) in cursor.execute(UNSHARED, window).fetchall()]
            remove(folder.image_file(name) for name in names)
            cursor.execute(
                "DELETE FROM source_images WHERE source_id = $id AND image >= $start "
                "AND image < $end",
                window,
            )

        database.write(clear)


def clear_votes(database: Database, source_id: int) -> None:
    """Delete the votes of a source, some at a time, so that nobody's vote waits for it."""
    rows = ROWS_AT_A_TIME
    for file, number in database.read(WINDOWS, {"rows": rows, "id": source_id}):
        window = [source_id, file, rows * number, rows * (number + 1)]
        database.write(partial(delete_votes, window=window))


def delete_votes(cursor: Cursor, window: Sequence[int]) -> None:
    """Delete the votes of a source and a file, from a row on and up to another one."""
    cursor.execute(
        "DELETE FROM source_votes WHERE source_id = ? AND file = ? AND row >= ? AND row < ?", window
    )


def forget(cursor: Cursor, source_id: int) -> None:
    """Delete the record of a source."""
    cursor.execute("DELETE FROM source_changes WHERE source_id = ?", [source_id])
    cursor.execute("DELETE FROM sources WHERE source_id = ?", [source_id])
