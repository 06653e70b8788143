"""Columns of the tables that hold all that is known of a vote."""

from collections.abc import Callable
from typing import Any

from storage.exports.exported_votes import TIE, ExportedImage, ExportedVote
from storage.exports.forms.form import time_text

Place = Callable[[ExportedImage], str]
"""Gives the path of an image in the export."""

COLUMNS = (
    *("id", "pair_id", "kind", "verdict", "prompt", "rendered_prompt", "image_0", "image_1"),
    *("more_images", "ranks", "share", "strength", "reasons", "criteria", "annotator", "weight"),
    *("created_at", "response_ms", "source", "base", "version", "in_a_row", "kept_from"),
    *("kept_by", "selection_rule", "propensity", "asked_as", "flagged", "excluded_vote"),
    *("excluded_annotator", "weight_reason", "image_ids", "versions", "sizes", "recipes"),
    *("details",),
)
"""In the order of a table."""


def row_of(vote: ExportedVote, place: Place) -> dict[str, Any]:
    """Return a vote as a row: values that JSON can hold, by column."""
    first, second, *more = [place(image) for image in vote.images]
    uids = [image.uid for image in vote.images]
    return {
        "id": vote.key,
        "pair_id": vote.item_id,
        "kind": vote.kind,
        # Of more than two images neither left nor right can be said.
        "verdict": "ranking" if more else vote.verdict,
        "prompt": vote.prompt,
        "rendered_prompt": vote.caption,
        "image_0": first,
        "image_1": second,
        "more_images": more,
        "ranks": list(vote.ranks),
        "share": vote.share,
        "strength": vote.strength,
        "reasons": list(vote.reasons),
        "criteria": {
            name: TIE if value == TIE else str(uids.index(value)) for name, value in vote.criteria
        },
        "annotator": vote.annotator,
        "weight": vote.weight,
        "created_at": time_text(vote.created),
        "response_ms": vote.response_ms,
        "source": vote.source,
        "base": vote.base,
        "version": vote.version,
        "in_a_row": vote.kept.in_a_row if vote.kept else 0,
        "kept_from": vote.kept.pair_id if vote.kept else "",
        "kept_by": vote.kept.annotator if vote.kept else "",
        "selection_rule": vote.selection[0] if vote.selection else None,
        "propensity": vote.selection[1] if vote.selection else None,
        "asked_as": vote.asked_as,
        "flagged": vote.flagged,
        "excluded_vote": vote.excluded_vote,
        "excluded_annotator": vote.excluded_annotator,
        "weight_reason": vote.weight_reason,
        "image_ids": uids,
        "versions": [image.version for image in vote.images],
        "sizes": [[image.width, image.height] for image in vote.images],
        "recipes": [image.known for image in vote.images],
        "details": dict(vote.details),
    }
