"""Payloads of the page's scripts: read once, into values with types.

A browser may hold unsent events of an older page, so names and kinds stay as they were.
"""

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, ValidationError

from annotate.errors import InvalidRequest

Text = InstanceOf[str]
"""A text as it was sent; pydantic's own check would refuse half of a surrogate pair."""
PayloadT = TypeVar("PayloadT", bound="Payload")


class Payload(BaseModel):
    """Base of the payloads: nothing is converted, and unknown keys are ignored."""

    model_config = ConfigDict(strict=True, frozen=True)


def read(model: type[PayloadT], sent: object) -> PayloadT:
    """Read a payload; raises InvalidRequest if a field is missing or of another type."""
    try:
        return model.model_validate(sent)
    except ValidationError as error:
        place = error.errors(include_url=False, include_input=False)[0]["loc"]
        if len(place) > 1:
            raise InvalidRequest(f"{place[0]!r} must be a list of pair ids.") from None
        # Where no object was sent at all, the first field that it needs is missing.
        needed = (name for name, field in model.model_fields.items() if field.is_required())
        name = place[0] if place else next(needed)
        raise InvalidRequest(f"The request lacks {name!r}. Reload the page.") from None


class ByAnnotator(Payload):
    """A request on behalf of an annotator."""

    annotator: Text


class OwnVotesRequest(ByAnnotator):
    """A request for an annotator's own votes."""

    before: int
    """The `before` of the answer before; 0 for the newest."""
    verdict: Text
    prompt: Text


class ChangeVoteRequest(ByAnnotator):
    """A request to give one's own vote another verdict."""

    vote_key: Text
    verdict: Text
    """Empty to take the vote back."""
    key: Text


class OfTrial(Payload):
    """A request that may be about one blind test."""

    trial: Any = None

    @property
    def blind_test(self) -> str:
        """Id of the blind test; empty for none."""
        return self.trial if isinstance(self.trial, str) else ""


class PairsRequest(OfTrial):
    """A request for pairs to label, or for sets of four images."""

    have: list[Text]
    """Ids of the pairs that the page holds."""
    want: int
    annotator: Text
    four: Any = None
    """True asks for sets of four images."""
    keep: Any = None
    """Whether the annotator keeps winners."""


class AskedPromptRequest(OfTrial):
    """A request for more pairs of a prompt, or for what was rendered of those asked for."""

    action: Text
    """more, queue or arrived."""
    annotator: Text
    pair_id: Text = ""
    """The pair, or set of four, whose prompt should come again."""
    prompt: Text = ""
    """A prompt that was typed."""
    four: Any = None
    """True asks for a set of four images."""


class PromptsRequest(Payload):
    """What the list of prompts asks for: a page of it, after a change of some."""

    search: Text = ""
    page: int = 1
    removed: bool = False
    """Whether removed prompts are listed."""
    annotator: Text = ""
    """Who changes some, where people sign in."""
    change: dict[str, Any] | None = None
    """An `action` (add, remove, restore, weight, edit, list or labelers), the numbers of `prompts`,
    and a `value`."""


class StatusRequest(OfTrial):
    """A request for what the stage shows beside a pair."""

    annotator: Text


class SessionRequest(ByAnnotator):
    """A request to change or sum up a labeling session."""

    action: Text


class SessionGoal(Payload):
    """The goal of a session that begins."""

    goal: int


class Event(Payload):
    """An act of an annotator; a reply repeats its key, which makes sending it again safe."""

    kind: Text
    key: Text


class UndoEvent(Event):
    """Takes back the annotator's newest act."""

    annotator: Text


class VoteEvent(Event):
    """A verdict on a pair."""

    annotator: Text
    pair_id: Text
    verdict: Text
    response_ms: Any = None
    keep: Any = None
    """True to see the better image again, beside a new one."""


class AnnotationEvent(Event):
    """A strength, a reason or a criterion, added to a vote."""

    annotator: Text
    remark: Text
    """The kind of annotation."""
    name: Text
    value: Text
    of: Text
    """The key of the vote."""


class FlagEvent(Event):
    """A flag on a pair, which hides it."""

    annotator: Text
    pair_id: Text
    note: Text


class RankingEvent(Event):
    """The best and the worst of four images, each by its place from 0 to 3."""

    annotator: Text
    pair_id: Text
    """The id of the set of four."""
    best: Any = None
    worst: Any = None
    response_ms: Any = None


AnyEvent = VoteEvent | UndoEvent | AnnotationEvent | FlagEvent | RankingEvent


EVENTS: dict[str, type[AnyEvent]] = {
    "vote": VoteEvent,
    "undo": UndoEvent,
    # Browsers may still hold unsent events of these kinds, so their names stay.
    "remark": AnnotationEvent,
    "report": FlagEvent,
    "ranking": RankingEvent,
}


def read_event(sent: object) -> AnyEvent:
    """Read an event of a known kind; raises InvalidRequest."""
    kind = read(Event, sent).kind
    if kind not in EVENTS:
        raise InvalidRequest(f"{kind!r} is no kind of event. Send one of {', '.join(EVENTS)}.")
    return read(EVENTS[kind], sent)


class DataRequest(Payload):
    """What the section Data in Settings does: look, or an action with what it needs."""

    action: Text
    value: dict[str, Any] = Field(default_factory=dict)
    annotator: Text = ""
    """Who does it, where people sign in."""


class ChangeRequest(Payload):
    """A question for the newest change."""

    shown: Text
    """What tells the card that the page has from others; empty for none."""


class ChangeAct(Payload):
    """A button of the card of a change."""

    run: Text
    action: Text
    """use, keep, train_on or stronger."""


class LongRunAnswer(ByAnnotator):
    """An answer on a run that is due and takes long."""

    answer: Text
    """now, tonight or not_yet."""
