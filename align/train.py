"""The Diffusion-DPO training loop (Wallace et al. 2023, arXiv 2311.12908), with a LoRA."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel

from align.batch import Batcher, Draw, draws_of_step, pair_errors
from align.checkpoint import resume, save_checkpoint
from align.config import TrainConfig, held_out_count
from align.device import Compute, choose_compute, lower_priority
from align.encode import encode_pairs
from align.errors import AlignError, RunError, TrainingDiverged
from align.held_out import HeldOut, advice, verdict
from align.lora import add_lora, as_reference, save_adapter
from align.loss import diffusion_dpo_loss, implicit_accuracy, preference_logits
from align.models import ModelInfo
from align.noise import training_scheduler
from align.pipeline import first_line, load_pipeline, quiet_libraries
from align.progress import Reporter
from align.run_folder import RunFolder
from align.snapshot import Snapshot, read_snapshot, split_by_prompt


class Cancelled(RunError):
    """Somebody asked the run to stop."""


def train_folder(path: Path) -> None:
    """Train the run in this folder, from its last checkpoint if it has one.

    How it ended stands in status.json; whatever goes wrong is raised as well.

    Raises:
        AlignError: the folder, its snapshot or its model cannot be used, or training diverged.
    """
    lower_priority()
    quiet_libraries()
    run = RunFolder(path)
    settings = run.read_config()
    config = TrainConfig(**settings["train"])
    compute = choose_compute()
    accelerator = Accelerator(
        mixed_precision=compute.mixed_precision, cpu=compute.device.type == "cpu"
    )
    if not accelerator.is_main_process:
        run_training(run, settings, config, compute, accelerator, Reporter(run, 0, speaks=False))
        return
    with run.lock():
        report = Reporter(run, config.steps)
        try:
            run_training(run, settings, config, compute, accelerator, report)
        except Cancelled:
            report.cancelled()
        except AlignError as error:
            report.failed(str(error))
            raise
        except Exception as error:
            report.failed(f"The trainer stopped: {first_line(error)} See {run.log}.")
            raise


def run_training(
    run: RunFolder,
    settings: dict[str, Any],
    config: TrainConfig,
    compute: Compute,
    accelerator: Accelerator,
    report: Reporter,
) -> None:
    """Prepare, train, judge and save one run."""
    torch.set_num_threads(int(settings["threads"]))
    started = time.monotonic()
    report.phase("reading the votes", 0.0)
    snapshot = read_snapshot(run.snapshot)
    report.phase("loading the model", 0.1)
    model = ModelInfo(**settings["model"])
    pipeline = load_pipeline(model, compute)
    held_out_pairs = held_out_count(len(snapshot.pairs), config.held_out)
    train_pairs, held_pairs = split_by_prompt(snapshot.pairs, held_out_pairs, config.seed)
    data = encode_pairs(
        pipeline,
        compute,
        train_pairs + held_pairs,
        (model.width, model.height),
        run.cache,
        lambda done, of: report.phase(f"encoding pictures, {done} of {of}", 0.4 + 0.5 * done / of),
    )
    scheduler = training_scheduler(pipeline.scheduler)
    unet = release_encoders(pipeline)
    parameters = add_lora(unet, config.rank, config.seed)
    if config.gradient_checkpointing:
        unet.enable_gradient_checkpointing()
    optimizer = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=0.0)
    first_step = resume(run, unet, optimizer)
    policy, optimizer = accelerator.prepare(unet, optimizer)
    unet = accelerator.unwrap_model(policy)
    batcher = Batcher(data, scheduler, compute, config.seed, config.noise_floor)
    rows = list(range(len(train_pairs), len(data.keys)))
    held_out = HeldOut(batcher, rows, config.micro_pairs, config.kappa, compute)

    accuracy = 0.5
    for step in range(first_step, config.steps):
        if run.cancel_requested:
            save_checkpoint(run, step, unet, optimizer)
            raise Cancelled(f"Cancelled after {step} steps.")
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(config, step)
        draws = draws_of_step(step, config.batch_pairs, len(train_pairs), config.seed)
        metrics = train_step(policy, unet, optimizer, batcher, draws, config, compute, accelerator)
        accuracy += 0.1 * (metrics["accuracy"] - accuracy)
        done = step + 1
        if len(held_out) and (done == config.steps or done % max(1, config.steps // 5) == 0):
            metrics["held_out_accuracy"] = float(held_out.accuracy_B(unet).mean())
        report.step(done, metrics, config.batch_pairs)
        if done % config.checkpoint_every == 0 and accelerator.is_main_process:
            save_checkpoint(run, done, unet, optimizer)

    if accelerator.is_main_process:
        save_adapter(unet, run.adapter)
        judged = verdict(held_out.accuracy_B(unet) if len(held_out) else torch.empty(0))
        report.done(summary(run, snapshot, judged, accuracy, time.monotonic() - started))
    accelerator.end_training()


def train_step(
    policy: torch.nn.Module,
    unet: UNet2DConditionModel,
    optimizer: torch.optim.Optimizer,
    batcher: Batcher,
    draws: list[Draw],
    config: TrainConfig,
    compute: Compute,
    accelerator: Accelerator,
) -> dict[str, float]:
    """One optimizer step over these draws; metrics are means over the step's pairs.

    Raises:
        TrainingDiverged: loss or gradient is not finite; the weights are left as they were.
    """
    logged = []
    mine = draws[accelerator.process_index :: accelerator.num_processes]
    for micro, is_last in micro_batches(mine, config.micro_pairs):
        pairs = batcher.build(micro)
        with torch.no_grad(), as_reference(unet):
            ref_chosen_B, ref_rejected_B = pair_errors(unet, pairs, compute)
        with nullcontext() if is_last else accelerator.no_sync(policy):
            chosen_B, rejected_B = pair_errors(policy, pairs, compute)
            logits_B = preference_logits(
                chosen_B, rejected_B, ref_chosen_B, ref_rejected_B, config.kappa
            )
            loss_B = diffusion_dpo_loss(logits_B)
            # Data-parallel gradients are averaged over processes, the batch counts all pairs.
            accelerator.backward(loss_B.sum() * accelerator.num_processes / config.batch_pairs)
        logged.append(
            torch.stack([loss_B, implicit_accuracy(logits_B),
                         config.kappa * (ref_chosen_B - chosen_B),
                         config.kappa * (ref_rejected_B - rejected_B)]).detach()
        )  # fmt: skip
    norm = accelerator.clip_grad_norm_(policy.parameters(), config.max_grad_norm)
    means = accelerator.gather(torch.cat(logged, dim=1).T.contiguous()).mean(dim=0)
    names = ("loss", "accuracy", "margin_winner", "margin_loser")
    metrics = dict(zip(names, means.tolist(), strict=True)) | {"grad_norm": float(norm)}
    if not all(torch.tensor(list(metrics.values())).isfinite()):
        raise TrainingDiverged(
            f"The loss became {metrics['loss']} with gradient norm {metrics['grad_norm']}. "
            "Start again with a lower learning_rate or kappa."
        )
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return metrics


def micro_batches(draws: list[Draw], size: int) -> Iterator[tuple[list[Draw], bool]]:
    """The draws in groups of at most `size`, each with whether it is the last."""
    for start in range(0, len(draws), size):
        yield draws[start : start + size], start + size >= len(draws)


def learning_rate(config: TrainConfig, step: int) -> float:
    """Linear warm-up, then constant: a function of the step alone, so a resume needs no state."""
    return config.learning_rate * min(1.0, (step + 1) / max(1, config.warmup_steps))


def release_encoders(pipeline: StableDiffusionXLPipeline) -> UNet2DConditionModel:
    """Let go of everything but the UNet: latents and embeddings are cached by now."""
    unet = pipeline.unet
    for name in ("vae", "text_encoder", "text_encoder_2"):
        setattr(pipeline, name, None)
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return unet


def summary(
    run: RunFolder, snapshot: Snapshot, held_out: dict[str, Any], accuracy: float, seconds: float
) -> dict[str, Any]:
    """What a finished run reports."""
    return {
        "adapter": run.adapter.name,
        "pairs": len(snapshot.pairs),
        "left_out": snapshot.left_out,
        "held_out": held_out,
        "train_accuracy": accuracy,
        "seconds": seconds,
        "advice": advice(held_out, accuracy),
    }
