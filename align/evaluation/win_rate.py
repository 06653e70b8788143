"""Win rate of a version against its base by a scorer, on the same prompts and seeds.

Shapes: P prompts, S seeds, R resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from align.contracts.evaluation import ScoreEntry
from align.scoring.scorers import Scorer, finite_scores

RESAMPLES = 2000
LEVEL = 0.95


def scores_PS(scorer: Scorer, prompts: Sequence[str], images: Sequence[Path], seeds: int) -> Tensor:
    """Score every image: scores_PS. Raises AlignError for a score that is no number."""
    captions = [prompt for prompt in prompts for _ in range(seeds)]
    return torch.tensor(finite_scores(scorer, captions, images)).view(len(prompts), seeds)


def compare_scores(scorer: str, version: str, after_PS: Tensor, before_PS: Tensor) -> ScoreEntry:
    """Return mean, median and win rate against the base, as a value that JSON can hold.

    A tie counts one half. The interval is None with fewer than two prompts.
    """
    wins_PS = (after_PS > before_PS).double() + 0.5 * (after_PS == before_PS).double()
    low, high = bootstrap_over_prompts(wins_PS)
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


def bootstrap_over_prompts(wins_PS: Tensor) -> tuple[float | None, float | None]:
    """Return a 95 % interval for the win rate over prompts like these.

    Efron's percentile bootstrap. Prompts are resampled, not images: images of one prompt go
    together.
    """
    prompts = len(wins_PS)
    if prompts < 2:
        return None, None

    generator = torch.Generator().manual_seed(0)
    rows_RP = torch.randint(prompts, (RESAMPLES, prompts), generator=generator)
    rates_R = wins_PS.mean(dim=1)[rows_RP].mean(dim=1)
    tail = (1 - LEVEL) / 2
    low, high = rates_R.quantile(torch.tensor([tail, 1 - tail], dtype=rates_R.dtype)).tolist()
    return low, high
