"""A run's last act: the new version and its base draw the same things, and the two are compared."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable
from typing import Any

import torch

from align.config import TrainConfig, held_out_count
from align.device import choose_compute
from align.errors import AlignError, first_line
from align.evaluation import BASE, OnProgress, Studio, checks_of, write_result
from align.export import Source
from align.models import ModelInfo
from align.objectives import OBJECTIVES
from align.pictures import leave_out_bad
from align.progress import Reporter
from align.run_folder import RunFolder
from align.snapshot import read_snapshot, split_by_prompt
from align.turns import Turns

SEEDS = (1, 2)


class Skipped(Exception):
    """Somebody asked the run to stop, and its adapter is written already."""


def check_run(
    run: RunFolder, held_out: dict[str, Any], report: Reporter, turns: Turns
) -> dict[str, Any]:
    """What the checks of a finished run say: `checks`, `held_back` and, if they failed, why not.

    Pictures and evaluation.json are kept in the run folder. Whatever goes wrong, the version stays.
    """
    config = TrainConfig(**run.read_config()["train"])
    if not config.checks:
        return {"checks": [], "held_back": False, "unchecked": "checks is 0"}
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()

    def tell(what: str, done: int, of: int) -> None:
        report.phase(f"checking the new version: {what}, {done} of {of}", 1.0)

    def between() -> None:
        if run.cancel_requested:
            raise Skipped
        turns.wait()

    try:
        checks = look(run, config, held_out, tell, between)
    except Skipped:
        return {"checks": [], "held_back": False, "unchecked": "stopped before the end"}
    except (AlignError, OSError, RuntimeError, ValueError) as error:
        return {"checks": [], "held_back": False, "unchecked": first_line(error)}
    variety = next(c["value"] for c in checks if c["name"] == "variety")
    return {
        "checks": checks,
        "held_back": not all(check["passed"] for check in checks),
        "diversity": variety if math.isfinite(variety) else 0.0,
    }


def look(
    run: RunFolder,
    config: TrainConfig,
    held_out: dict[str, Any],
    tell: OnProgress,
    between: Callable[[], None],
) -> list[dict[str, Any]]:
    """Draw with both, keep it in the run folder, and return the checks as JSON values."""
    model = ModelInfo(**run.read_config()["model"])
    prompts = prompts_to_draw(run, config)
    studio = Studio(run.evaluation, prompts, SEEDS, model, choose_compute(), tell, between)
    base = studio.draw(BASE, None)
    tuned = studio.draw(run.path.resolve().name, run.adapter)
    base_named_N = studio.named(base) if len(prompts) > 1 else None
    checks = checks_of(studio, tuned, base, base_named_N, held_out)
    found = [{"version": tuned.name, **check.to_json()} for check in checks]
    sources = {tuned.name: Source(run.adapter, tuned.name)}
    write_result(studio, [base, tuned], sources, found)
    return found


def prompts_to_draw(run: RunFolder, config: TrainConfig) -> list[str]:
    """Prompts of the run's own votes, those that it was not trained on first."""
    kinds = OBJECTIVES[config.objective].kinds
    pairs = leave_out_bad(read_snapshot(run.snapshot, kinds)).pairs
    count = held_out_count(len(pairs), config.held_out)
    train_pairs, held_pairs = split_by_prompt(pairs, count, config.seed)
    return list(dict.fromkeys(pair.prompt for pair in [*held_pairs, *train_pairs]))[: config.checks]
