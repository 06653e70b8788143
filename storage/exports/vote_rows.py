"""Votes of a studio, read from its database a batch at a time."""

import json
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from storage.database import Cursor
from storage.exports.exported_votes import (
    ExportChoice,
    ExportedImage,
    ExportedVote,
    Kept,
    without_folders,
)
from storage.layouts.foreign_votes import ForeignKind, ImagePlace
from storage.records import Verdict
from storage.snapshot.sources import as_parameter, of_voters
from storage.studio_folder import StudioFolder

BATCH = 1_000
"""Votes that are in memory at once."""

KINDS: dict[str, ForeignKind] = {
    Verdict.LEFT: "preference",
    Verdict.RIGHT: "preference",
    Verdict.TIE: "tie",
    Verdict.BOTH_GOOD: "both_good",
    Verdict.BOTH_BAD: "both_bad",
    Verdict.SKIP: "skip",
}
RANKS: dict[str, tuple[int, ...]] = {Verdict.LEFT: (0, 1), Verdict.RIGHT: (1, 0)}
"""Ranks of the left and the right image, the lower for the better."""

WANTED = f"""
SELECT vote_id FROM current_votes AS given
WHERE ($bases IS NULL OR list_contains($bases::VARCHAR[], given.base))
  AND {of_voters("given.annotator")}
  AND ($skips OR verdict <> 'skip')
  AND ($tests OR pair_id NOT IN (
    SELECT pair_id FROM trial_pairs UNION ALL SELECT pair_id FROM control_pairs
  ))
  AND ($excluded OR (
    vote_id NOT IN (SELECT vote_id FROM excluded_votes)
    AND pair_id NOT IN (SELECT pair_id FROM hidden_pairs)
  ))
ORDER BY vote_id
"""

VOTES = """
SELECT given.vote_id, pair_id, pairs.prompt, given.annotator, verdict, response_ms, given.created,
       given.base, pairs.version, coalesce(in_a_row, 0), coalesce(weight, 1.0), question,
       control_pairs.kind, left_out.reason, out.reason, current_weights.reason,
       hidden_pairs.pair_id IS NOT NULL, kept_pairs.of_pair, kept_pairs.annotator,
       policy, propensity, pairs.left_image, pairs.right_image
FROM votes AS given
JOIN pairs USING (pair_id)
LEFT JOIN kept_pairs USING (pair_id)
LEFT JOIN current_weights ON current_weights.base = given.base
    AND current_weights.annotator = given.annotator
LEFT JOIN trial_pairs USING (pair_id)
LEFT JOIN control_pairs USING (pair_id)
LEFT JOIN hidden_pairs USING (pair_id)
LEFT JOIN excluded_people AS out ON out.base = given.base AND out.person = given.annotator
LEFT JOIN (
    SELECT vote_id, arg_min(reason, exclusion_id) AS reason FROM exclusions
    WHERE exclusion_id NOT IN (SELECT exclusion_id FROM exclusion_lifts)
    GROUP BY vote_id
) AS left_out USING (vote_id)
LEFT JOIN pair_selection USING (vote_id)
WHERE given.vote_id BETWEEN $first AND $last
  AND given.vote_id IN (SELECT unnest($ids::BIGINT[]))
ORDER BY given.vote_id
"""

ANNOTATIONS = """
SELECT vote_id, kind, name, value FROM current_annotations
WHERE vote_id BETWEEN $first AND $last ORDER BY vote_id, kind, name
"""

IMAGES = """
SELECT image_id, sha256, width, height, recipe, version
FROM images WHERE image_id IN (SELECT unnest(?::VARCHAR[]))
"""


@dataclass
class Annotations:
    """What an annotator told of a vote after it."""

    strength: int = 1
    reasons: list[str] = field(default_factory=list)
    criteria: list[tuple[str, str]] = field(default_factory=list)


