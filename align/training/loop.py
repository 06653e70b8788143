"""The training loop: Diffusion-DPO (Wallace et al. 2023, arXiv 2311.12908) and other objectives.

One optimizer step is in `align.training.step`, the losses are in `align.diffusion.losses`.
"""

from __future__ import annotations

import time
from pathlib import Path

from accelerate import Accelerator

from align.client.cpu_lock import CpuLock
from align.client.progress import Reporter
from align.client.run_folder import RunFolder
from align.contracts.run_files import RunResult, StepMetrics
from align.device import choose_compute
from align.device_memory import is_out_of_memory, limit_to_free_memory
from align.errors import Cancelled, OutOfMemory, Paused
from align.evaluation.release_checks import check_run
from align.training.budget.pace import PaceMeter
from align.training.budget.step_budget import StepBudget
from align.training.checkpoint import write_checkpoint
from align.training.early_stopping import DivergenceWatch
from align.training.parallel import agreed_by_all
from align.training.results import result_of
from align.training.rungs import in_memory
from align.training.samples import RunSampler
from align.training.state import TrainingState, prepare_training
from align.training.step import train_step

EMA_DECAY = 0.9
"""Of the exponential moving averages of what is logged."""


def run_training(run: RunFolder, report: Reporter, cpu_lock: CpuLock, cache: Path) -> None:
    """Train one run, from its last checkpoint if it has one, then save and check its version.

    Raises:
        AlignError: as `train`, and where memory runs out.
    """
    try:
        trained = train(run, report, cpu_lock, cache)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(
            "The device's memory ran out. Close what else uses it and resume the run, which goes "
            "on from its last checkpoint."
        ) from error
    if trained is not None:
        result, prompts = trained
        report.done({**result, **check_run(run, prompts, result, report, cpu_lock)})


def train(
    run: RunFolder, report: Reporter, cpu_lock: CpuLock, cache: Path
) -> tuple[RunResult, list[str]] | None:
    """Prepare, train, evaluate and save one run; return None in a helper process.

    Returns the run's result, and the prompts of its votes, those held out first.

    Raises:
        Cancelled: somebody asked the run to stop; its checkpoint is written.
        Paused: it is to leave the device to others; its checkpoint is written.
        TrainingDiverged: the loss is not finite, or has stayed far above its start.
    """
    started, divergence = time.monotonic(), DivergenceWatch()
    prepared = run.read_config()
    compute = choose_compute(prepared.train.precision, prepared.model.full_size, training=True)
    # Mixed precision is handled by `compute`, so that errors are reduced in fp32.
    accelerator = Accelerator(mixed_precision="no", cpu=compute.device.type == "cpu")
    # It has chosen this process's card among several.
    limit_to_free_memory(compute)
    state = prepare_training(run, report, accelerator, compute, cache)
    config, progress = state.config, state.progress
    progress.began, first_step = started, progress.step
    pace, budget = PaceMeter(state), StepBudget(run, state)
    sampler = RunSampler(run, state, report, cpu_lock, cache)
    sampler.render_base()
    report.trains(first_step, budget.steps, budget.passes, pace.measured(run))

    while budget.goes_on(progress.step) and not agreed_by_all(accelerator, out_of_patience(state)):
        stop_if_asked(run, state, first_step)
        wait_for_sampler(report, cpu_lock)

        with pace.step():
            metrics = train_step(state, progress.step)
        progress.step += 1
        divergence.watch(progress.step, metrics["loss"])
        update_means(progress.means, metrics)
        if budget.settle_if_due(pace):
            report.set_steps(budget.steps)

        if len(state.holdout) and budget.evaluation_due(progress.step):
            metrics["held_out_accuracy"] = evaluate_holdout(state, report)
        report.step(progress.step, metrics, config.train_batch_size, pace.last)
        if progress.step % config.checkpoint_every == 0:
            write_checkpoint(state)
        sampler.after_step(progress.step, budget.steps)

    report.clock.finishes()
    if progress.best.weights is not None:
        state.trainable.restore(progress.best.weights)
    state.reference.flush()
    if accelerator.is_main_process:
        state.trainable.save(run.adapter)
        sampler.render_version(progress.best.step or progress.step)

    accelerator.end_training()
    accelerator.free_memory()
    if not accelerator.is_main_process:
        return None
    result = result_of(run, state, progress.seconds, budget.steps, pace.measured(run))
    return result, state.prompts


def stop_if_asked(run: RunFolder, state: TrainingState, first_step: int) -> None:
    """Write a checkpoint and raise Cancelled or Paused where the run is asked to stop.

    A process takes one step at least before it pauses, or pauses in a row would keep it from its
    end.
    """
    accelerator, step = state.accelerator, state.progress.step
    cancel = run.cancel_requested
    pause = run.pause_requested and step > first_step
    if not agreed_by_all(accelerator, cancel or pause):
        return

    write_checkpoint(state)
    # Asked anew: writing it takes seconds, in which a pause may be withdrawn or become a cancel.
    if agreed_by_all(accelerator, run.cancel_requested):
        raise Cancelled(f"Cancelled after {step} steps.")
    if agreed_by_all(accelerator, run.pause_requested):
        raise Paused(f"Paused after {step} steps.")


def update_means(means: dict[str, float], metrics: StepMetrics) -> None:
    """Move the exponential moving averages on by the metrics of a step."""
    for name, value in metrics.items():
        assert isinstance(value, float)
        means[name] = EMA_DECAY * means.get(name, value) + (1 - EMA_DECAY) * value


def out_of_patience(state: TrainingState) -> bool:
    """Return True where `patience` evaluations in a row were clearly worse than the best one."""
    return 0 < state.config.patience <= state.progress.best.worse


def wait_for_sampler(report: Reporter, cpu_lock: CpuLock) -> None:
    """Wait while images are rendered on the same cores."""
    with report.clock.waiting():
        cpu_lock.wait_until_free()


def evaluate_holdout(state: TrainingState, report: Reporter) -> float:
    """Evaluate the present adapter on held-out pairs, and keep its weights if it is the best.

    Returns the share of those pairs that it orders as people did, as the run's result counts them;
    which step is best is decided by noise samples, which tell close steps apart.
    """
    with report.clock.evaluating():
        measured = in_memory(
            state, lambda: state.holdout.measure(state.unet, state.progress.micro_batch_size)
        )
    state.progress.best.consider(
        state.progress.step,
        measured.agreement,
        len(state.holdout),
        state.trainable.state(),
    )
    if state.progress.best.step == state.progress.step:
        state.progress.best.accuracy_B = measured.accuracy_B
    return float(measured.accuracy_B.mean())
