"""Describe a single-file checkpoint, without loading it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypedDict

from align.client.model_defaults import (
    ENCODERS,
    Configs,
    RenderDefaults,
    kind_of,
    needs_few_steps,
    render_defaults,
    require_supported,
    schedule_of,
)
from align.client.model_identity import NUMPY_TYPES, digests_of
from align.client.single_file.checkpoint import Checkpoint, open_checkpoint
from align.client.single_file.configs import INDEX, SCHEDULER, STORED
from align.client.single_file.prediction import (
    EPSILON,
    Prediction,
    chosen_prediction,
    require_told,
)
from align.client.single_file.shapes import require_known_shapes, unet_channels
from align.client.single_file.vae import require_vae
from align.client.weight_files import StoredTensor
from align.contracts.models import KIND, ModelInfo
from align.contracts.solvers import BETAS, few_step_solver
from align.errors import WrongModel

IDENTITY_PARTS = ("unet", "text_encoder", "text_encoder_2")
"""The parts that a model's identity is computed from; any autoencoder of its kind can be put in."""
PREDICTION, STEPS = "prediction", "steps"
RESOLUTION = re.compile(r"(\d{2,4})x(\d{2,4})")
NAMES_IN_METADATA = ("modelspec.title", "modelspec.tags")
TURBO_FILE = re.compile(r"(?i)sd_?xl[-_]turbo")
PIXELS_PER_LATENT, TURBO_LATENTS = 8, 64


class PredictionFields(TypedDict):
    """Fields of `ModelInfo` about what a model predicts."""

    prediction: str | None
    zero_terminal_snr: bool


def describe_checkpoint(
    file: Path, vae: str | None = None, prediction: str | None = None
) -> ModelInfo:
    """Describe a checkpoint; its name is that of the file, without the ending.

    Args:
        file: a .safetensors file.
        vae: file or folder of an autoencoder to use instead of its own.
        prediction: what it predicts, where a person chose.

    Raises:
        WrongModel: the file holds something else, or weights that cannot be trained from.
        BrokenModel: it lacks a part, or is cut short.
    """
    checkpoint = open_checkpoint(file)
    chosen = _chosen(checkpoint, prediction)
    configs = _configs(checkpoint, chosen)
    require_known_shapes(checkpoint, has_vae=vae is not None)
    require_supported(configs)
    if vae is not None:
        require_vae(vae, configs.vae)
    _require_known_formats(checkpoint, vae)

    digests = digests_of({part: checkpoint.part(part) for part in IDENTITY_PARTS})
    return ModelInfo(
        name=file.stem,
        path=str(file),
        identity=f"{KIND}-{digests.identity}",
        aliases=(f"{KIND}-{digests.as_bf16}",),
        file=str(file),
        vae=vae,
        **predicted(configs.scheduler),
        unsure=tuple(_unsure(checkpoint, configs, chosen)),
        **_defaults(checkpoint, configs),
    )


def _chosen(checkpoint: Checkpoint, prediction: str | None) -> Prediction | None:
    """Return the prediction that a person chose; None where it can only be what the file tells."""
    if prediction is None:
        return None
    scheduler = checkpoint.scheduler(None)
    if schedule_of(scheduler) == BETAS:
        return chosen_prediction(prediction)
    require_told(str(checkpoint.file), prediction, kind_of(scheduler))
    return None


def _defaults(checkpoint: Checkpoint, configs: Configs) -> RenderDefaults:
    """Return the defaults for rendering; a few-step model without a scheduler gets its solver."""
    hints = _hints(checkpoint)
    defaults = render_defaults(configs, checkpoint.file.stem, hints)
    if SCHEDULER not in checkpoint.stored and needs_few_steps(configs, checkpoint.file.stem, hints):
        told = " ".join((checkpoint.file.stem, *hints))
        return {**defaults, "scheduler": few_step_solver(told)}
    return defaults


def _hints(checkpoint: Checkpoint) -> list[str]:
    """Return what the metadata calls the model."""
    return [checkpoint.metadata[key] for key in NAMES_IN_METADATA if key in checkpoint.metadata]


def _configs(checkpoint: Checkpoint, chosen: Prediction | None) -> Configs:
    """Return the configurations, with what the file's weights and metadata say themselves."""
    unet = checkpoint.config("unet/config.json")
    unet |= {"in_channels": unet_channels(checkpoint) or unet.get("in_channels")}
    if "unet/config.json" not in checkpoint.stored:
        unet["sample_size"] = _latent_side(checkpoint) or unet["sample_size"]
    return Configs(
        title=str(checkpoint.file),
        index=checkpoint.config(INDEX),
        unet=unet,
        vae=checkpoint.config("vae/config.json"),
        scheduler=checkpoint.scheduler(chosen),
        unet_bytes=sum(tensor.size for tensor in checkpoint.part("unet").values()),
        encoders=tuple(checkpoint.config(f"{part}/config.json") for part in ENCODERS),
    )


def _latent_side(checkpoint: Checkpoint) -> int | None:
    """Return the width and height in latents that a file says it is made for, if it does."""
    noted = RESOLUTION.fullmatch(checkpoint.metadata.get("modelspec.resolution", ""))
    if noted and noted[1] == noted[2] and int(noted[1]) in range(256, 2049, 64):
        return int(noted[1]) // PIXELS_PER_LATENT
    return TURBO_LATENTS if TURBO_FILE.match(checkpoint.file.stem) else None


def _require_known_formats(checkpoint: Checkpoint, vae: str | None) -> None:
    """Raise WrongModel for weights in fp8 or another format that cannot be trained from."""
    for part, pieces in checkpoint.pieces.items():
        if part == "vae" and vae is not None:
            continue
        require_formats(checkpoint.tensors[piece.key] for piece in pieces.values())


def require_formats(tensors: Iterable[StoredTensor]) -> None:
    """Raise WrongModel unless all tensors are floating-point numbers of 16 bits or more."""
    for tensor in tensors:
        if tensor.dtype not in NUMPY_TYPES:
            raise WrongModel(
                f"{tensor.file} stores weights as {tensor.dtype}, which Palate cannot train from: "
                "it is quantized to render in less memory. Use the model's fp16, bf16 or fp32 file."
            )


def predicted(scheduler: Mapping[str, Any]) -> PredictionFields:
    """Return what a scheduler's configuration says that a model predicts."""
    if schedule_of(dict(scheduler)) != BETAS:
        return {"prediction": None, "zero_terminal_snr": False}
    return {
        "prediction": scheduler.get("prediction_type") or EPSILON,
        "zero_terminal_snr": bool(scheduler.get("rescale_betas_zero_snr")),
    }


def _unsure(checkpoint: Checkpoint, configs: Configs, chosen: Prediction | None) -> list[str]:
    """List what neither the file nor its name tells."""
    doubts = []
    if chosen is None and not checkpoint.told.sure and SCHEDULER not in checkpoint.stored:
        doubts.append(PREDICTION)
    # A file of the project says how it is sampled; others may be a merge of few-step models.
    few = needs_few_steps(configs, checkpoint.file.stem, _hints(checkpoint))
    if STORED not in checkpoint.metadata and not few:
        doubts.append(STEPS)
    return doubts
