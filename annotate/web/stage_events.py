"""Events of the labeling stage: sent one at a time, each with a key that makes repeats safe."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from annotate.errors import InvalidRequest
from annotate.validation import as_response_ms

if TYPE_CHECKING:
    from annotate.service.labeler_view import AnyStudio

Event = dict[str, Any]
Reply = dict[str, Any]


class StageEvents:
    """Handlers for each kind of event; a reply repeats the event's key."""

    def __init__(self, studio: "AnyStudio") -> None:
        self._studio = studio
        self._handlers: dict[str, Callable[[Event, str], Reply]] = {
            "vote": self._vote,
            "undo": self._undo,
            # Browsers may still hold unsent events of these kinds, so their names stay.
            "remark": self._annotate,
            "report": self._flag,
            "ranking": self._rank,
        }

    def take(self, event: object) -> Reply:
        """Record an event; raises InvalidRequest or an error of the store."""
        kind, key = field(event, "kind", str), field(event, "key", str)
        if kind not in self._handlers:
            kinds = ", ".join(self._handlers)
            raise InvalidRequest(f"{kind!r} is no kind of event. Send one of {kinds}.")
        assert isinstance(event, dict)
        return {"key": key, **self._handlers[kind](event, field(event, "annotator", str))}

    def _vote(self, event: Event, annotator: str) -> Reply:
        receipt = self._studio.vote(
            field(event, "pair_id", str),
            field(event, "verdict", str),
            annotator,
            event["key"],
            event.get("response_ms"),
        )
        response_ms = as_response_ms(event.get("response_ms"))
        hint = self._studio.insights.pace_hints.hint_after(annotator, event["verdict"], response_ms)
        return {"pace_hint": hint, **counted(receipt)}

    def _undo(self, event: Event, annotator: str) -> Reply:
        return {**self._studio.take_back(annotator, event["key"]), **counted(self._studio.stats())}

    def _annotate(self, event: Event, annotator: str) -> Reply:
        names = ("remark", "name", "value")
        kind, name, value = (field(event, key, str) for key in names)
        of = field(event, "of", str)
        self._studio.annotations.remark(of, annotator, kind, name, value, event["key"])
        return counted(self._studio.stats())

    def _flag(self, event: Event, annotator: str) -> Reply:
        pair_id = field(event, "pair_id", str)
        self._studio.annotations.flag(pair_id, annotator, field(event, "note", str), event["key"])
        return counted(self._studio.stats())

    def _rank(self, event: Event, annotator: str) -> Reply:
        quad_id, best, worst = field(event, "pair_id", str), event.get("best"), event.get("worst")
        response_ms = event.get("response_ms")
        self._studio.best_worst.rank(quad_id, best, worst, annotator, event["key"], response_ms)
        return counted(self._studio.stats())


def counted(counts: Reply) -> Reply:
    """Return the counts that the stage shows beside a pair."""
    return {name: counts[name] for name in ("votes", "until_next_run")}


def field(request: object, name: str, kind: type) -> Any:
    """Return a field of a request; raises InvalidRequest if it is missing or of another type."""
    value = request.get(name) if isinstance(request, dict) else None
    # bool is a subclass of int, but true is no number.
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InvalidRequest(f"The request lacks {name!r}. Reload the page.")
    return value
