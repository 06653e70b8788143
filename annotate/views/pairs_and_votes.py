"""Labeling: pairs and quads that are handed out, what is answered to acts, and sessions."""

from typing import Generic, NotRequired, TypedDict, TypeVar

from annotate.views.pair_rendering import RenderingView


class PairView(TypedDict):
    """Two images of one prompt, to vote on."""

    pair_id: str
    prompt: str
    left_url: str
    """Address relative to the server's root, as every other one."""
    right_url: str
    question: NotRequired[str]
    """What a blind test asks about the pair, where that is not which image is better."""
    in_a_row: NotRequired[int]
    """How often in a row the annotator's winner has been kept; missing for any other pair."""


class QuadView(TypedDict):
    """Four images of one prompt, to rank."""

    pair_id: str
    """Id of the four images, under the name that a pair's has."""
    prompt: str
    urls: list[str]


ItemView = PairView | QuadView
AnyItemView = TypeVar("AnyItemView", PairView, QuadView)


class Wait(TypedDict):
    """Time until more is ready."""

    wait_s: float | None
    """Seconds until it is worth asking again; null where nothing need be waited for."""
    reason: str | None
    rendering: NotRequired[RenderingView]
    """How far the images are, where somebody waits for slow ones."""


class ItemsAhead(Wait, Generic[AnyItemView]):
    """Pairs or quads besides those that a page has, the open one first."""

    pairs: list[AnyItemView]
    passed_over: list[str]
    """Ids that the page sent and may drop."""


class Accepted(TypedDict):
    """An act that is on the disk."""

    accepted: bool
    """True always; what cannot be recorded is an error."""
    key: str


class CountsLeft(TypedDict):
    """Counts that the stage shows beside a pair."""

    votes: int
    """Votes of everybody."""
    until_next_run: int | None
    """Choices until the next run starts by itself; null where none does, or it is secret."""


class AcceptedVote(Accepted, CountsLeft):
    """A vote that is on the disk."""

    next: NotRequired[PairView]
    """With `keep_winner` the annotator's next pair, which shows the winner again; missing where it
    does not stay, or its new image is still to be rendered: then it comes as soon as it is."""


class TakenBack(TypedDict):
    """An act that was taken back."""

    kind: str
    """vote, ranking, report (a flag), or an annotation's kind: strength, reason or criterion."""
    key: str
    name: NotRequired[str]
    """The name of a reason or a criterion."""
    of: NotRequired[str]
    """The key of the vote that an annotation was about."""


class UndoFacts(TypedDict):
    """Act that an undo took back, and what follows."""

    undone: TakenBack
    opens: bool
    """Whether the pair, or the four images, may be voted on again."""
    note: str
    """What was taken back and what stays, as a sentence."""


class UndoView(UndoFacts):
    """An undo, with what it was about."""

    pair: ItemView


class UndoneOnPair(PairView, UndoFacts):
    """An undo, with the fields of the pair it was about."""


class UndoneOnQuad(QuadView, UndoFacts):
    """An undo, with the fields of the four images it was about."""


class StageReply(CountsLeft):
    """Answer to an event of the stage: its key, and the counts after it."""

    key: str


class VoteReply(StageReply):
    """Answer to a vote on the stage."""

    pace_hint: str | None
    """A sentence, if a pause would help now."""
    next: NotRequired[PairView]
    """The next pair, in which a winner was kept, if it is ready."""


class UndoReply(UndoView, StageReply):
    """Answer to an undo on the stage."""


class VoteCounts(TypedDict):
    """Votes of everybody on this model's pairs, by what a run makes of them."""

    choices: int
    """Left, right and rankings, which runs learn from."""
    ties: int
    skipped: int
    again: int | None
    """Votes on pairs that come again, or have a known answer, to see how sure votes are; null while
    a blind test is mixed in, and then counted with the others."""
    sentence: str


class LabelingStats(CountsLeft):
    """Counts of current votes, rankings among them."""

    decisive: int
    ties: int
    """Among them both good and both bad."""
    skipped: int
    counts: VoteCounts
    ready_pairs: int | None
    """Pairs that wait; null while a blind test is mixed in, whose pairs it would give away."""
    pairs_per_hour: int | None
    """Pairs that the device renders in an hour: measured, or expected before the first ones; null
    where nobody can tell, and while a blind test is mixed in."""
    rendering_speed: str
    """The same in a sentence; empty where it is null."""


class NoticedStats(LabelingStats):
    """Counts of current votes, with notices for admins."""

    notices: list[str]
    """Sentences on the state of the installation and the database."""


class SessionProgress(TypedDict):
    """A labeling session under way."""

    goal: int
    """Votes that the annotator wants to give."""
    given: int
    state: str
    """open, paused or ended."""


class SessionCounts(TypedDict):
    """Result of a labeling session; null where there are too few votes."""

    goal: int
    given: int
    kinds: dict[str, int]
    """Votes by verdict, the most frequent first; rankings count as one kind."""
    left_share: float | None
    """Share of left among left and right."""
    minutes: float
    """Time at work, without breaks."""
    per_minute: float | None
    median_ms: int | None


class OwnHabits(TypedDict):
    """Habits and likings that all votes of an annotator show."""

    same_twice: int
    """Repeats that got the same answer."""
    asked_twice: int
    liked: list[str]
    """What is chosen more often, in words."""


class SessionSummary(SessionCounts, OwnHabits):
    """Summary of a labeling session."""
