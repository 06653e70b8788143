"""A whole diffusers pipeline folder with an adapter added into its weights."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline

from align.adapters.kohya import ExportError, LoraFile
from align.adapters.lora import fuse
from align.client.models import ModelInfo
from align.device import Compute
from align.errors import first_line
from align.families.lookup import family_of
from align.files import read_json, write_json
from align.weights.full import Replacement, is_whole
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
    """Write `model` with the adapter of the file `path` fused into its UNet to the folder `target`.

    A file of whole weights takes the place of the UNet's own.

    The sum is taken in fp32, then every weight is stored as `dtype`. `facts` go to palate.json,
    because the pipeline's own files have no place for them.

    Raises:
        ModelError: the model cannot be loaded.
        ExportError: the target holds something, or the adapter was made from another model.
    """
    with new_folder(target) as scratch:
        pipeline = load_pipeline(model, Compute(torch.device("cpu"), torch.float32, None))
        family = family_of(pipeline)
        if is_whole(path):
            Replacement(family.denoiser(pipeline)).use(path)
        else:
            _fuse(pipeline, path, adapter, model.name)
        for part in family.parts:
            getattr(pipeline, part).to(dtype)
        _check_finite(pipeline, dtype)
        pipeline.save_pretrained(scratch, safe_serialization=True)
        forget_origin(scratch)
        write_json(scratch / FACTS, facts)


def _fuse(
    pipeline: StableDiffusionXLPipeline, path: Path, adapter: LoraFile, model_name: str
) -> None:
    try:
        fuse(pipeline, family_of(pipeline).denoiser_part, path, adapter.weights)
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        raise ExportError(
            f"{path} does not fit {model_name} ({first_line(error)}). Name the model that it was "
            "trained from."
        ) from error


def _check_finite(pipeline: StableDiffusionXLPipeline, dtype: torch.dtype) -> None:
    denoiser = family_of(pipeline).denoiser(pipeline)
    if not all(weight.isfinite().all() for weight in denoiser.parameters()):
        kind = str(dtype).removeprefix("torch.")
        raise ExportError(
            f"With the adapter added, a weight is no finite number in {kind}. Export in fp32; if "
            "that fails too, the run has diverged: train again with a lower learning_rate."
        )


def forget_origin(folder: Path) -> None:
    """Diffusers notes in configurations from which path of this machine a part was loaded."""
    for path in (folder / "model_index.json", *folder.glob("*/config.json")):
        config = read_json(path)
        config.pop("_name_or_path", None)
        write_json(path, config)


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A scratch folder beside `target` that becomes it in one step, or is gone."""
    refuse_taken(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        scratch.mkdir()
        yield scratch
        refuse_taken(target)
        if target.exists():
            # Windows renames onto nothing, not even an empty folder.
            target.rmdir()
        os.replace(scratch, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def refuse_taken(target: Path) -> None:
    """Raises ExportError if `target` is anything but a free name or an empty folder."""
    if target.is_dir() and not any(target.iterdir()):
        return
    if target.exists() or target.is_symlink():
        raise ExportError(f"{target} already holds something. Name a new or an empty folder.")
