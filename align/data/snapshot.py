"""Preference pairs of a snapshot, and their split into pairs to train on and held-out pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import torch

from align.client.config import FEWEST_TO_HOLD_OUT, holdout_count
from align.contracts.image_sizes import ImageOrigin
from align.contracts.prompt_marks import escape_marks
from align.contracts.snapshot_files import (
    PAIRS,
    PairRow,
    PreferenceRow,
    RankingRow,
    UndecidedRow,
)
from align.data.image_files import image_fault, size_fault
from align.data.references import References, read_references
from align.data.rows import (
    SharedText,
    VoteShares,
    checked_file,
    comparisons,
    images,
    is_plain,
    rows_in,
    trust,
    vote_shares,
)
from align.diffusion.losses import rank_weights
from align.diffusion.noise import counter_key
from align.errors import SnapshotError

LIKED = {"preference": (1.0, -1.0), "both_good": (1.0, 1.0), "both_bad": (-1.0, -1.0)}
CHANGED = "image file that was changed"
NO_ORIGINS: Mapping[Path, ImageOrigin] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PreferencePair:
    """One vote on two images of a prompt; `kind` tells a preference from both good or both bad."""

    key: str
    """Identifies the pair in the keys of its noise."""
    prompt: str
    chosen: Path
    rejected: Path
    kind: str = "preference"
    """preference, both_good or both_bad."""
    share: float = 0.75
    """Share of the votes on these two images that went to `chosen`, smoothed by half a vote; a
    scorer's own probability where it gave the label."""
    weight: float = 1.0
    """Weight Δ of a pair out of a ranking (RankDPO)."""
    trust: float = 1.0
    """Weight of its voter's votes, in 0..1; scales the loss of every objective."""
    origins: Mapping[Path, ImageOrigin] = field(default_factory=dict)
    """Of those of its images whose file is scaled or cropped."""
    rendered_prompt: str = ""
    """The prompt with the text of a look around it; empty where the images were not made so."""
    plain: bool = False
    """True where brackets in the prompt are characters, not weights."""
    brought: bool = False
    """True where it came in from files, and nobody chose it here."""

    @property
    def text(self) -> str:
        """Return the text that the network is shown: that which the images were rendered with."""
        rendered = self.rendered_prompt or self.prompt
        return escape_marks(rendered) if self.plain else rendered

    @property
    def liked(self) -> tuple[float, float]:
        """Return +1 for an image that somebody wants, else -1: the chosen one first."""
        return LIKED[self.kind]


@dataclass(frozen=True)
class TrainingSnapshot:
    """Pairs to learn from, and counts of the votes that are left out, by kind."""

    pairs: list[PreferencePair]
    left_out: dict[str, int]
    references: References = field(default_factory=References)
    """Images that are cells of Parquet files, at paths where no files are."""


def read_snapshot(folder: Path | str, kinds: tuple[str, ...] = ("preference",)) -> TrainingSnapshot:
    """Read the pairs of a snapshot folder, leaving out votes that are not of these kinds.

    Rankings are always read: every two of their images that were told apart make a pair.

    Args:
        folder: as the app's studio holds it in `snapshots/`, or as `write_snapshot` makes it.
        kinds: of preference, both_good and both_bad, those that an objective learns from.

    Raises:
        SnapshotError: a file is missing or is not what the manifest says, or nothing is decisive.
    """
    folder, once = Path(folder), SharedText()
    path = checked_file(folder, PAIRS)
    references = read_references(folder)
    # Twice over the file, for a million rows do not fit into memory as they are.
    reader = _PairReader(folder, references, vote_shares(rows_in(path), once), once)
    pairs: list[PreferencePair] = []
    left_out: Counter[str] = Counter()
    for row in rows_in(path):
        if row["kind"] == "ranking":
            pairs += reader.pairs_of_ranking(row)
        elif row["kind"] in kinds:
            pairs.append(reader.pair(row))
        else:
            left_out[row["kind"]] += 1

    if not any(pair.kind == "preference" for pair in pairs):
        raise SnapshotError("No decisive vote to learn from. Prefer one image in a few pairs.")
    return TrainingSnapshot(pairs, dict(left_out), references)


