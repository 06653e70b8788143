"""Snapshot folder: the votes and images that a trainer reads, without the database.

    pairs.jsonl     one JSON object a line, in the order of the votes
    images/         the images it names: hard links where the disk allows, else copies
    manifest.json   what is in the folder, from which votes, and the SHA-256 of every file

Here, and only here, the sides that people saw (left, right) become chosen and rejected.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.errors import BrokenStudio, DiskFull
from storage.records import Verdict
from storage.studio_folder import StudioFolder

FORMAT = 1
UNFINISHED = ".unfinished"
"""The name of a snapshot that is being written."""


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

    @property
    def kind(self) -> str:
        """The trainer's name for it: preference, tie, both_good, both_bad or skip."""
        return "preference" if self.verdict.decisive else self.verdict.value


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


Settled = SettledVote | SettledRanking


def write_folder(
    path: Path, folder: StudioFolder, votes: Sequence[Settled], manifest: Mapping[str, Any]
) -> None:
    """Write a snapshot folder completely or not at all: under another name, then renamed.

    Raises BrokenStudio when an image goes away meanwhile, DiskFull when the disk does not take it.
    """
    work = path.with_name(UNFINISHED)
    try:
        shutil.rmtree(work, ignore_errors=True)
        (work / "images").mkdir(parents=True)
        files = {"pairs.jsonl": write_text(work / "pairs.jsonl", pairs_jsonl(votes))}
        files |= collect_images(work, folder, votes)
        whole = {"format": FORMAT, **manifest, "files": files}
        write_text(work / "manifest.json", json.dumps(whole, indent=1) + "\n")

        # The names are on the disk before the rename, and the rename before the snapshot is
        # recorded: no power cut leaves a record of a folder that is not there.
        sync_folder(work)
        os.replace(work, path)
        sync_folder(path.parent)
    except OSError as error:
        raise DiskFull(
            f"The snapshot {path} could not be written: {error.strerror or error}. "
            "No vote is lost. Free some space on its disk, then start the run again."
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def pairs_jsonl(votes: Iterable[Settled]) -> str:
    """Write votes as JSON lines, in plain ASCII so that no reader can split a line wrongly."""
    return "".join(json.dumps(line_of(vote)) + "\n" for vote in votes)


def line_of(vote: Settled) -> dict[str, Any]:
    """Return the line of pairs.jsonl for a vote or a ranking."""
    if isinstance(vote, SettledRanking):
        return ranking_line(vote)

    left, right = image_name(vote.left), image_name(vote.right)
    images: dict[str, Any] = {"images": [left, right]}
    if vote.verdict is Verdict.LEFT:
        images = {"chosen": left, "rejected": right}
    elif vote.verdict is Verdict.RIGHT:
        images = {"chosen": right, "rejected": left}
    return {
        "pair_id": vote.pair_id,
        "prompt": vote.prompt,
        "kind": vote.kind,
        **images,
        "annotator": pseudonym(vote.annotator),
        **({} if vote.weight == 1 else {"weight": vote.weight}),
        **({"strength": vote.strength} if vote.strength > 1 else {}),
    }


def ranking_line(ranking: SettledRanking) -> dict[str, Any]:
    """Return the line for a ranking: rank 0 for the best image, 2 for the worst, 1 in between."""
    ranks = {ranking.best: 0, ranking.worst: 2}
    return {
        "prompt": ranking.prompt,
        "kind": "ranking",
        "images": [image_name(sha256) for sha256 in ranking.images],
        "ranks": [ranks.get(sha256, 1) for sha256 in ranking.images],
        "annotator": pseudonym(ranking.annotator),
        **({} if ranking.weight == 1 else {"weight": ranking.weight}),
    }


def images_of(vote: Settled) -> tuple[str, ...]:
    """Return the hashes of the images of a vote or a ranking."""
    return vote.images if isinstance(vote, SettledRanking) else (vote.left, vote.right)


def collect_images(work: Path, folder: StudioFolder, votes: Iterable[Settled]) -> dict[str, str]:
    """Put the images of votes into a folder and return their hashes by name.

    Their bytes are not read: they were checked just before.
    """
    files = {}
    for sha256 in sorted({sha256 for vote in votes for sha256 in images_of(vote)}):
        source = folder.image(sha256)
        if not source.is_file():
            raise BrokenStudio(
                f"The image {source} went away while the snapshot was written. No vote is lost. "
                "Start the run again: votes on images that are gone are left out."
            )
        link_or_copy(source, work / image_name(sha256))
        files[image_name(sha256)] = sha256
    return files


def link_or_copy(source: Path, target: Path) -> None:
    """Make a hard link to a file, or a copy where the disk has no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


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
    """Return a hash that stands for an annotator, whose name stays in the database."""
    return hashlib.sha256(annotator.encode()).hexdigest()[:12]
