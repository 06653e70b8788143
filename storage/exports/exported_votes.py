"""Exported votes as records: everything that an export may tell of a vote or a ranking."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from align.contracts.rendering import whole_prompt
from storage.layouts.foreign_votes import ForeignKind, ImagePlace
from storage.records import Voters
from storage.snapshot.snapshot_folder import pseudonym

TIE = "tie"
"""The value of a criterion by which neither image is better."""


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """The votes that an export takes, and what it tells of them."""

    bases: tuple[str, ...] | None = None
    """Models whose votes are meant; None for all."""
    voters: Voters = None
    """Annotators whose votes are meant; None for everybody."""
    sources: tuple[str, ...] | None = None
    """Names of the sources that are taken along; None for all that are in use, () for none."""
    skips: bool = True
    tests: bool = False
    """Control pairs and pairs of blind tests, on which no run trains."""
    excluded: bool = False
    """Votes that an admin excluded, and those on flagged pairs."""
    names: bool = False
    """The annotators' names in place of their pseudonyms."""
    notes: bool = False
    """Why votes are excluded and annotators weighed, in an admin's words."""

    def name_of(self, annotator: str) -> str:
        """Return the name or the pseudonym of an annotator; "" for nobody."""
        return annotator if self.names or not annotator else pseudonym(annotator)

    def note_of(self, reason: str | None) -> str:
        """Return an admin's reason, or the fact alone; "" where there is none."""
        if reason is None:
            return ""
        return reason if self.notes else "excluded"


@dataclass(frozen=True, slots=True)
class ExportedImage:
    """An image of an exported vote, without its bytes."""

    uid: str
    """Id of the image; two images of equal bytes may have different ones."""
    sha256: str
    suffix: str
    """Of its bytes: .png, .jpg or .webp."""
    width: int
    height: int
    place: ImagePlace
    version: str = ""
    """The version that rendered it, or "imported"."""
    recipe: str = ""
    """How it was made, as JSON; "" where nothing is known of that."""

    @property
    def name(self) -> str:
        """Return its file name, in which no prompt and no path of this machine has a part."""
        return f"{self.sha256}{self.suffix}"

    @property
    def known(self) -> dict[str, Any]:
        """Return how it was made, by name."""
        found: dict[str, Any] = json.loads(self.recipe) if self.recipe else {}
        return found

    @property
    def model(self) -> str:
        """Return the model and the version that rendered it, or "imported"."""
        known = self.known
        return f"{known['base']}/{known['version']}" if "base" in known else "imported"


@dataclass(frozen=True, slots=True)
class Kept:
    """The pair and the annotator whose winner is shown again in a pair."""

    pair_id: str
    annotator: str
    """Pseudonym or name, as of the vote."""
    in_a_row: int


@dataclass(frozen=True, slots=True)
class ExportedVote:
    """A vote on two images, the left one first, or a ranking of several."""

    key: str
    """Unique in the studio and the same in every export: v12, r3, or s2-0-17 of a source."""
    number: int
    """Its place in the export, from 0."""
    item_id: str
    """Id of the pair, or of the images of a ranking."""
    kind: ForeignKind
    prompt: str
    images: tuple[ExportedImage, ...]
    ranks: tuple[int, ...]
    """One for each image, the lowest for the best; () for a vote that prefers none."""
    annotator: str
    """A pseudonym, or a name where those were asked for; "" where a source tells none."""
    created: datetime | None
    base: str = ""
    version: str = ""
    """The version that the pair was rendered with."""
    source: str = ""
    """Name of the source that it came from; "" for a vote that was given here."""
    share: float | None = None
    """Probability that the first image is the better one, where a source tells it."""
    strength: int = 1
    """2 for a clear preference."""
    reasons: tuple[str, ...] = ()
    """Why the other image lost."""
    criteria: tuple[tuple[str, str], ...] = ()
    """By criterion, the uid of the better image, or "tie"."""
    weight: float = 1.0
    """The weight of its annotator or its source in training."""
    weight_reason: str = ""
    """Why its annotator has the weight, where notes were asked for."""
    kept: Kept | None = None
    response_ms: int | None = None
    selection: tuple[str, float] | None = None
    """The rule that selected its pair, and the probability that it did."""
    asked_as: str = ""
    """repeat or gold for a control pair, the question for a pair of a blind test."""
    flagged: bool = False
    """Whether its pair is hidden since somebody flagged it."""
    excluded_vote: str = ""
    """Why an admin excluded it; "excluded" where notes were not asked for."""
    excluded_annotator: str = ""
    """Why all votes of its annotator are excluded, likewise."""
    details: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What else a source tells of it."""

    @property
    def is_excluded(self) -> bool:
        """Return whether no run trains on it, though its pair is an ordinary one."""
        return bool(self.flagged or self.excluded_vote or self.excluded_annotator)

    @property
    def verdict(self) -> str:
        """Return left, right, tie, both_good, both_bad, skip or ranking."""
        if self.kind != "preference":
            return self.kind
        return "left" if self.ranks[0] < self.ranks[1] else "right"

    @property
    def better_first(self) -> tuple[ExportedImage, ...]:
        """Return the images, the best one first, as they come where none is better."""
        if not self.ranks:
            return self.images
        order = sorted(range(len(self.images)), key=self.ranks.__getitem__)
        return tuple(self.images[place] for place in order)

    @property
    def caption(self) -> str:
        """Return the prompt with what was added around it when its images were rendered."""
        known = self.images[0].known
        return whole_prompt(
            self.prompt, known.get("prompt_prefix", ""), known.get("prompt_suffix", "")
        )


def without_folders(model: str) -> str:
    """Return a model's name without the folders of this machine that old studios have in it."""
    if PurePosixPath(model).is_absolute() or PureWindowsPath(model).is_absolute():
        return PureWindowsPath(model).name
    return model
