"""Acts: what annotators give, as frozen records: votes, rankings, flags and annotations.

A record is made where an event or a request is read, and handed down as it is until it is a row.
Whoever holds one knows that its annotator, its key and its values make sense on their own; whether
its pair exists, and whether it was voted on already, is known to the store alone.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self

from storage.errors import (
    InvalidAnnotation,
    InvalidAnnotator,
    InvalidFlag,
    InvalidKey,
    InvalidRanking,
    InvalidVerdict,
)
from storage.records import QUAD_SIZE, Quad, Verdict
from storage.text import has_controls

LONGEST_NAME = 64
"""Characters of an annotator's name, and of the name of a reason or a criterion."""
LONGEST_KEY = 200
"""Characters of an idempotency key."""
LONGEST_NOTE = 500
"""Characters of the note of a flag."""
STRENGTH, REASON, CRITERION = "strength", "reason", "criterion"
VALUES = {
    STRENGTH: ("", "2"),
    REASON: ("", "on"),
    CRITERION: ("", "left", "right", "tie"),
}
"""The values of each kind of annotation; an empty one takes it away."""


class Selection(NamedTuple):
    """The rule that selected a pair, and its propensity: the probability that it did."""

    rule: str
    propensity: float


@dataclass(frozen=True, slots=True)
class NewVote:
    """A vote before it is recorded; raises InvalidAnnotator or InvalidKey."""

    pair_id: str
    verdict: Verdict
    annotator: str
    key: str
    response_ms: int | None = None
    """The time that the annotator took."""

    def __post_init__(self) -> None:
        check_annotator(self.annotator)
        check_key(self.key)

    @classmethod
    def parse(
        cls, pair_id: str, verdict: str, annotator: str, key: str, response_ms: int | None = None
    ) -> Self:
        """Make a vote of a verdict's name; raises InvalidVerdict, InvalidAnnotator, InvalidKey."""
        return cls(pair_id, as_verdict(verdict), annotator, key, response_ms)

    @property
    def item_id(self) -> str:
        """Return the id of the pair that was handed out."""
        return self.pair_id


@dataclass(frozen=True, slots=True)
class NewRanking:
    """A ranking before it is recorded: the places of best and worst, or a skip with neither.

    Raises InvalidRanking, InvalidAnnotator or InvalidKey.
    """

    quad_id: str
    best: int | None
    worst: int | None
    annotator: str
    key: str
    response_ms: int | None = None

    def __post_init__(self) -> None:
        check_annotator(self.annotator)
        check_key(self.key)
        if self.best is None and self.worst is None:
            return
        if self.best is None or self.worst is None or self.best == self.worst:
            raise InvalidRanking("Name a best and another one as the worst, or neither to skip.")
        if not {self.best, self.worst} <= set(range(QUAD_SIZE)):
            raise InvalidRanking(
                f"Places go from 0 to {QUAD_SIZE - 1}, not {self.best} and {self.worst}."
            )

    @property
    def item_id(self) -> str:
        """Return the id of the four images that were handed out."""
        return self.quad_id

    def chosen(self, quad: Quad) -> tuple[str | None, str | None]:
        """Return the best and the worst image of a quad; two times None for a skip."""
        if self.best is None or self.worst is None:
            return None, None
        return quad.images[self.best], quad.images[self.worst]


@dataclass(frozen=True, slots=True)
class NewFlag:
    """A flag on a pair before it is recorded.

    Raises InvalidFlag for its note, InvalidAnnotator or InvalidKey.
    """

    pair_id: str
    annotator: str
    note: str
    key: str

    def __post_init__(self) -> None:
        if len(self.note) > LONGEST_NOTE or has_controls(self.note):
            raise InvalidFlag(
                f"The note has {len(self.note)} characters. Write up to {LONGEST_NOTE} of plain "
                "text."
            )
        check_key(self.key)
        check_annotator(self.annotator)


@dataclass(frozen=True, slots=True)
class NewAnnotation:
    """An annotation of one's own vote before it is recorded; `kind` is one of VALUES.

    Raises InvalidAnnotation unless kind, name and value go together, or InvalidKey.
    """

    vote_key: str
    annotator: str
    kind: str
    name: str
    """The name of a reason or a criterion; a strength has none."""
    value: str
    key: str

    def __post_init__(self) -> None:
        values = VALUES.get(self.kind)
        if values is None:
            raise InvalidAnnotation(
                f"{self.kind!r} is no kind of annotation. Send strength, reason or criterion."
            )
        if self.value not in values:
            said = ", ".join(map(repr, values))
            raise InvalidAnnotation(
                f"{self.value!r} is no value of a {self.kind}. Send one of {said}."
            )

        named = 0 < len(self.name) <= LONGEST_NAME and not has_controls(self.name)
        if named == (self.kind == STRENGTH):
            raise InvalidAnnotation(
                "A strength has no name."
                if self.kind == STRENGTH
                else f"{self.name!r} names no {self.kind}. Use 1 to {LONGEST_NAME} characters of "
                "plain text."
            )
        if not self.key or has_controls(self.key):
            raise InvalidKey(f"{self.key!r} is not a key. Send a fresh one with every annotation.")


@dataclass(frozen=True, slots=True)
class Flag:
    """A flagged pair; `decision` is open, shown, hidden, or withdrawn by its annotator."""

    flag_id: int
    pair_id: str
    prompt: str
    left: str
    right: str
    annotator: str
    note: str
    created: datetime
    decision: str


NewAct = NewVote | NewRanking | NewFlag | NewAnnotation


@dataclass(frozen=True, slots=True)
class ActReceipt:
    """Proof that the act under `key` is on the disk; `duplicate` when it was there before."""

    key: str
    row_id: int
    """The id of its row, such as a vote_id."""
    duplicate: bool
    trial: str | None = None
    """The blind test that a vote counts for; None for a vote to train on."""


def as_verdict(verdict: str) -> Verdict:
    """Return a verdict by its name; raises InvalidVerdict."""
    try:
        return Verdict(verdict)
    except ValueError as error:
        raise InvalidVerdict(
            f"{verdict!r} is not a verdict. Send one of {', '.join(Verdict)}."
        ) from error


def check_annotator(annotator: str) -> str:
    """Return an annotator's name; raises InvalidAnnotator."""
    if not 0 < len(annotator) <= LONGEST_NAME or has_controls(annotator):
        raise InvalidAnnotator(
            f"{annotator!r} is not a name. Use 1 to {LONGEST_NAME} characters of plain text."
        )
    return annotator


def check_key(key: str) -> str:
    """Return an idempotency key; raises InvalidKey."""
    if not 0 < len(key) <= LONGEST_KEY or has_controls(key):
        raise InvalidKey(
            f"{key!r} is not a key. Send 1 to {LONGEST_KEY} characters, fresh for every vote."
        )
    return key
