"""The rankings that a run may learn from, with the files of their pictures."""

from datetime import datetime

from storage.database import Database
from storage.snapshot_folder import SettledRanking

SETTLED = """
SELECT ranking_id, prompt, annotator, images, best, worst
FROM current_rankings JOIN quads USING (quad_id)
WHERE current_rankings.base = $base AND best IS NOT NULL
  AND current_rankings.created <= $before AND coalesce(annotator = $voter, $voter IS NULL)
ORDER BY ranking_id
"""

HASHES = "SELECT image_id, sha256 FROM images WHERE image_id IN (SELECT unnest(?::VARCHAR[]))"


def settled_rankings(
    database: Database, base: str, before: datetime, voter: str | None
) -> list[SettledRanking]:
    """Return a model's current rankings given before a time, one person's or everybody's."""
    rows = database.read(SETTLED, {"base": base, "before": before, "voter": voter})
    shown = sorted({image_id for row in rows for image_id in row[3]})
    hashes: dict[str, str] = dict(database.read(HASHES, [shown]))
    return [
        SettledRanking(
            ranking_id,
            prompt,
            annotator,
            tuple(hashes[image_id] for image_id in images),
            hashes[best],
            hashes[worst],
        )
        for ranking_id, prompt, annotator, images, best, worst in rows
    ]