class _PairReader:
    """Makes pairs of rows, which share the texts and paths that come again."""

    def __init__(
        self, folder: Path, references: References, shares: VoteShares, once: SharedText
    ) -> None:
        self._folder, self._references = folder, references
        self._shares, self._once = shares, once
        self._paths: dict[str, Path] = {}

    def pair(self, row: PreferenceRow | UndecidedRow) -> PreferencePair:
        """Return the pair of a vote."""
        sides, prompt = images(row), self._once(row["prompt"])
        chosen, rejected = (self._path(side) for side in sides)
        share = self._shares[prompt, *sides]
        if row["kind"] == "preference":
            share = float(row.get("label", share))
        key = "|".join((*sides, prompt))
        return PreferencePair(
            key,
            prompt,
            chosen,
            rejected,
            self._kind(row),
            share,
            trust=trust(row),
            plain=is_plain(row),
            brought=bool(row.get("source")),
            origins=_origins(row, [chosen, rejected]),
            rendered_prompt=self._once(row.get("rendered_prompt", "")),
        )

    def pairs_of_ranking(self, row: RankingRow) -> list[PreferencePair]:
        """Return a ranking's pairs with RankDPO's weights, for scores evenly spaced from 1 to 0."""
        images, prompt = row["images"], self._once(row["prompt"])
        levels = sorted(set(row["ranks"]))
        scores = [1 - levels.index(rank) / max(1, len(levels) - 1) for rank in row["ranks"]]
        weight_KK = rank_weights(torch.tensor([scores], dtype=torch.float64))[0]
        paths = [self._path(image) for image in images]
        origins = _origins(row, paths)

        return [
            PreferencePair(
                key="|".join((images[better], images[worse], prompt)),
                prompt=prompt,
                chosen=paths[better],
                rejected=paths[worse],
                share=self._shares[prompt, images[better], images[worse]],
                weight=float(weight_KK[better, worse]),
                trust=trust(row),
                plain=is_plain(row),
                brought=bool(row.get("source")),
                origins=origins,
                rendered_prompt=self._once(row.get("rendered_prompt", "")),
            )
            for better, worse in comparisons(row)
        ]

    def _kind(self, row: PairRow) -> str:
        return self._once(row["kind"])

    def _path(self, image: str) -> Path:
        """Return the path of an image, that of its own file where it is not in the folder."""
        if image not in self._paths:
            path = self._references.files.get(image, self._folder / image)
            self._paths[self._once(image)] = path
        return self._paths[image]


def _origins(row: PairRow, paths: Sequence[Path]) -> Mapping[Path, ImageOrigin]:
    """Return what a row says of its images before they came into their files."""
    if "sizes" not in row:
        return NO_ORIGINS
    sizes = row["sizes"]
    crops = row.get("crops", [[0, 0]] * len(sizes))
    return {
        path: ImageOrigin((width, height), (left, top))
        for path, (width, height), (left, top) in zip(paths, sizes, crops, strict=False)
    }


def drop_bad_images(snapshot: TrainingSnapshot) -> TrainingSnapshot:
    """Return the snapshot without pairs that show an unusable image, counted by reason.

    Of images in Parquet files, only the sizes are looked at.

    Raises:
        SnapshotError: no decisive pair is left.
    """
    images = {path for pair in snapshot.pairs for path in (pair.chosen, pair.rejected)}
    references = snapshot.references
    faults = {path: why for path in sorted(images) if (why := fault_in(references, path))}
    return without_images(snapshot, faults)


def fault_in(references: References, path: Path) -> str | None:
    """Return the reason why an image cannot be used, to count by; None where it can."""
    if path in references.sizes:
        return size_fault(references.sizes[path])
    return CHANGED if references.has_changed(path) else image_fault(path)


def without_images(snapshot: TrainingSnapshot, faults: Mapping[Path, str]) -> TrainingSnapshot:
    """Return the snapshot without pairs that show one of these images, counted by reason.

    Raises:
        SnapshotError: no decisive pair is left.
    """
    if not faults:
        return snapshot

    good, left_out = [], Counter(snapshot.left_out)
    for pair in snapshot.pairs:
        fault = faults.get(pair.chosen) or faults.get(pair.rejected)
        if fault is None:
            good.append(pair)
        else:
            left_out[fault] += 1

    if not any(pair.kind == "preference" for pair in good):
        path, fault = next(iter(faults.items()))
        raise SnapshotError(
            f"No pair is left to learn from: {len(faults)} images cannot be used, such as "
            f"{snapshot.references.place(path)} ({fault}). Put the files back and start a new run."
        )
    return replace(snapshot, pairs=good, left_out=dict(left_out))


def hold_out(
    pairs: list[PreferencePair], share: float, seed: int
) -> tuple[list[PreferencePair], list[PreferencePair]]:
    """Split into pairs to train on and this share of others, which judge the run.

    Where enough pairs were chosen here, they alone judge; pairs of files on the prompts of these
    are then in neither of the two.
    """
    own = [pair for pair in pairs if not pair.brought]
    wanted = holdout_count(len(pairs), share, len(own))
    if len(own) < FEWEST_TO_HOLD_OUT:
        return split_by_prompt(pairs, wanted, seed)

    _, holdout = split_by_prompt(own, wanted, seed)
    prompts = {pair.prompt for pair in holdout}
    return [pair for pair in pairs if pair.prompt not in prompts], holdout


def split_by_prompt(
    pairs: list[PreferencePair], holdout_pairs: int, seed: int
) -> tuple[list[PreferencePair], list[PreferencePair]]:
    """Split into pairs to train on and at most `holdout_pairs` others, by prompt.

    No prompt is on both sides: pairs of one prompt resemble each other.
    """
    count = Counter(pair.prompt for pair in pairs)
    holdout: set[str] = set()
    taken = 0
    # By a hash of the prompt: an order that later votes do not change.
    for prompt in sorted(count, key=lambda prompt: counter_key(seed, "split", prompt)):
        if taken + count[prompt] <= holdout_pairs:
            holdout.add(prompt)
            taken += count[prompt]

    train = [pair for pair in pairs if pair.prompt not in holdout]
    return train, [pair for pair in pairs if pair.prompt in holdout]
