"""The result of a finished run, as status.json keeps it."""

from __future__ import annotations

import torch

from align.client.run_folder import RunFolder
from align.contracts.rendering import look_facts
from align.contracts.run_files import MeasuredPace, ReferenceErrors, RunResult
from align.sampling.image_sampler import render_settings
from align.training.early_stopping import displacement
from align.training.likeness import alike_share
from align.training.movement import MovementMeter
from align.training.pair_accuracy import advice, holdout_result, train_probe_result
from align.training.rungs import format_of_base, pairs_at_once, recomputed
from align.training.state import TrainingState


def result_of(
    run: RunFolder, state: TrainingState, seconds: float, steps: int, pace: MeasuredPace
) -> RunResult:
    """Return what a finished run reports: accuracies, kept step, settings as used, and advice.

    `steps` are those that it was to take.
    """
    prepared = run.read_config()
    progress, reference, means = state.progress, state.reference, state.progress.means
    accuracy_B = progress.best.accuracy_B
    holdout = holdout_result(torch.empty(0) if accuracy_B is None else accuracy_B)
    movement = movement_of(state)
    # Before the train probe, which asks for reference errors as well.
    reference_errors: ReferenceErrors = {"asked": reference.requested, "known": reference.cached}
    probed = state.train_probe.measure(state.unet, progress.micro_batch_size)
    train_probe = train_probe_result(probed.accuracy_B)
    micro_batch_size = pairs_at_once(state)
    alarm = displacement(means["rewards/chosen"], means["rewards/rejected"])

    result: RunResult = {
        "adapter": run.adapter.name,
        "objective": state.config.objective,
        "objective_title": state.objective.title,
        "objective_plain": state.objective.plain,
        "pairs": state.train_pairs + len(state.holdout),
        "left_out": state.left_out,
        "held_out": holdout,
        "settled": train_probe,
        "train_accuracy": means["rewards/accuracies"],
        "kept_step": progress.best.step or progress.step,
        "micro_batch_size": micro_batch_size,
        # The former name, for one release.
        "micro_pairs": micro_batch_size,
        "gradient_checkpointing": recomputed(state),
        "base_format": format_of_base(state),
        "compiled": state.compiled,
        "stopped_early": progress.step < steps,
        "reference_draws": reference_errors,
        "seconds": seconds,
        "pace": pace,
        "look": look_facts(prepared.look or render_settings(prepared.model)),
        "movement": movement,
        "advice": alarm or advice(holdout, means["rewards/accuracies"]),
    }
    if (alike := alike_share(run)) is not None:
        result["alike"] = alike
    return result


def movement_of(state: TrainingState) -> float:
    """Measure how far the present weights have moved from the base."""
    scheduler = state.data.family.training_scheduler(state.pipeline)
    parts = (state.data, state.batcher, scheduler, state.compute, state.trainable)
    return MovementMeter(*parts, pairs_at_once(state)).measure(state.unet)
