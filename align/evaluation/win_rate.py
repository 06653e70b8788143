"""Win rate of a version against its base by a scorer, on the same prompts and seeds.

Shapes: P prompts, S seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from align.contracts.evaluation_files import ScoreEntry
from align.intervals import clustered_rate_interval
from align.scoring.scorers import Scorer, finite_scores


def scores_PS(scorer: Scorer, prompts: Sequence[str], images: Sequence[Path], seeds: int) -> Tensor:
    """Score every image: scores_PS. Raises AlignError for a score that is no number."""
    captions = [prompt for prompt in prompts for _ in range(seeds)]
    return torch.tensor(finite_scores(scorer, captions, images)).view(len(prompts), seeds)


def compare_scores(scorer: str, version: str, after_PS: Tensor, before_PS: Tensor) -> ScoreEntry:
    """Return mean, median and win rate against the base, as a value that JSON can hold.

    A tie counts one half. The interval is None with fewer than two prompts.
    """
    wins_PS = (after_PS > before_PS).double() + 0.5 * (after_PS == before_PS).double()
    low, high = win_rate_interval(wins_PS)

    return {
        "scorer": scorer,
        "version": version,
        "mean": float(after_PS.mean()),
        "median": float(after_PS.median()),
        "base_mean": float(before_PS.mean()),
        "win_rate": float(wins_PS.mean()),
        "low": low,
        "high": high,
        "by_prompt": after_PS.mean(dim=1).tolist(),
    }


def win_rate_interval(wins_PS: Tensor) -> tuple[float | None, float | None]:
    """Return a 95 % interval for the win rate over prompts like these; None of a single prompt.

    Prompts are resampled, not images: images of one prompt go together.
    """
    prompts, seeds = wins_PS.shape
    found = clustered_rate_interval(wins_PS.sum(dim=1).numpy(), np.full(prompts, seeds))
    return found or (None, None)
