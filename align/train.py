"""The Diffusion-DPO training loop (Wallace et al. 2023, arXiv 2311.12908), with a LoRA."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from align.batch import Draw, NoisyPairs, draws_of_step, pair_errors
from align.checkpoint import save_checkpoint
from align.config import TrainConfig
from align.device import choose_compute
from align.errors import Cancelled, TrainingDiverged
from align.held_out import advice, verdict
from align.lesson import Lesson, prepare_lesson
from align.lora import as_reference, save_adapter
from align.loss import diffusion_dpo_loss, implicit_accuracy, preference_logits
from align.progress import Reporter
from align.run_folder import RunFolder
from align.turns import Turns

METRICS = ("loss", "accuracy", "margin_winner", "margin_loser")
EVALUATIONS = 5
"""How often the held-out pairs are judged during a run."""


def run_training(run: RunFolder, report: Reporter, turns: Turns) -> None:
    """Prepare, train, judge and save one run, from its last checkpoint if it has one."""
    started, accuracy = time.monotonic(), 0.5
    compute = choose_compute()
    accelerator = Accelerator(
        mixed_precision=compute.mixed_precision, cpu=compute.device.type == "cpu"
    )
    lesson = prepare_lesson(run, report, accelerator, compute)
    config, unet, optimizer = lesson.config, lesson.unet, lesson.optimizer
    evaluate_every = max(1, config.steps // EVALUATIONS)

    for step in range(lesson.first_step, config.steps):
        if run.cancel_requested:
            save_checkpoint(run, step, unet, optimizer)
            raise Cancelled(f"Cancelled after {step} steps.")
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(config, step)
        turns.wait()
        draws = draws_of_step(step, config.batch_pairs, lesson.train_pairs, config.seed)
        metrics = train_step(lesson, draws)
        accuracy += 0.1 * (metrics["accuracy"] - accuracy)
        done = step + 1
        if len(lesson.held_out) and (done % evaluate_every == 0 or done == config.steps):
            metrics["held_out_accuracy"] = float(lesson.held_out.accuracy_B(unet).mean())
        report.step(done, metrics, config.batch_pairs)
        if done % config.checkpoint_every == 0 and accelerator.is_main_process:
            save_checkpoint(run, done, unet, optimizer)

    if accelerator.is_main_process:
        save_adapter(unet, run.adapter)
        report.done(summary(run, lesson, accuracy, time.monotonic() - started))
    accelerator.end_training()


def train_step(lesson: Lesson, draws: list[Draw]) -> dict[str, float]:
    """One optimizer step over these draws; metrics are means over the step's pairs.

    Raises:
        TrainingDiverged: loss or gradient is not finite; the weights are left as they were.
    """
    config, accelerator, policy = lesson.config, lesson.accelerator, lesson.policy
    logged = []
    mine = draws[accelerator.process_index :: accelerator.num_processes]
    for micro, is_last in micro_batches(mine, config.micro_pairs):
        with nullcontext() if is_last else accelerator.no_sync(policy):
            loss_B, values_4B = micro_step(lesson, lesson.batcher.build(micro))
            # Data-parallel gradients are averaged over processes, the batch counts all pairs.
            accelerator.backward(loss_B.sum() * accelerator.num_processes / config.batch_pairs)
        logged.append(values_4B)
    norm = accelerator.clip_grad_norm_(policy.parameters(), config.max_grad_norm)
    means = accelerator.gather(torch.cat(logged, dim=1).T.contiguous()).mean(dim=0)
    metrics = dict(zip(METRICS, means.tolist(), strict=True)) | {"grad_norm": float(norm)}
    if not torch.tensor(list(metrics.values())).isfinite().all():
        raise TrainingDiverged(
            f"The loss became {metrics['loss']} with gradient norm {metrics['grad_norm']}. "
            "Start again with a lower learning_rate or kappa."
        )
    lesson.optimizer.step()
    lesson.optimizer.zero_grad(set_to_none=True)
    return metrics


def micro_step(lesson: Lesson, pairs: NoisyPairs) -> tuple[Tensor, Tensor]:
    """Loss per pair, and what is logged of it: rows as in METRICS."""
    kappa, compute = lesson.config.kappa, lesson.compute
    with torch.no_grad(), as_reference(lesson.unet):
        ref_chosen_B, ref_rejected_B = pair_errors(lesson.unet, pairs, compute)
    chosen_B, rejected_B = pair_errors(lesson.policy, pairs, compute)
    logits_B = preference_logits(chosen_B, rejected_B, ref_chosen_B, ref_rejected_B, kappa)
    loss_B = diffusion_dpo_loss(logits_B)
    winner_B, loser_B = kappa * (ref_chosen_B - chosen_B), kappa * (ref_rejected_B - rejected_B)
    values_4B = torch.stack([loss_B, implicit_accuracy(logits_B), winner_B, loser_B])
    return loss_B, values_4B.detach()


def micro_batches(draws: list[Draw], size: int) -> Iterator[tuple[list[Draw], bool]]:
    """The draws in groups of at most `size`, each with whether it is the last."""
    for start in range(0, len(draws), size):
        yield draws[start : start + size], start + size >= len(draws)


def learning_rate(config: TrainConfig, step: int) -> float:
    """Linear warm-up, then constant: a function of the step alone, so a resume needs no state."""
    return config.learning_rate * min(1.0, (step + 1) / max(1, config.warmup_steps))


def summary(run: RunFolder, lesson: Lesson, accuracy: float, seconds: float) -> dict[str, Any]:
    """What a finished run reports."""
    held_out = lesson.held_out
    judged = verdict(held_out.accuracy_B(lesson.unet) if len(held_out) else torch.empty(0))
    return {
        "adapter": run.adapter.name,
        "pairs": lesson.train_pairs + len(held_out),
        "left_out": lesson.left_out,
        "held_out": judged,
        "train_accuracy": accuracy,
        "seconds": seconds,
        "advice": advice(judged, accuracy),
    }
