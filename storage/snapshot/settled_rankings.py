"""Settled rankings: those a run may train on, with the files of their images."""

from collections import Counter

from storage.database import Database
from storage.records import OtherVotes, Voters
from storage.settling import SETTLED as IS_SETTLED
from storage.settling import Horizon
from storage.snapshot.snapshot_folder import SettledRanking, origins_of
from storage.snapshot.sources import as_parameter, of_voters, rendered_with, sources

SETTLED = f"""
SELECT ranking_id, prompt, given.annotator, images, best, worst, coalesce(weight, 1.0),
       {rendered_with("image", "given.base")}, given.base, out.reason
FROM current_rankings AS given
JOIN quads USING (quad_id)
JOIN images AS image ON image.image_id = quads.images[1]
LEFT JOIN excluded_people AS out ON out.base = given.base AND out.person = given.annotator
LEFT JOIN current_weights AS w ON w.base = given.base AND w.annotator = given.annotator
WHERE list_contains($bases, given.base) AND best IS NOT NULL
  AND {IS_SETTLED.format(id="ranking_id", created="given.created")}
  AND {of_voters("given.annotator")}
ORDER BY ranking_id
"""

FILES = """
SELECT image_id, sha256, recipe ->> 'original', width, height
FROM images WHERE image_id IN (SELECT unnest(?::VARCHAR[]))
"""


def settled_rankings(
    database: Database, base: str, horizon: Horizon, voter: Voters, others: OtherVotes
) -> tuple[list[SettledRanking], Counter[str]]:
    """Return a model's settled current rankings, and the number excluded for each reason.

    Those of `others` come along. With `voter` they are some annotators'.
    """
    parameters = {**sources(base, others), "voter": as_parameter(voter), **horizon.bounds()}
    rows = database.read(SETTLED, parameters)
    shown = sorted({image_id for row in rows for image_id in row[3]})
    files = {image_id: file for image_id, *file in database.read(FILES, [shown])}
    hashes: dict[str, str] = {image_id: sha256 for image_id, (sha256, *_) in files.items()}

    rankings = [
        SettledRanking(
            ranking_id,
            prompt,
            annotator,
            tuple(hashes[image_id] for image_id in images),
            hashes[best],
            hashes[worst],
            *(weight, prefix, suffix, of_model),
            origins=origins_of([tuple(files[image_id][1:]) for image_id in images]),
        )
        for ranking_id, prompt, annotator, images, best, worst, *rest, why in rows
        for weight, prefix, suffix, of_model in [rest]
        if why is None
    ]
    return rankings, Counter(why for *_, why in rows if why is not None)
