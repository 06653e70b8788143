"""Records: the frozen values that the store takes and returns, without third-party imports."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypedDict

from align.contracts.run_files import RunState
from align.contracts.weights import VersionSummary
from storage.recipes import Recipe


class Verdict(StrEnum):
    """A vote's answer about a pair, in terms of the sides shown."""

    LEFT = "left"
    RIGHT = "right"
    TIE = "tie"
    BOTH_GOOD = "both_good"
    BOTH_BAD = "both_bad"
    SKIP = "skip"

    @property
    def decisive(self) -> bool:
        """True if one image won."""
        return self in (Verdict.LEFT, Verdict.RIGHT)


Voters = tuple[str, ...] | None
"""Annotators whose votes alone are meant; None for everybody's."""
QUESTIONS = ("overall", "appeal", "fidelity")
"""Questions of a blind test: which is better overall, looks better, shows the prompt better."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text to render images from; `source` names its origin, such as a file."""

    prompt_id: int
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Image:
    """A rendered image and the full recipe that made it; `version` is the model version."""

    image_id: str
    sha256: str
    width: int
    height: int
    recipe: Recipe = field(hash=False)
    recipe_key: str
    version: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two images of one prompt; `left` and `right` are image ids as they are shown."""

    pair_id: str
    prompt: str
    left: str
    right: str
    version: str
    trial: str | None = None
    """The blind test that it belongs to; no run trains on such a pair."""
    question: str = "overall"
    """The question asked about it, one of QUESTIONS."""
    check: str | None = None
    """repeat or gold for a control pair, which one annotator is asked; no run trains on it."""
    in_a_row: int = field(default=0, compare=False)
    """How often in a row the winner of an earlier pair had been kept in this one."""
    kept_by: str | None = field(default=None, compare=False)
    """Whose winner was kept; others who are asked about the pair are not told of it."""

    @property
    def item_id(self) -> str:
        """Return the id of the pair."""
        return self.pair_id

    @property
    def images(self) -> tuple[str, str]:
        """Return both image ids as they are shown."""
        return self.left, self.right

    @property
    def stream(self) -> str:
        """The queue it is handed out from: its blind test's, or its version's."""
        return self.trial or self.version


class OpenPair(NamedTuple):
    """A pair that more annotators may be asked about, without what it shows."""

    pair_id: str
    version: str
    asked: frozenset[str]
    """The annotators who voted on it already."""


QUAD_SIZE = 4
"""Images of a quad."""


@dataclass(frozen=True, slots=True)
class Quad:
    """Four images of one prompt, as image ids in the order in which they are shown."""

    quad_id: str
    prompt: str
    images: tuple[str, ...]
    version: str

    trial: ClassVar[None] = None
    check: ClassVar[None] = None
    """Blind tests and control pairs are of two images."""

    @property
    def item_id(self) -> str:
        """Return the id of the quad."""
        return self.quad_id

    @property
    def stream(self) -> str:
        """The queue it is handed out from: its version's."""
        return self.version


@dataclass(frozen=True, slots=True)
class LabelingSession:
    """An annotator's goal of so many votes; `state` is open, paused or ended."""

    session_id: str
    annotator: str
    goal: int
    created: datetime
    state: str


@dataclass(frozen=True, slots=True)
class SessionVote:
    """A vote or a ranking given in a session; the verdict of a ranking is "ranking"."""

    created: datetime
    verdict: str
    response_ms: int | None


@dataclass(frozen=True, slots=True)
class Counts:
    """Current votes: all of them, the decisive ones, the three kinds of tie, the skips."""

    votes: int
    decisive: int
    ties: int
    skipped: int


class TrialOptions(TypedDict, total=False):
    """Options of a blind test, as the store keeps them; one that is left out is False."""

    mixed: bool
    """Its pairs come in between others for everybody."""
    act: bool
    """Its outcome makes a version active."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A blind test of version `after` against `before` on prompts that no run trains on."""

    trial_id: str
    base: str
    before: str
    after: str
    questions: tuple[str, ...]
    options: TrialOptions = field(hash=False)
    prompts: tuple[str, ...]
    created: datetime
    state: str
    """open or ended."""
    note: str | None
    """The reason why it ended, or what was done about it."""


@dataclass(frozen=True, slots=True)
class TrialVote:
    """A current vote on a trial's pair, in terms of its versions."""

    question: str
    prompt: str
    annotator: str
    result: str
    """after, before, tie or skip."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A folder that a run trains on; line i of its pairs.jsonl is the vote `vote_ids[i]`."""

    snapshot_id: str
    path: Path
    counts: dict[str, int] = field(hash=False)
    vote_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class UnusableVotes:
    """Votes and rankings that no run can train on, as an image of theirs is gone or damaged."""

    votes: int
    decisive: int
    """The number of them that say which image is better."""
    images: dict[str, str] = field(hash=False)
    """The fault of each image file (gone, damaged, ...), by its path relative to the studio."""


@dataclass(frozen=True, slots=True)
class OtherVotes:
    """Votes of other models of the studio that a run takes along."""

    names: dict[str, str] = field(default_factory=dict, hash=False)
    """Names of the models, by their ids."""
    prompt_prefix: str = ""
    """Text that this model is shown around their prompts, in place of what theirs were."""
    prompt_suffix: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """Return the ids of the models."""
        return tuple(sorted(self.names))


@dataclass(frozen=True, slots=True)
class Run:
    """A fine-tuning run of `base`, from version `parent`; `trigger` names what started it."""

    run_id: str
    state: RunState
    snapshot_id: str
    base: str
    parent: str
    settings: dict[str, Any] = field(hash=False)
    created: datetime
    error: str | None
    trigger: str


@dataclass(frozen=True, slots=True)
class Version:
    """A model version: "base" is the untuned model, "v1", "v2", ... are adapters on it.

    A version without a run was imported; one that is `deleted` is a row without files.
    """

    version: str
    base: str
    parent: str | None
    run_id: str | None
    adapter: Path | None
    created: datetime
    active: bool
    summary: VersionSummary = field(hash=False)
    name: str = ""
    note: str = ""
    deleted: datetime | None = None


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """The votes a run trained on: its snapshot, its votes by kind, and those undone since."""

    snapshot_id: str
    counts: dict[str, int] = field(hash=False)
    undone: int


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """Disk usage of one kind of file, counting each file once however many names it has.

    `bytes` of `files` files; `names` are some of them, relative to the studio folder.
    """

    kind: str
    bytes: int
    files: int
    names: tuple[str, ...] = ()


def new_id() -> str:
    """Return a fresh random id of 16 hex characters."""
    return secrets.token_hex(8)
