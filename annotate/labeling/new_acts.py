"""Acts as requests and events send them: checked and made into records once, where they arrive."""

from annotate.errors import InvalidRequest
from annotate.validation import as_annotator, as_response_ms, as_text
from storage.acts import NewAnnotation, NewFlag, NewRanking, NewVote


def as_vote(
    pair_id: object, verdict: object, annotator: object, key: object, response_ms: object = None
) -> NewVote:
    """Return a vote; raises InvalidRequest, InvalidVerdict, InvalidAnnotator or InvalidKey."""
    return NewVote.parse(
        as_text(pair_id, "The pair_id"),
        as_text(verdict, "The verdict"),
        as_annotator(annotator),
        as_text(key, "The key"),
        as_response_ms(response_ms),
    )


def as_ranking(
    quad_id: object,
    best: object,
    worst: object,
    annotator: object,
    key: object,
    response_ms: object = None,
) -> NewRanking:
    """Return a ranking of four images; raises InvalidRequest, InvalidRanking or InvalidKey."""
    return NewRanking(
        as_text(quad_id, "The quad_id"),
        as_place(best),
        as_place(worst),
        as_annotator(annotator),
        as_text(key, "The key"),
        as_response_ms(response_ms),
    )


def as_annotation(
    vote_key: object, annotator: object, kind: object, name: object, value: object, key: object
) -> NewAnnotation:
    """Return an annotation of a vote; raises InvalidRequest, InvalidAnnotation or InvalidKey."""
    return NewAnnotation(
        as_text(vote_key, "The key of the vote"),
        as_annotator(annotator),
        as_text(kind, "The kind"),
        as_text(name, "The name"),
        as_text(value, "The value"),
        as_text(key, "The key"),
    )


def as_flag(pair_id: object, annotator: object, note: object, key: object) -> NewFlag:
    """Return a flag on a pair; raises InvalidRequest, InvalidFlag or InvalidKey."""
    return NewFlag(
        as_text(pair_id, "The pair_id"),
        as_annotator(annotator),
        as_text(note, "The note"),
        as_text(key, "The key"),
    )


def as_place(place: object) -> int | None:
    """Return the place of one of four images, a whole number, or None in a skip."""
    if place is None or (isinstance(place, int) and not isinstance(place, bool)):
        return place
    raise InvalidRequest(f"A place is a number from 0 to 3, not {place!r}.")
