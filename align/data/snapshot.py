"""Preference pairs of a snapshot, and their split into pairs to train on and held-out pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

import torch

from align.contracts.image_sizes import ImageOrigin
from align.contracts.prompt_marks import escape_marks
from align.contracts.snapshot_files import PairRow, PreferenceRow, RankingRow, UndecidedRow
from align.data.image_files import image_fault
from align.data.rows import (
    comparisons,
    count_pairs,
    images,
    is_plain,
    read_rows,
    trust,
    vote_shares,
)
from align.diffusion.losses import rank_weights
from align.diffusion.noise import counter_key
from align.errors import SnapshotError

Shares: TypeAlias = dict[tuple[str, str, str], float]
LIKED = {"preference": (1.0, -1.0), "both_good": (1.0, 1.0), "both_bad": (-1.0, -1.0)}


@dataclass(frozen=True)
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


def read_snapshot(folder: Path | str, kinds: tuple[str, ...] = ("preference",)) -> TrainingSnapshot:
    """Read the pairs of a snapshot folder, leaving out votes that are not of these kinds.

    Rankings are always read: every two of their images that were told apart make a pair.

    Args:
        folder: as the app's studio holds it in `snapshots/`, or as `write_snapshot` makes it.
        kinds: of preference, both_good and both_bad, those that an objective learns from.

    Raises:
        SnapshotError: a file is missing or is not what the manifest says, or nothing is decisive.
    """
    folder = Path(folder)
    rows = read_rows(folder)
    shares = vote_shares(rows)
    pairs: list[PreferencePair] = []
    for row in rows:
        if row["kind"] == "ranking":
            pairs += _pairs_of_ranking(folder, row, shares)
        elif row["kind"] in kinds:
            pairs.append(_pair(folder, row, shares))
    if not any(pair.kind == "preference" for pair in pairs):
        raise SnapshotError("No decisive vote to learn from. Prefer one image in a few pairs.")
    return TrainingSnapshot(pairs, count_pairs(rows, kinds)[1])


def _pair(folder: Path, row: PreferenceRow | UndecidedRow, shares: Shares) -> PreferencePair:
    sides, prompt = images(row), row["prompt"]
    chosen, rejected = (folder / side for side in sides)
    share = shares[prompt, *sides]
    if row["kind"] == "preference":
        share = float(row.get("label", share))
    key = "|".join((*sides, prompt))
    return PreferencePair(
        key,
        prompt,
        chosen,
        rejected,
        row["kind"],
        share,
        trust=trust(row),
        plain=is_plain(row),
        origins=_origins(row, [chosen, rejected]),
        rendered_prompt=row.get("rendered_prompt", ""),
    )


def _origins(row: PairRow, paths: Sequence[Path]) -> dict[Path, ImageOrigin]:
    """Return what a row says of its images before they came into their files."""
    sizes = row.get("sizes", [])
    crops = row.get("crops", [[0, 0]] * len(sizes))
    return {
        path: ImageOrigin((width, height), (left, top))
        for path, (width, height), (left, top) in zip(paths, sizes, crops, strict=False)
    }


def _pairs_of_ranking(folder: Path, row: RankingRow, shares: Shares) -> list[PreferencePair]:
    """Return a ranking's pairs with RankDPO's weights, for scores evenly spaced from 1 to 0."""
    images, prompt = row["images"], row["prompt"]
    levels = sorted(set(row["ranks"]))
    scores = [1 - levels.index(rank) / max(1, len(levels) - 1) for rank in row["ranks"]]
    weight_KK = rank_weights(torch.tensor([scores], dtype=torch.float64))[0]
    origins = _origins(row, [folder / image for image in images])

    return [
        PreferencePair(
            key="|".join((images[better], images[worse], prompt)),
            prompt=prompt,
            chosen=folder / images[better],
            rejected=folder / images[worse],
            share=shares[prompt, images[better], images[worse]],
            weight=float(weight_KK[better, worse]),
            trust=trust(row),
            plain=is_plain(row),
            origins=origins,
            rendered_prompt=row.get("rendered_prompt", ""),
        )
        for better, worse in comparisons(row)
    ]


def drop_bad_images(snapshot: TrainingSnapshot) -> TrainingSnapshot:
    """Return the snapshot without pairs that show an unusable image, counted by reason.

    Raises:
        SnapshotError: no decisive pair is left.
    """
    images = {path for pair in snapshot.pairs for path in (pair.chosen, pair.rejected)}
    faults = {path: fault for path in sorted(images) if (fault := image_fault(path))}
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
            f"{path} ({fault}). Put the files back and start a new run."
        )
    return replace(snapshot, pairs=good, left_out=dict(left_out))


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
