"""One optimizer step: micro-batches, the loss of each pair, gradients and the update.

Shapes: B pairs; a doubled batch (2B) holds the chosen images first, then the rejected ones.
"""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import Tensor

from align.client.config import TrainConfig
from align.contracts.run_files import StepMetrics
from align.data.batch import NoiseSample, noise_samples_of_step, pair_errors
from align.diffusion.losses import PairErrors, anchor_loss, implicit_accuracy
from align.errors import TrainingDiverged
from align.training.loss_scale import finite_gradients
from align.training.rungs import in_memory, pairs_at_once
from align.training.state import TrainingState


def train_step(state: TrainingState, step: int) -> StepMetrics:
    """Take one optimizer step; return metrics as means over the step's pairs.

    Raises:
        TrainingDiverged: loss or gradient is not finite; the weights are left as they were.
    """
    config, accelerator = state.config, state.accelerator
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate(config, step)

    samples = noise_samples_of_step(
        step,
        config.train_batch_size,
        state.train_pairs,
        config.seed,
        config.noise_samples_per_pair,
    )
    samples = state.batcher.assign_roles(samples, config.prompt_dropout, config.anchor_fraction)
    own = share_of_process(samples, accelerator.process_index, accelerator.num_processes)
    logged, norm = gradients(state, own)

    means = accelerator.gather(torch.cat(logged, dim=1).T.contiguous()).mean(dim=0)
    loss, accuracy, chosen, rejected, mean = means.tolist()
    metrics: StepMetrics = {
        "loss": loss,
        "rewards/accuracies": accuracy,
        "rewards/chosen": chosen,
        "rewards/rejected": rejected,
        "rewards/mean": mean,
        "grad_norm": norm,
        "rewards/margins": chosen - rejected,
    }
    if not torch.tensor(list(metrics.values())).isfinite().all():
        raise TrainingDiverged(
            f"The loss became {metrics['loss']} with gradient norm {metrics['grad_norm']}. "
            "Start again with a lower learning_rate or kappa."
        )
    state.optimizer.step()
    state.optimizer.zero_grad(set_to_none=True)
    return metrics


def learning_rate(config: TrainConfig, step: int) -> float:
    """Return the learning rate of a step: linear warm-up, then constant.

    A function of the step alone, so a resumed run needs no scheduler state.
    """
    return config.learning_rate * min(1.0, (step + 1) / max(1, config.warmup_steps))


def share_of_process(samples: list[NoiseSample], process: int, processes: int) -> list[NoiseSample]:
    """Return one process's part of a step: neighbors, as a single process would batch them."""
    size = len(samples) // processes
    return samples[process * size : (process + 1) * size]


def gradients(state: TrainingState, samples: list[NoiseSample]) -> tuple[list[Tensor], float]:
    """Compute clipped gradients; return what is logged, and the gradient norm before clipping.

    Raises:
        OutOfMemory: a single pair is too much.
    """
    policy, max_norm = state.policy, state.config.max_grad_norm
    return finite_gradients(
        state.progress.loss_scale,
        state.optimizer,
        lambda: in_memory(state, lambda: backward(state, samples, pairs_at_once(state))),
        lambda: state.accelerator.clip_grad_norm_(policy.parameters(), max_norm),
    )


def backward(
    state: TrainingState, samples: list[NoiseSample], micro_batch_size: int
) -> list[Tensor]:
    """Accumulate gradients over micro-batches; return the logged rows [5, B] of each of them."""
    accelerator, logged = state.accelerator, []
    batches = state.batcher.micro_batches(samples, micro_batch_size)
    for number, micro in enumerate(batches, start=1):
        # Gradients are exchanged between processes once a step, with the last micro-batch.
        with nullcontext() if number == len(batches) else accelerator.no_sync(state.policy):
            loss_B, rows_5B = pair_losses(state, micro)
            # Data-parallel gradients are averaged over processes, the batch counts all pairs.
            share = accelerator.num_processes / state.config.train_batch_size
            accelerator.backward(loss_B.sum() * share * state.progress.loss_scale.factor)
        logged.append(rows_5B)
    return logged


def pair_losses(state: TrainingState, samples: list[NoiseSample]) -> tuple[Tensor, Tensor]:
    """Return the loss of each pair (loss_B), and what is logged of it.

    Its rows are loss, accuracy, reward of the chosen and of the rejected image, and mean reward.

    Diffusion-DPO, Eq. 14 (arXiv 2311.12908): policy and reference denoise both images of a pair at
    the same timestep and noise, and the objective compares their errors.
    """
    kappa = state.config.kappa
    has_reference = state.objective.needs_reference or state.config.anchor_fraction > 0
    pairs, labels = state.batcher.build(samples), state.batcher.labels(samples)

    zeros_B = torch.zeros_like(labels.share_B)
    ref_chosen_B, ref_rejected_B = (
        state.reference.errors(samples, pairs) if has_reference else (zeros_B, zeros_B)
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

    is_anchor_B = torch.tensor([sample.anchor for sample in samples], device=chosen_B.device)
    preference_B = labels.trust_B * state.loss(errors, state.loss_params)
    loss_B = torch.where(is_anchor_B, anchor_loss(errors, state.loss_params), preference_B)

    rewards_2B = errors.rewards_2B(kappa).detach() * has_reference
    rewards_chosen_B, rewards_rejected_B = rewards_2B.chunk(2)
    accuracy_B = implicit_accuracy(errors.logits_B(kappa).detach())
    mean_B = (rewards_chosen_B + rewards_rejected_B) / 2
    rows = [loss_B.detach(), accuracy_B, rewards_chosen_B, rewards_rejected_B, mean_B]
    return loss_B, torch.stack(rows)
