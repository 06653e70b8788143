"""Training state: everything that an optimizer step needs, prepared from a run folder."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor

from align.client.config import TrainConfig
from align.client.objectives import OBJECTIVES, Objective
from align.client.planning.costs import evaluation_counts, probe_counts
from align.client.planning.resolution import side_within
from align.client.progress import Reporter
from align.client.run_folder import RunFolder
from align.data.batch import Batcher
from align.data.encode import EncodedPairs, OnProgress, encode_pairs
from align.data.latent_cache import ErrorCache, TensorCache, fingerprint
from align.data.referenced_images import encode_references
from align.data.snapshot import drop_bad_images, hold_out, read_snapshot
from align.device import Compute
from align.diffusion import losses
from align.diffusion.losses import LossParams, PairErrors
from align.errors import Cancelled
from align.families.family import DenoiserNetwork, Pipeline
from align.families.lookup import family_of
from align.training.budget.resolution import choose_resolution
from align.training.checkpoint import TrainProgress, resume
from align.training.fitting.encoding import tile_where_short
from align.training.optimizer import check_optimizer, compile_blocks, optimizer_for
from align.training.pair_accuracy import PairAccuracy, train_probe_rows
from align.training.parallel import require_data_parallel
from align.training.reference import Reference
from align.training.sample_inputs import SampleInputs, encode_samples
from align.training.settled import fit_passes, put_base_on_device, take_rungs
from align.training.trainable import Trainable, make_trainable
from align.weights.pipeline import load_pipeline, quiet_libraries
from align.weights.quantized import check_format

Loss = Callable[[PairErrors, LossParams], Tensor]


@dataclass(frozen=True)
class TrainingState:
    """Model, data, optimizer and progress of one run."""

    run: RunFolder
    config: TrainConfig
    compute: Compute
    accelerator: Accelerator
    policy: torch.nn.Module
    """The denoiser as accelerate wraps it: gradients go through it."""
    unet: DenoiserNetwork
    """The same denoiser, unwrapped: adapters are switched on and off on it."""
    pipeline: Pipeline
    """Without its encoders, which are released once everything is encoded."""
    data: EncodedPairs
    trainable: Trainable
    optimizer: torch.optim.Optimizer
    batcher: Batcher
    train_pairs: int
    """Pairs to train on: the first rows of `data`; those held out follow."""
    holdout: PairAccuracy
    """Accuracy on the held-out pairs."""
    train_probe: PairAccuracy
    """Accuracy on some of the training pairs, measured at the end."""
    left_out: dict[str, int]
    """Votes that are not trained on, counted by reason."""
    prompts: list[str]
    """Prompts of the votes, those held out first."""
    reference: Reference
    objective: Objective
    loss: Loss
    loss_params: LossParams
    progress: TrainProgress
    """Continued from the last checkpoint, if there is one."""
    compiled: str
    """on, off, or the reason why blocks are not compiled although the settings ask for it."""
    samples: SampleInputs | None = None
    """The prompts that are rendered before, during and after training."""


def prepare_training(
    run: RunFolder, report: Reporter, accelerator: Accelerator, compute: Compute, cache: Path
) -> TrainingState:
    """Read the votes, load the model, encode everything, add the adapter, resume a checkpoint.

    Raises:
        SnapshotError: the votes cannot be learned from.
        ModelError: the model cannot be loaded.
    """
    config = begin(run, accelerator, compute)
    training_data = read_training_data(run, report, accelerator, config, compute, cache)
    pipeline, data = training_data.pipeline, training_data.data
    batcher = batcher_of(training_data, compute, config)
    unet = release_encoders(pipeline)

    # The base is identified before fewer bits and an adapter change its weights and their names.
    base = fingerprint(unet)
    config = put_base_on_device(run, accelerator, config, unet, data.largest_size, compute)
    trainable = make_trainable(unet, config, run.start)
    errors = open_error_cache(cache, accelerator)
    reference = Reference(errors, batcher, compute, base, trainable, config.base_format)

    config = fit_passes(run, accelerator, config, unet, data.largest_size, compute)
    optimizer = optimizer_for(trainable, config, compute)
    progress = resume(run, trainable, optimizer, compute.autocast)
    take_rungs(progress, unet, reference, config, data.largest_size, compute)
    compiled = compile_blocks(unet, config, compute)
    probed, probe_samples = probe_counts(config)
    train_probe = train_probe_rows(data, training_data.train_pairs, config.seed, probed)
    measuring = (config.micro_batch_size, config.kappa, compute)
    rows, held_samples = training_data.holdout, evaluation_counts(config)[1]
    objective = OBJECTIVES[config.objective]
    policy, optimizer = accelerator.prepare(unet, optimizer)
    return TrainingState(
        run=run,
        config=config,
        compute=compute,
        accelerator=accelerator,
        policy=policy,
        unet=accelerator.unwrap_model(policy),
        pipeline=pipeline,
        data=data,
        trainable=trainable,
        optimizer=optimizer,
        batcher=batcher,
        train_pairs=training_data.train_pairs,
        holdout=PairAccuracy(batcher, reference, rows, *measuring, held_samples),
        train_probe=PairAccuracy(batcher, reference, train_probe, *measuring, probe_samples),
        left_out=training_data.left_out,
        prompts=training_data.prompts,
        reference=reference,
        objective=objective,
        loss=getattr(losses, objective.function),
        loss_params=loss_params_of(config),
        progress=progress,
        compiled=compiled,
        samples=training_data.samples,
    )


def begin(run: RunFolder, accelerator: Accelerator, compute: Compute) -> TrainConfig:
    """Return the settings of a run, with the resolution that its device decides on.

    What cannot work here is refused before anything is loaded, which takes minutes.

    Raises:
        InvalidSettings: a library or a device is missing, or processes would share weights.
    """
    prepared = run.read_config()
    config, model = prepared.train, prepared.model
    torch.set_num_threads(prepared.threads)
    check_optimizer(config, compute)
    check_format(config.base_format, compute)
    require_data_parallel(accelerator, config.train_batch_size)
    return choose_resolution(run, accelerator, config, (model.width, model.height), compute)


@dataclass(frozen=True)
class TrainingData:
    """The loaded model and the encoded pairs of a run, those to train on first."""

    pipeline: Pipeline
    data: EncodedPairs
    train_pairs: int
    left_out: dict[str, int]
    prompts: list[str]
    samples: SampleInputs | None = None

    @property
    def holdout(self) -> list[int]:
        """Return the rows of the held-out pairs."""
        return list(range(self.train_pairs, len(self.data.keys)))


def read_training_data(
    run: RunFolder,
    report: Reporter,
    accelerator: Accelerator,
    config: TrainConfig,
    compute: Compute,
    cache: Path,
) -> TrainingData:
    """Read the votes, load the model, encode images and prompts.

    Raises:
        SnapshotError: the votes cannot be learned from.
        ModelError: the model cannot be loaded.
    """
    report.phase("reading the votes", 0.0)
    snapshot = drop_bad_images(read_snapshot(run.snapshot, OBJECTIVES[config.objective].kinds))

    report.phase("loading the model", 0.1)
    quiet_libraries()
    prepared = run.read_config()
    model, look = prepared.model, prepared.look
    # The denoiser waits elsewhere until the encoders have done their part: a small device does not
    # hold both.
    family = family_of(model)
    encoders = family.parts.keys() - {family.denoiser_part}
    pipeline = load_pipeline(
        model,
        compute,
        look.loras if look else (),
        lambda loaded: family.to_device(loaded, compute, encoders),
    )
    side = side_within(config.resolution, (model.width, model.height))
    tile_where_short(run, accelerator, pipeline, compute, (side, side))

    size, encoded = (model.width, model.height), TensorCache(cache / "encoded")
    on_encoded = telling_of_encoded(run, report, accelerator)
    # Only then is it known which pairs can be learned from.
    snapshot = encode_references(
        pipeline, compute, snapshot, size, encoded, on_encoded, config.resolution
    )
    train_pairs, holdout_pairs = hold_out(snapshot.pairs, config.holdout_fraction, config.seed)
    data = encode_pairs(
        pipeline,
        compute,
        train_pairs + holdout_pairs,
        size,
        encoded,
        on_encoded,
        look.clip_skip if look else 1,
        config.resolution,
        snapshot.references.sizes,
    )
    prompts = list(dict.fromkeys(pair.prompt for pair in [*holdout_pairs, *train_pairs]))
    samples = encode_samples(pipeline, compute, prepared)
    return TrainingData(pipeline, data, len(train_pairs), snapshot.left_out, prompts, samples)


def telling_of_encoded(run: RunFolder, report: Reporter, accelerator: Accelerator) -> OnProgress:
    """Return what tells how many images are encoded, and stops where that was asked for."""

    def on_encoded(done: int, of: int) -> None:
        report.encoding(done, of)
        # Several processes would wait for one that ends alone: they stop before their first step.
        if run.cancel_requested and accelerator.num_processes == 1:
            raise Cancelled("Cancelled before its first step.")

    return on_encoded


def batcher_of(training_data: TrainingData, compute: Compute, config: TrainConfig) -> Batcher:
    """Return what makes batches of the encoded pairs, on the model's own noise schedule."""
    data = training_data.data
    scheduler = data.family.training_scheduler(training_data.pipeline)
    return Batcher(data, scheduler, compute, config.seed, config.min_timestep_fraction)


def open_error_cache(cache: Path, accelerator: Accelerator) -> ErrorCache:
    """Open the cached errors of references, their files merged where no other process writes."""
    errors = ErrorCache(cache / "errors")
    if accelerator.num_processes == 1:
        errors.merge()
    return errors


def loss_params_of(config: TrainConfig) -> LossParams:
    """Take the hyperparameters of the objectives out of a run's settings."""
    return LossParams(**{f.name: getattr(config, f.name) for f in fields(LossParams)})


def release_encoders(pipeline: Pipeline) -> DenoiserNetwork:
    """Release everything but the denoiser, and return it: the rest has done its part."""
    family = family_of(pipeline)
    unet = family.denoiser(pipeline)
    for name in family.parts.keys() - {family.denoiser_part}:
        setattr(pipeline, name, None)
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return unet
