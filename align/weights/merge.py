"""Merging: a pipeline with an adapter added to its weights, and the folder of one."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from align.adapters.kohya import PREFIX, ExportError, LoraFile
from align.adapters.lora import fuse
from align.contracts.models import ModelInfo
from align.device import Compute
from align.errors import first_line
from align.families.family import DenoiserNetwork, Pipeline
from align.families.lookup import family_of
from align.files import read_json, share, write_json
from align.weights.full import WeightSwapper, holds_full_weights
from align.weights.lora_forms import base_weights
from align.weights.pipeline import load_pipeline

FACTS = "palate.json"


def merge(
    path: Path,
    adapter: LoraFile,
    model: ModelInfo,
    target: Path,
    dtype: torch.dtype,
    facts: dict[str, str],
) -> None:
    """Write the result of `merged_pipeline` to the folder `target`.

    `facts` are written to palate.json, because no file of a pipeline holds metadata.

    Raises:
        ModelError, ExportError: as `merged_pipeline`; or the target holds something.
    """
    with create_folder(target) as scratch:
        pipeline = merged_pipeline(path, adapter, model, dtype)
        pipeline.save_pretrained(scratch, safe_serialization=True)
        remove_local_paths(scratch)
        write_json(scratch / FACTS, facts)


def merged_pipeline(
    path: Path, adapter: LoraFile, model: ModelInfo, dtype: torch.dtype
) -> Pipeline:
    """Load `model` with the adapter of the file `path` fused into its denoiser.

    Full weights replace the denoiser's own. Sums are taken in fp32 from the weights as they are
    stored, then every weight is converted to `dtype`.

    Raises:
        ModelError: the model cannot be loaded.
        ExportError: the adapter was made from another model, or a weight is no finite number.
    """
    whole = holds_full_weights(path)
    # A few-step adapter is merged into the base as it is loaded, and that in fp32, too.
    narrow = not whole and not model.few_steps
    pipeline = load_pipeline(
        model, Compute(torch.device("cpu"), dtype if narrow else torch.float32, None)
    )
    family = family_of(pipeline)
    if whole:
        WeightSwapper(family.denoiser(pipeline)).use(path)
    else:
        if narrow and dtype != torch.float32:
            widen_layers(family.denoiser(pipeline), adapter, model)
        _fuse(pipeline, path, adapter, model.name)

    for part in family.parts:
        getattr(pipeline, part).to(dtype)
    # Checked after rounding: a weight may be finite in fp32 and overflow in fp16.
    _check_finite(pipeline, dtype)
    return pipeline


def widen_layers(denoiser: DenoiserNetwork, adapter: LoraFile, model: ModelInfo) -> None:
    """Give the layers that an adapter changes the base's weights as they are stored, in fp32.

    The others need no more digits than they are written with: SDXL is 14 GB in fp32, 7 in fp16.
    Layers that the denoiser does not have are left to whoever adds the adapter.
    """
    modules = dict(denoiser.named_modules())
    with base_weights(model) as stored:
        for layer in adapter.ranks:
            name = layer.removeprefix(PREFIX)
            module, weight = modules.get(name), stored.get(f"{name}.weight")
            if module is not None and weight is not None:
                shape = module.weight.shape
                module.weight.data = weight.to(torch.float32, copy=True).reshape(shape)


def _fuse(pipeline: Pipeline, path: Path, adapter: LoraFile, model_name: str) -> None:
    try:
        fuse(pipeline, family_of(pipeline).denoiser_part, path, adapter.weights)
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        raise ExportError(
            f"{path} does not fit {model_name} ({first_line(error)}). Name the model that it was "
            "trained from."
        ) from error


def _check_finite(pipeline: Pipeline, dtype: torch.dtype) -> None:
    denoiser = family_of(pipeline).denoiser(pipeline)
    if not all(weight.isfinite().all() for weight in denoiser.parameters()):
        kind = str(dtype).removeprefix("torch.")
        raise ExportError(
            f"With the adapter added, a weight is no finite number in {kind}. Export in fp32; if "
            "that fails too, the run has diverged: train again with a lower learning_rate."
        )


def remove_local_paths(folder: Path) -> None:
    """Remove the paths of this machine that diffusers writes into configurations."""
    for path in (folder / "model_index.json", *folder.glob("*/config.json")):
        config = read_json(path)
        config.pop("_name_or_path", None)
        write_json(path, config)


@contextmanager
def create_folder(target: Path) -> Iterator[Path]:
    """Provide a scratch folder that is renamed to `target` on success and deleted on failure."""
    refuse_nonempty(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        scratch.mkdir()
        yield scratch
        # Writing takes minutes, in which somebody may have put something there.
        refuse_nonempty(target)
        for file in filter(Path.is_file, scratch.rglob("*")):
            share(file)
        if target.exists():
            # Windows renames onto nothing, not even an empty folder.
            target.rmdir()
        os.replace(scratch, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def refuse_nonempty(target: Path) -> None:
    """Raise ExportError unless `target` is a free name or an empty folder."""
    if target.is_dir() and not any(target.iterdir()):
        return
    if target.exists() or target.is_symlink():
        raise ExportError(f"{target} already holds something. Name a new or an empty folder.")
