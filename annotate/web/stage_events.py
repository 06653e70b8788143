"""Events of the labeling stage: sent one at a time, each with a key that makes repeats safe."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from annotate.errors import InvalidRequest
from annotate.labeling.new_acts import as_annotation, as_flag, as_ranking, as_vote
from annotate.views.labeling import CountsLeft, StageReply, UndoReply, VoteReply

if TYPE_CHECKING:
    from annotate.service.labeler_view import AnyStudio

Event = dict[str, Any]


class StageEvents:
    """Handlers for each kind of event; a reply repeats the event's key."""

    def __init__(self, studio: "AnyStudio") -> None:
        self._studio = studio
        self._handlers: dict[str, Callable[[Event, str, str], StageReply]] = {
            "vote": self._vote,
            "undo": self._undo,
            # Browsers may still hold unsent events of these kinds, so their names stay.
            "remark": self._annotate,
            "report": self._flag,
            "ranking": self._rank,
        }

    def take(self, event: object) -> StageReply:
        """Record an event; raises InvalidRequest or an error of the store."""
        kind, key = field(event, "kind", str), field(event, "key", str)
        if kind not in self._handlers:
            kinds = ", ".join(self._handlers)
            raise InvalidRequest(f"{kind!r} is no kind of event. Send one of {kinds}.")
        assert isinstance(event, dict)
        return self._handlers[kind](event, key, field(event, "annotator", str))

    def _vote(self, event: Event, key: str, annotator: str) -> VoteReply:
        pair_id, verdict = field(event, "pair_id", str), field(event, "verdict", str)
        vote = as_vote(pair_id, verdict, annotator, key, event.get("response_ms"))
        receipt = self._studio.vote(vote)
        hint = self._studio.insights.pace_hints.hint_after(vote)
        return {"pace_hint": hint, **reply_to(key, receipt)}

    def _undo(self, event: Event, key: str, annotator: str) -> UndoReply:
        undone = self._studio.undo(annotator, key)
        return {**undone, **reply_to(key, self._studio.stats())}

    def _annotate(self, event: Event, key: str, annotator: str) -> StageReply:
        names = ("remark", "name", "value")
        kind, name, value = (field(event, named, str) for named in names)
        of = field(event, "of", str)
        annotation = as_annotation(of, annotator, kind, name, value, key)
        self._studio.annotations.annotate(annotation)
        return reply_to(key, self._studio.stats())

    def _flag(self, event: Event, key: str, annotator: str) -> StageReply:
        pair_id, note = field(event, "pair_id", str), field(event, "note", str)
        self._studio.annotations.flag(as_flag(pair_id, annotator, note, key))
        return reply_to(key, self._studio.stats())

    def _rank(self, event: Event, key: str, annotator: str) -> StageReply:
        quad_id, best, worst = field(event, "pair_id", str), event.get("best"), event.get("worst")
        response_ms = event.get("response_ms")
        ranking = as_ranking(quad_id, best, worst, annotator, key, response_ms)
        self._studio.best_worst.rank(ranking)
        return reply_to(key, self._studio.stats())


def reply_to(key: str, counts: CountsLeft) -> StageReply:
    """Return the key of an event with the counts that the stage shows beside a pair."""
    return {"key": key, "votes": counts["votes"], "until_next_run": counts["until_next_run"]}


def field(request: object, name: str, kind: type) -> Any:
    """Return a field of a request; raises InvalidRequest if it is missing or of another type."""
    value = request.get(name) if isinstance(request, dict) else None
    # bool is a subclass of int, but true is no number.
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InvalidRequest(f"The request lacks {name!r}. Reload the page.")
    return value
