"""Rankings of a studio, read from its database a batch at a time."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from storage.database import Cursor
from storage.exports.exported_votes import (
    ExportChoice,
    ExportedImage,
    ExportedVote,
    without_folders,
)
from storage.exports.vote_rows import BATCH, ids_of, images_of, parameters_of
from storage.snapshot.sources import of_voters
from storage.studio_folder import StudioFolder

WANTED = f"""
SELECT ranking_id FROM current_rankings AS given
WHERE ($bases IS NULL OR list_contains($bases::VARCHAR[], given.base))
  AND {of_voters("given.annotator")}
  AND ($skips OR best IS NOT NULL)
  AND ($excluded OR NOT EXISTS (
    SELECT 1 FROM excluded_people AS out
    WHERE out.base = given.base AND out.person = given.annotator
  ))
ORDER BY ranking_id
"""

RANKINGS = """
SELECT ranking_id, quad_id, prompt, given.annotator, response_ms, given.created, given.base,
       version, coalesce(weight, 1.0), out.reason,
       current_weights.reason, best, worst, images
FROM rankings AS given
JOIN quads USING (quad_id)
LEFT JOIN excluded_people AS out ON out.base = given.base AND out.person = given.annotator
LEFT JOIN current_weights ON current_weights.base = given.base
    AND current_weights.annotator = given.annotator
WHERE ranking_id BETWEEN $first AND $last
  AND ranking_id IN (SELECT unnest($ids::BIGINT[]))
ORDER BY ranking_id
"""


def wanted_rankings(cursor: Cursor, choice: ExportChoice) -> Sequence[int]:
    """Return the ids of the rankings that an export takes, in their order, 8 bytes each."""
    asked = parameters_of(choice)
    # No quad is a test.
    del asked["tests"]
    return ids_of(cursor.execute(WANTED, asked))


def rankings_of(
    cursor: Cursor, folder: StudioFolder, ids: Sequence[int], choice: ExportChoice, number: int
) -> Iterator[ExportedVote]:
    """Yield the rankings with these ids, numbered from `number`, a batch in memory at a time."""
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        asked = {"first": batch[0], "last": batch[-1], "ids": list(batch)}
        rows = cursor.execute(RANKINGS, asked).fetchall()
        images = images_of(cursor, folder, {image for row in rows for image in row[-1]})
        for place, row in enumerate(rows, start=number + start):
            yield ranking_of(place, row, images, choice)


def ranking_of(
    number: int, row: Sequence[Any], images: Mapping[str, ExportedImage], choice: ExportChoice
) -> ExportedVote:
    """Return the ranking of a row of RANKINGS: rank 0 for the best image, 2 for the worst."""
    ranking_id, quad_id, prompt, annotator, response_ms, created, base, version, *rest = row
    weight, reason, weight_reason, best, worst, shown = rest
    ranks = {best: 0, worst: 2}
    return ExportedVote(
        *(f"r{ranking_id}", number, quad_id, "ranking" if best else "skip", prompt),
        tuple(images[image] for image in shown),
        tuple(ranks.get(image, 1) for image in shown) if best else (),
        *(choice.name_of(annotator), created, without_folders(base), version),
        weight=weight,
        weight_reason=(weight_reason or "") if choice.notes else "",
        response_ms=response_ms,
        excluded_annotator=choice.note_of(reason),
    )
