"""Write a pipeline as one .safetensors file under the names of the published code.

ComfyUI, A1111 and Forge open it, and so does Palate, to equal images. What weights do not say goes
where these programs look for it: empty tensors such as `v_pred`, and modelspec's metadata.
Configurations that are not SDXL's own go into metadata that Palate alone reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from align.client.model_defaults import EDM_SOLVERS, is_flow
from align.client.single_file.configs import STORED
from align.client.single_file.names import PREFIXES, SDXL_LAYOUT
from align.client.single_file.prediction import (
    EDM_KEYS,
    EDM_VELOCITY_KEY,
    EDM_VELOCITY_LOWEST,
    EPSILON,
    VELOCITY,
    VELOCITY_KEY,
    ZERO_SNR_KEY,
)
from align.families.family import Pipeline
from align.families.lookup import family_of
from align.files import replacing
from align.weights.checkpoint_configs import changed_configs, plain_config, scheduler_class
from align.weights.original_names import layout_of_configs, to_original

ARCHITECTURE = "stable-diffusion-xl-v1-base"
MODELSPEC_PREDICTIONS = {EPSILON: "epsilon", VELOCITY: "v"}


def write_checkpoint(
    pipeline: Pipeline, path: Path, facts: Mapping[str, str] | None = None
) -> None:
    """Write a pipeline's weights, in their own number format, to one file.

    `facts` is metadata to add; it replaces metadata of the same name.

    Raises:
        OSError: the file cannot be written.
    """
    weights = checkpoint_weights(pipeline) | dict(prediction_tensors(pipeline))
    metadata = modelspec(pipeline, path.stem) | stored_metadata(pipeline) | dict(facts or {})
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as scratch:
        save_file(weights, scratch, metadata={"format": "pt"} | metadata)


def checkpoint_weights(pipeline: Pipeline) -> dict[str, Tensor]:
    """Return the weights of all parts under the published code's names, on the CPU."""
    layout = layout_of_configs({part: plain_config(getattr(pipeline, part)) for part in PREFIXES})
    parts = {part: getattr(pipeline, part).state_dict() for part in PREFIXES}
    return {
        name: weight.detach().cpu().contiguous()
        for name, weight in to_original(parts, layout).items()
    }


def prediction_tensors(pipeline: Pipeline) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors by which other programs tell what a model predicts."""
    scheduler, kind = pipeline.scheduler.config, scheduler_class(pipeline.scheduler)
    velocity = scheduler.get("prediction_type") == VELOCITY
    if kind in EDM_SOLVERS and velocity:
        yield EDM_VELOCITY_KEY, torch.tensor(float(scheduler["sigma_max"]))
        yield EDM_VELOCITY_LOWEST, torch.tensor(float(scheduler["sigma_min"]))
    elif kind in EDM_SOLVERS:
        statistics = (pipeline.vae.config.latents_mean, pipeline.vae.config.latents_std)
        for key, numbers in zip(EDM_KEYS, statistics, strict=True):
            if numbers is not None:
                yield key, torch.tensor(numbers).view(1, -1, 1, 1)
    elif velocity:
        yield VELOCITY_KEY, torch.tensor([])
        if scheduler.get("rescale_betas_zero_snr"):
            yield ZERO_SNR_KEY, torch.tensor([])


def modelspec(pipeline: Pipeline, title: str) -> dict[str, str]:
    """Return metadata by Stability's modelspec, which web UIs display."""
    side = pipeline.unet.config.sample_size * pipeline.vae_scale_factor
    facts = {
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.implementation": family_of(pipeline).published_code,
        "modelspec.title": title,
        "modelspec.resolution": f"{side}x{side}",
    }
    layout = layout_of_configs({part: plain_config(getattr(pipeline, part)) for part in PREFIXES})
    if layout == SDXL_LAYOUT:
        facts["modelspec.architecture"] = ARCHITECTURE
    config = {**pipeline.scheduler.config, "_class_name": scheduler_class(pipeline.scheduler)}
    kind = "flow" if is_flow(config) else config.get("prediction_type", EPSILON)
    word = MODELSPEC_PREDICTIONS.get(kind)
    return facts | ({"modelspec.prediction_type": word} if word else {})


def stored_metadata(pipeline: Pipeline) -> dict[str, str]:
    """Return the configurations that are not SDXL's, as metadata; an empty object counts."""
    return {STORED: json.dumps(changed_configs(pipeline), separators=(",", ":"))}
