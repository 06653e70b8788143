"""Release checks: at the end of a run, the new version is rendered and compared with its base."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable

import torch

from align.client.cpu_lock import CpuLock
from align.client.planning.circumstances import rendering_of
from align.client.planning.costs import CLASSIFIED
from align.client.progress import Reporter
from align.client.run_folder import RunFolder
from align.contracts.run_files import CheckedRun, CheckEntry, RunResult
from align.device import choose_compute
from align.errors import AlignError, first_line
from align.evaluation.evaluate import render_and_check, write_result
from align.evaluation.version_renderer import OnProgress, VersionRenderer
from align.weights.export_facts import AdapterSource

SEEDS = (1, 2)
"""Two, so that the variety between images of one prompt can be measured."""


class ChecksSkipped(Exception):
    """Somebody asked the run to stop, and its adapter is written already."""


class CheckShares:
    """Share of the checks that is done: base and version are each rendered, then classified."""

    def __init__(self, run: RunFolder) -> None:
        prepared = run.read_config()
        rendering = rendering_of(prepared.model, prepared.look)
        self._passes = rendering.steps * (2 if rendering.guided else 1), CLASSIFIED
        self._begun: list[str] = []

    def share(self, what: str, done: float) -> float:
        """Return the share of all; `done` is that of what is done now, by the name it goes by."""
        if what not in self._begun:
            self._begun.append(what)
        # Rendering and classifying take turns.
        weights = [self._passes[part % 2] for part in range(len(self._begun))]
        *earlier, present = weights
        return (sum(earlier) + done * present) / (2 * sum(self._passes))


def check_run(
    run: RunFolder,
    prompts: list[str],
    run_result: RunResult,
    report: Reporter,
    cpu_lock: CpuLock,
) -> CheckedRun:
    """Check a finished run; return `checks`, `held_back` and `diversity`, or `unchecked`: why not.

    `run_result` is the result of its training. Of `prompts` the first `check_prompts` are rendered.
    Images and evaluation.json are kept in the run folder. Whatever goes wrong, the version stays.
    """
    count = run.read_config().train.check_prompts
    if not count:
        return {"checks": [], "held_back": False, "unchecked": "check_prompts is 0"}

    # Training has ended: its tensors make room for the decoder.
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()

    shares = CheckShares(run)
    report.checking("loading", 0.0)

    def on_progress(what: str, done: int, of: int) -> None:
        report.checking(f"{what}, {done} of {of}", shares.share(what, done / of))

    def between_passes() -> None:
        if run.cancel_requested:
            raise ChecksSkipped
        cpu_lock.wait_until_free()

    try:
        checks = render_checks(run, prompts[:count], run_result, on_progress, between_passes)
    except ChecksSkipped:
        return {"checks": [], "held_back": False, "unchecked": "stopped before the end"}
    except (AlignError, OSError, RuntimeError, ValueError) as error:
        return {"checks": [], "held_back": False, "unchecked": first_line(error)}

    variety = next(c["value"] for c in checks if c["name"] == "variety")
    return {
        "checks": checks,
        "held_back": not all(check["passed"] for check in checks),
        "diversity": variety if math.isfinite(variety) else 0.0,
    }


def render_checks(
    run: RunFolder,
    prompts: list[str],
    run_result: RunResult,
    on_progress: OnProgress,
    between_passes: Callable[[], None],
) -> list[CheckEntry]:
    """Render with base and version, save it in the run folder, and return checks as JSON values."""
    prepared, name = run.read_config(), run.path.resolve().name
    compute = choose_compute(full_size=prepared.model.full_size)
    watched = (compute, on_progress, between_passes, prepared.look)
    renderer = VersionRenderer(run.evaluation, prompts, SEEDS, prepared.model, *watched)
    sources = {name: AdapterSource(run.adapter, name)}
    rendered, checks = render_and_check(renderer, sources, {name: run_result})
    write_result(renderer, rendered, sources, checks)
    return checks