def wanted_votes(cursor: Cursor, choice: ExportChoice) -> Sequence[int]:
    """Return the ids of the votes that an export takes, in their order, 8 bytes each."""
    return ids_of(cursor.execute(WANTED, parameters_of(choice)))


def ids_of(found: Cursor) -> Sequence[int]:
    """Return the one column of a query that is under way."""
    ids = array("q")
    while rows := found.fetchmany(10_000):
        ids.extend(number for (number,) in rows)
    return ids


def parameters_of(choice: ExportChoice) -> dict[str, object]:
    """Return the parameters of a query for votes or rankings."""
    return {
        "bases": None if choice.bases is None else list(choice.bases),
        "voter": as_parameter(choice.voters),
        "skips": choice.skips,
        "tests": choice.tests,
        "excluded": choice.excluded,
    }


def votes_of(
    cursor: Cursor, folder: StudioFolder, ids: Sequence[int], choice: ExportChoice, number: int
) -> Iterator[ExportedVote]:
    """Yield the votes with these ids, numbered from `number`, a batch in memory at a time."""
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        bounds = {"first": batch[0], "last": batch[-1]}
        rows = cursor.execute(VOTES, bounds | {"ids": list(batch)}).fetchall()
        told = annotations_of(cursor, bounds)
        images = images_of(cursor, folder, {image for row in rows for image in row[-2:]})
        for place, row in enumerate(rows, start=number + start):
            yield vote_of(place, row, told.get(row[0], Annotations()), images, choice)


def annotations_of(cursor: Cursor, bounds: Mapping[str, object]) -> dict[int, Annotations]:
    """Return the annotations of a range of votes."""
    told: defaultdict[int, Annotations] = defaultdict(Annotations)
    for vote_id, kind, name, value in cursor.execute(ANNOTATIONS, bounds).fetchall():
        if kind == "strength":
            told[vote_id].strength = int(value)
        elif kind == "reason":
            told[vote_id].reasons.append(name)
        else:
            told[vote_id].criteria.append((name, value))
    return told


def images_of(
    cursor: Cursor, folder: StudioFolder, image_ids: set[str]
) -> dict[str, ExportedImage]:
    """Return the images with these ids."""
    found = {}
    for image_id, sha256, width, height, recipe, version in cursor.execute(
        IMAGES, [sorted(image_ids)]
    ).fetchall():
        known = json.loads(recipe)
        if "base" in known and known["base"] != without_folders(known["base"]):
            recipe = json.dumps(known | {"base": without_folders(known["base"])})
        found[image_id] = ExportedImage(
            *(image_id, sha256, ".png", width, height),
            *(ImagePlace(folder.image(sha256)), version, recipe),
        )
    return found


def vote_of(
    number: int,
    row: Sequence[Any],
    told: Annotations,
    images: Mapping[str, ExportedImage],
    choice: ExportChoice,
) -> ExportedVote:
    """Return the vote of a row of VOTES."""
    vote_id, pair_id, prompt, annotator, verdict, response_ms, created, base, version, *rest = row
    in_a_row, weight, question, control, excluded, excluded_annotator, *rest = rest
    weight_reason, hidden, of_pair, kept_by, rule, propensity, left, right = rest
    return ExportedVote(
        *(f"v{vote_id}", number, pair_id, KINDS[verdict], prompt),
        *((images[left], images[right]), RANKS.get(verdict, ())),
        *(choice.name_of(annotator), created, without_folders(base), version),
        strength=told.strength,
        reasons=tuple(told.reasons),
        criteria=tuple(told.criteria),
        weight=weight,
        weight_reason=(weight_reason or "") if choice.notes else "",
        kept=Kept(of_pair, choice.name_of(kept_by), in_a_row) if of_pair else None,
        response_ms=response_ms,
        selection=(rule, propensity) if rule is not None else None,
        asked_as=control or question or "",
        flagged=hidden,
        excluded_vote=choice.note_of(excluded),
        excluded_annotator=choice.note_of(excluded_annotator),
    )
