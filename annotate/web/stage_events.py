"""Events of the labeling stage: sent one at a time, each with a key that makes repeats safe."""

from typing import TYPE_CHECKING

from annotate.labeling.new_acts import as_annotation, as_flag, as_ranking, as_vote
from annotate.views.pairs_and_votes import CountsLeft, StageReply, UndoReply, VoteReply
from annotate.web.payloads import (
    AnnotationEvent,
    FlagEvent,
    RankingEvent,
    UndoEvent,
    VoteEvent,
    read_event,
)

if TYPE_CHECKING:
    from annotate.service.labeler_view import AnyStudio


class StageEvents:
    """Recorder of the events of a studio's stages; a reply repeats the event's key."""

    def __init__(self, studio: "AnyStudio") -> None:
        self._studio = studio

    def take(self, sent: object) -> StageReply:
        """Record an event; raises InvalidRequest or an error of the store."""
        event = read_event(sent)
        match event:
            case VoteEvent():
                return self._vote(event)
            case UndoEvent():
                return self._undo(event)
            case AnnotationEvent():
                return self._annotate(event)
            case FlagEvent():
                return self._flag(event)
            case RankingEvent():
                return self._rank(event)

    def _vote(self, event: VoteEvent) -> VoteReply:
        vote = as_vote(event.pair_id, event.verdict, event.annotator, event.key, event.response_ms)
        accepted = self._studio.vote(vote, event.keep is True)
        hint = self._studio.insights.pace_hints.hint_after(vote)
        votes, until = accepted["votes"], accepted["until_next_run"]
        reply: VoteReply = {
            "key": event.key,
            "votes": votes,
            "until_next_run": until,
            "pace_hint": hint,
        }
        if "next" in accepted:
            reply["next"] = accepted["next"]
        return reply

    def _undo(self, event: UndoEvent) -> UndoReply:
        undone = self._studio.undo(event.annotator, event.key)
        return {**undone, **reply_to(event.key, self._studio.stats())}

    def _annotate(self, event: AnnotationEvent) -> StageReply:
        annotation = as_annotation(
            event.of, event.annotator, event.remark, event.name, event.value, event.key
        )
        self._studio.annotations.annotate(annotation)
        return reply_to(event.key, self._studio.stats())

    def _flag(self, event: FlagEvent) -> StageReply:
        flag = as_flag(event.pair_id, event.annotator, event.note, event.key)
        self._studio.annotations.flag(flag)
        return reply_to(event.key, self._studio.stats())

    def _rank(self, event: RankingEvent) -> StageReply:
        ranking = as_ranking(
            event.pair_id, event.best, event.worst, event.annotator, event.key, event.response_ms
        )
        self._studio.best_worst.rank(ranking)
        return reply_to(event.key, self._studio.stats())


def reply_to(key: str, counts: CountsLeft) -> StageReply:
    """Return the key of an event with the counts that the stage shows beside a pair."""
    return {"key": key, "votes": counts["votes"], "until_next_run": counts["until_next_run"]}
