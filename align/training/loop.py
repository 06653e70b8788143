"""The preference-tuning loop: Diffusion-DPO (Wallace et al. 2023, arXiv 2311.12908) and others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from align.client.config import TrainConfig
from align.client.cpu_lock import CpuLock
from align.client.progress import Reporter
from align.client.run_folder import RunFolder
from align.data.batch import NoiseSample, noise_samples_of_step, pair_errors
from align.device import choose_compute
from align.diffusion.losses import PairErrors, anchor_loss, implicit_accuracy
from align.errors import Cancelled, OutOfMemory, TrainingDiverged
from align.evaluation.release_checks import check_run
from align.training.checkpoint import save_checkpoint
from align.training.early_stopping import DivergenceWatch, displacement
from align.training.loss_scale import finite_gradients
from align.training.pair_accuracy import advice, holdout_result, train_probe_result
from align.training.state import TrainingState, prepare_training

METRICS = ("loss", "rewards/accuracies", "rewards/chosen", "rewards/rejected", "rewards/mean")
EVALUATIONS = 5
"""How often the held-out pairs are judged during a run."""
EMA_DECAY = 0.9
"""Of the exponential moving averages of what is logged."""


def run_training(run: RunFolder, report: Reporter, cpu_lock: CpuLock, cache: Path) -> None:
    """Train one run, from its last checkpoint if it has one, save and check what came of it."""
    trained = train(run, report, cpu_lock, cache)
    if trained is not None:
        result, prompts = trained
        report.done(result | check_run(run, prompts, result, report, cpu_lock))


def train(
    run: RunFolder, report: Reporter, cpu_lock: CpuLock, cache: Path
) -> tuple[dict[str, Any], list[str]] | None:
    """Prepare, train, evaluate_holdout and save one run; None in a helper process.

    Returns its summary, and the prompts of its votes, those held out first.
    """
    started, divergence = time.monotonic(), DivergenceWatch()
    compute = choose_compute(run.read_config()["train"].get("precision", "auto"))
    accelerator = Accelerator(mixed_precision="no", cpu=compute.device.type == "cpu")
    state = prepare_training(run, report, accelerator, compute, cache)
    config, progress = state.config, state.progress

    while progress.step < config.steps and not agreed_by_all(accelerator, out_of_patience(state)):
        if agreed_by_all(accelerator, run.cancel_requested):
            write_checkpoint(run, state)
            raise Cancelled(f"Cancelled after {progress.step} steps.")
        cpu_lock.wait_until_free()
        metrics = train_step(state, progress.step)
        progress.step += 1
        divergence.watch(progress.step, metrics["loss"])
        for name, value in metrics.items():
            before = progress.means.get(name, value)
            progress.means[name] = EMA_DECAY * before + (1 - EMA_DECAY) * value
        if len(state.holdout) and evaluation_due(progress.step, config):
            metrics["held_out_accuracy"] = evaluate_holdout(state)
        report.step(progress.step, metrics, config.train_batch_size)
        if progress.step % config.checkpoint_every == 0:
            write_checkpoint(run, state)

    if progress.best.weights is not None:
        state.trainable.restore(progress.best.weights)
    state.reference.flush()
    if accelerator.is_main_process:
        state.trainable.save(run.adapter)
    accelerator.end_training()
    accelerator.free_memory()
    if not accelerator.is_main_process:
        return None
    return summary(run, state, time.monotonic() - started), state.prompts


def evaluation_due(step: int, config: TrainConfig) -> bool:
    """Whether the held-out pairs are judged after this step."""
    return step % max(1, config.steps // EVALUATIONS) == 0 or step == config.steps


def out_of_patience(state: TrainingState) -> bool:
    """Whether held-out pairs have said, `patience` times in a row, that it only gets worse."""
    return 0 < state.config.patience <= state.progress.best.worse


def evaluate_holdout(state: TrainingState) -> float:
    """Judge the adapter of now by held-out pairs, and remember it if it is the one to keep."""
    judgement = state.holdout.measure(state.unet)
    state.progress.best.consider(
        state.progress.step,
        judgement.agreement,
        len(state.holdout),
        state.trainable.state(),
    )
    if state.progress.best.step == state.progress.step:
        state.progress.best.accuracy_B = judgement.accuracy_B
    return judgement.agreement


def write_checkpoint(run: RunFolder, state: TrainingState) -> None:
    """Write a checkpoint, after what its resume would otherwise compute in another batch."""
    state.reference.flush()
    if state.accelerator.is_main_process:
        save_checkpoint(run, state.progress, state.trainable, state.optimizer)
    state.accelerator.wait_for_everyone()


def train_step(state: TrainingState, step: int) -> dict[str, float]:
    """One optimizer step; metrics are means over the step's pairs.

    Raises:
        TrainingDiverged: loss or gradient is not finite; the weights are left as they were.
    """
    config, accelerator = state.config, state.accelerator
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate(config, step)
    samples = state.batcher.vary(
        noise_samples_of_step(
            step,
            config.train_batch_size,
            state.train_pairs,
            config.seed,
            config.noise_samples_per_pair,
        ),
        config.prompt_dropout,
        config.anchor_fraction,
    )
    mine = share_of_process(samples, accelerator.process_index, accelerator.num_processes)
    logged, norm = gradients(state, mine)
    means = accelerator.gather(torch.cat(logged, dim=1).T.contiguous()).mean(dim=0)
    metrics = dict(zip(METRICS, means.tolist(), strict=True)) | {"grad_norm": norm}
    metrics["rewards/margins"] = metrics["rewards/chosen"] - metrics["rewards/rejected"]
    if not torch.tensor(list(metrics.values())).isfinite().all():
        raise TrainingDiverged(
            f"The loss became {metrics['loss']} with gradient norm {metrics['grad_norm']}. "
            "Start again with a lower learning_rate or kappa."
        )
    state.optimizer.step()
    state.optimizer.zero_grad(set_to_none=True)
    return metrics


def gradients(state: TrainingState, samples: list[NoiseSample]) -> tuple[list[Tensor], float]:
    """Gradients of these samples, clipped; returns what is logged, and their norm before."""
    policy, most = state.policy, state.config.max_grad_norm
    return finite_gradients(
        state.progress.loss_scale,
        state.optimizer,
        lambda: backward_in_memory(state, samples),
        lambda: state.accelerator.clip_grad_norm_(policy.parameters(), most),
    )


def backward_in_memory(state: TrainingState, samples: list[NoiseSample]) -> list[Tensor]:
    """Gradients of these samples, in smaller micro-batches from the step on where memory runs out.

    Raises:
        OutOfMemory: a single pair is too much, or several processes would have to agree.
    """
    while True:
        size = state.progress.micro_batch_size or state.config.micro_batch_size
        try:
            return backward(state, samples, size)
        except torch.OutOfMemoryError:
            if size == 1 or state.accelerator.num_processes > 1:
                raise OutOfMemory(
                    f"{size} pairs at once do not fit into the device's memory. Set "
                    '"gradient_checkpointing": "all", a smaller micro_batch_size or a smaller rank.'
                ) from None
        state.optimizer.zero_grad(set_to_none=True)
        state.progress.micro_batch_size = size // 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def backward(
    state: TrainingState, samples: list[NoiseSample], micro_batch_size: int
) -> list[Tensor]:
    """Add up the gradients of these samples; returns what is logged of each micro-batch."""
    accelerator, logged = state.accelerator, []
    for micro, is_last in micro_batches(samples, micro_batch_size):
        with nullcontext() if is_last else accelerator.no_sync(state.policy):
            loss_B, values_5B = micro_step(state, micro)
            # Data-parallel gradients are averaged over processes, the batch counts all pairs.
            share = accelerator.num_processes / state.config.train_batch_size
            accelerator.backward(loss_B.sum() * share * state.progress.loss_scale.factor)
        logged.append(values_5B)
    return logged


def micro_step(state: TrainingState, samples: list[NoiseSample]) -> tuple[Tensor, Tensor]:
    """Loss per pair, and what is logged of it: rows as in METRICS."""
    kappa = state.config.kappa
    has_reference = state.objective.needs_reference or state.config.anchor_fraction > 0
    pairs, labels = state.batcher.build(samples), state.batcher.labels(samples)
    nothing_B = torch.zeros_like(labels.share_B)
    ref_chosen_B, ref_rejected_B = (
        state.reference.errors(samples, pairs) if has_reference else (nothing_B, nothing_B)
    )
    chosen_B, rejected_B = pair_errors(state.policy, pairs, state.compute)
    errors = PairErrors(
        chosen_B,
        rejected_B,
        ref_chosen_B,
        ref_rejected_B,
        share_B=labels.share_B,
        weight_B=labels.weight_B,
        liked_2B=labels.liked_2B,
        # Of earlier steps: unrelated pairs, and the same for any split of this step's batch.
        baseline=torch.tensor(max(0.0, state.progress.means.get("rewards/mean", 0.0))),
    )
    anchor_B = torch.tensor([d.anchor for d in samples], device=chosen_B.device)
    taught_B = labels.trust_B * state.loss(errors, state.loss_params)
    loss_B = torch.where(anchor_B, anchor_loss(errors, state.loss_params), taught_B)
    rewards_2B = errors.rewards_2B(kappa).detach() * has_reference
    rewards_chosen_B, rewards_rejected_B = rewards_2B.chunk(2)
    accuracy_B = implicit_accuracy(errors.logits_B(kappa).detach())
    mean_B = (rewards_chosen_B + rewards_rejected_B) / 2
    rows = [loss_B.detach(), accuracy_B, rewards_chosen_B, rewards_rejected_B, mean_B]
    return loss_B, torch.stack(rows)


def share_of_process(samples: list[NoiseSample], process: int, processes: int) -> list[NoiseSample]:
    """A process's part of a step's samples: neighbours, as one process alone would batch them."""
    size = len(samples) // processes
    return samples[process * size : (process + 1) * size]


def agreed_by_all(accelerator: Accelerator, flag: bool) -> bool:
    """What the first process thinks, in all of them: they must leave the loop together."""
    if accelerator.num_processes == 1:
        return flag
    told = torch.tensor(float(flag and accelerator.is_main_process), device=accelerator.device)
    return bool(accelerator.reduce(told, "sum") > 0)


def micro_batches(
    samples: list[NoiseSample], size: int
) -> Iterator[tuple[list[NoiseSample], bool]]:
    """The samples in groups of at most `size`, each with whether it is the last."""
    for start in range(0, len(samples), size):
        yield samples[start : start + size], start + size >= len(samples)


def learning_rate(config: TrainConfig, step: int) -> float:
    """Linear warm-up, then constant: a function of the step alone, so a resume needs no state."""
    return config.learning_rate * min(1.0, (step + 1) / max(1, config.warmup_steps))


def summary(run: RunFolder, state: TrainingState, seconds: float) -> dict[str, Any]:
    """What a finished run reports."""
    held_out, progress, reference = state.holdout, state.progress, state.reference
    accuracy_B = progress.best.accuracy_B
    judged = holdout_result(torch.empty(0) if accuracy_B is None else accuracy_B)
    means = progress.means
    micro_batch_size = progress.micro_batch_size or state.config.micro_batch_size
    asked = {"asked": reference.asked, "known": reference.known}
    alarm = displacement(means["rewards/chosen"], means["rewards/rejected"])
    return {
        "adapter": run.adapter.name,
        "objective": state.config.objective,
        "objective_title": state.objective.title,
        "pairs": state.train_pairs + len(held_out),
        "left_out": state.left_out,
        "held_out": judged,
        "settled": train_probe_result(state.train_probe.measure(state.unet).accuracy_B),
        "train_accuracy": means["rewards/accuracies"],
        "kept_step": progress.best.step or progress.step,
        "micro_batch_size": micro_batch_size,
        "micro_pairs": micro_batch_size,
        "gradient_checkpointing": state.config.gradient_checkpointing,
        "compiled": state.compiled,
        "stopped_early": progress.step < state.config.steps,
        "reference_draws": asked,
        "seconds": seconds,
        "advice": alarm or advice(judged, means["rewards/accuracies"]),
    }
