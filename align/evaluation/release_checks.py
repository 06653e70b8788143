"""A run's last act: the new version and its base draw the same things, and the two are compared."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable
from typing import Any

import torch

from align.client.config import TrainConfig
from align.client.cpu_lock import CpuLock
from align.client.models import ModelInfo
from align.client.progress import Reporter
from align.client.run_folder import RunFolder
from align.device import choose_compute
from align.errors import AlignError, first_line
from align.evaluation.evaluate import OnProgress, VersionRenderer, render_and_check, write_result
from align.weights.export_facts import AdapterSource

SEEDS = (1, 2)


class Skipped(Exception):
    """Somebody asked the run to stop, and its adapter is written already."""


def check_run(
    run: RunFolder,
    prompts: list[str],
    judged: dict[str, Any],
    report: Reporter,
    cpu_lock: CpuLock,
) -> dict[str, Any]:
    """What the checks of a finished run say: `checks`, `held_back` and, if they failed, why not.

    `judged` is what the run found on pairs of votes. Of `prompts` as many are drawn as the run's
    settings say. Images and evaluation.json are kept in the run folder. Whatever goes wrong, the
    version stays.
    """
    count = TrainConfig(**run.read_config()["train"]).check_prompts
    if not count:
        return {"checks": [], "held_back": False, "unchecked": "check_prompts is 0"}
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()

    def tell(what: str, done: int, of: int) -> None:
        report.phase(f"checking the new version: {what}, {done} of {of}", 1.0)

    def between() -> None:
        if run.cancel_requested:
            raise Skipped
        cpu_lock.wait_until_free()

    try:
        checks = look(run, prompts[:count], judged, tell, between)
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
    prompts: list[str],
    judged: dict[str, Any],
    tell: OnProgress,
    between: Callable[[], None],
) -> list[dict[str, Any]]:
    """Draw with both, keep it in the run folder, and return the checks as JSON values."""
    model, name = ModelInfo(**run.read_config()["model"]), run.path.resolve().name
    easel = VersionRenderer(run.evaluation, prompts, SEEDS, model, choose_compute(), tell, between)
    sources = {name: AdapterSource(run.adapter, name)}
    drawn, found = render_and_check(easel, sources, {name: judged})
    write_result(easel, drawn, sources, found)
    return found
