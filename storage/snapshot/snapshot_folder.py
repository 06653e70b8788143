"""Snapshot folder: the votes and images that a trainer reads, without the database.

    pairs.jsonl              one JSON object a line, in the order of the votes
    images/                  the images it names: hard links, where the disk has them
    image_references.jsonl   where the others are, if there are any
    manifest.json            what is in the folder, from which votes, and the SHA-256 of every file

Here, and only here, the sides that people saw (left, right) become chosen and rejected.
"""

import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from align.contracts.image_sizes import ImageOrigin
from align.contracts.rendering import whole_prompt
from align.contracts.snapshot_files import (
    PairKind,
    PairRow,
    PreferenceRow,
    RankingRow,
    UndecidedKind,
    UndecidedRow,
)
from storage.recipes import OriginalImage
from storage.records import Verdict

PSEUDONYM = re.compile(r"[0-9a-f]{12}")
UNDECIDED_KINDS: dict[Verdict, UndecidedKind] = {
    Verdict.TIE: "tie",
    Verdict.BOTH_GOOD: "both_good",
    Verdict.BOTH_BAD: "both_bad",
    Verdict.SKIP: "skip",
}


@dataclass(frozen=True, slots=True)
class SettledVote:
    """A settled vote, with the hashes of both images as they were shown."""

    vote_id: int
    pair_id: str
    prompt: str
    annotator: str
    verdict: Verdict
    left: str
    right: str
    strength: int = 1
    """2 for a clear preference, else 1."""
    weight: float = 1.0
    """The weight of its annotator."""
    prompt_prefix: str = ""
    """Text that the model is shown before the prompt, and after it."""
    prompt_suffix: str = ""
    base: str = ""
    """The model whose images were voted on."""
    origins: tuple[ImageOrigin, ...] = ()
    """Of the left and the right image, where a file was scaled or cropped when it was imported."""
    plain: bool = False
    """Whether brackets in its prompt were characters to the text encoder, not weights."""
    in_a_row: int = 0
    """How often in a row the winner of an earlier pair had been kept in this one."""

    @property
    def kind(self) -> PairKind:
        """The trainer's name for it."""
        return UNDECIDED_KINDS.get(self.verdict, "preference")


@dataclass(frozen=True, slots=True)
class SettledRanking:
    """A settled ranking, with the hashes of its images."""

    ranking_id: int
    prompt: str
    annotator: str
    images: tuple[str, ...]
    best: str
    worst: str
    weight: float = 1.0
    prompt_prefix: str = ""
    prompt_suffix: str = ""
    base: str = ""
    origins: tuple[ImageOrigin, ...] = ()
    plain: bool = False


Settled = SettledVote | SettledRanking


def line_of(vote: Settled) -> PairRow:
    """Return the line of pairs.jsonl for a vote or a ranking."""
    row = plain_line_of(vote)
    rendered = whole_prompt(vote.prompt, vote.prompt_prefix, vote.prompt_suffix)
    if rendered != vote.prompt:
        row["rendered_prompt"] = rendered
    return row


def plain_line_of(vote: Settled) -> PairRow:
    """Return the line for a vote or a ranking whose images were rendered with the prompt alone."""
    if isinstance(vote, SettledRanking):
        return ranking_line(vote)

    row: PreferenceRow | UndecidedRow
    if vote.kind == "preference":
        row = preference_line(vote)
    else:
        row = undecided_line(vote, vote.kind)
    if vote.weight != 1:
        row["weight"] = vote.weight
    if vote.strength > 1:
        row["strength"] = vote.strength
    if vote.plain:
        row["plain"] = True
    if vote.in_a_row:
        row["in_a_row"] = vote.in_a_row
    turned = vote.verdict is Verdict.RIGHT
    add_origins(row, vote.origins[::-1] if turned else vote.origins)
    return row


def add_origins(row: PairRow, origins: Sequence[ImageOrigin]) -> None:
    """Add what images were before they came into their files, in the order of the row's images."""
    if origins:
        row["sizes"] = [list(origin.size) for origin in origins]
    if any(any(origin.crop) for origin in origins):
        row["crops"] = [list(origin.crop) for origin in origins]


def origins_of(files: Sequence[tuple[str | None, int, int]]) -> tuple[ImageOrigin, ...]:
    """Return what images were before they were imported; empty where no file was changed.

    `files` has the key `original` of each image's recipe, as JSON, and the size of its file.
    """
    if not any(original for original, _, _ in files):
        return ()
    return tuple(
        origin_of(original) if original else ImageOrigin((width, height))
        for original, width, height in files
    )


def origin_of(original: str) -> ImageOrigin:
    """Read the key `original` of an image's recipe."""
    known: OriginalImage = json.loads(original)
    (width, height), (left, top) = known["size"], known["crop"]
    return ImageOrigin((width, height), (left, top))


def preference_line(vote: SettledVote) -> PreferenceRow:
    """Return the line for a vote that says which image is better."""
    left, right = image_name(vote.left), image_name(vote.right)
    chosen, rejected = (left, right) if vote.verdict is Verdict.LEFT else (right, left)
    return {
        "pair_id": vote.pair_id,
        "prompt": vote.prompt,
        "kind": "preference",
        "chosen": chosen,
        "rejected": rejected,
        "annotator": pseudonym(vote.annotator),
    }


def undecided_line(vote: SettledVote, kind: UndecidedKind) -> UndecidedRow:
    """Return the line for a vote that prefers neither image."""
    return {
        "pair_id": vote.pair_id,
        "prompt": vote.prompt,
        "kind": kind,
        "images": [image_name(vote.left), image_name(vote.right)],
        "annotator": pseudonym(vote.annotator),
    }


def ranking_line(ranking: SettledRanking) -> RankingRow:
    """Return the line for a ranking: rank 0 for the best image, 2 for the worst, 1 in between."""
    ranks = {ranking.best: 0, ranking.worst: 2}
    row: RankingRow = {
        "prompt": ranking.prompt,
        "kind": "ranking",
        "images": [image_name(sha256) for sha256 in ranking.images],
        "ranks": [ranks.get(sha256, 1) for sha256 in ranking.images],
        "annotator": pseudonym(ranking.annotator),
    }
    if ranking.weight != 1:
        row["weight"] = ranking.weight
    if ranking.plain:
        row["plain"] = True
    add_origins(row, ranking.origins)
    return row


def images_of(vote: Settled) -> tuple[str, ...]:
    """Return the hashes of the images of a vote or a ranking."""
    return vote.images if isinstance(vote, SettledRanking) else (vote.left, vote.right)


def write_text(path: Path, text: str) -> str:
    """Write a text file, wait until it is on the disk, and return its SHA-256."""
    content = text.encode()
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(content).hexdigest()


def sync_folder(path: Path) -> None:
    """Wait until a folder's list of names is on the disk; Windows has no way to."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def image_name(sha256: str) -> str:
    """Return the path of an image inside a snapshot."""
    return f"images/{sha256}.png"


def pseudonym(annotator: str) -> str:
    """Return a hash that stands for an annotator, whose name stays in the database.

    Of votes that were restored from an export, the annotators are pseudonyms already.
    """
    if PSEUDONYM.fullmatch(annotator):
        return annotator
    return hashlib.sha256(annotator.encode()).hexdigest()[:12]
