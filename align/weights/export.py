"""Export a trained adapter for other programs.

kohya       the names that sd-scripts writes    ComfyUI, A1111, Forge, sd-scripts, diffusers
diffusers   the adapter as it is                diffusers' `load_lora_weights`
dora        a DoRA, with its scales             ComfyUI, Forge
peft        a folder with its configuration     PEFT's `PeftModel.from_pretrained`
merged      a pipeline folder, nothing to add   anything that loads SDXL folders
checkpoint  one file with the original names    ComfyUI, A1111, Forge, sd-scripts, diffusers
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from align.adapters.kohya import (
    ExportError,
    LayerNames,
    LoraFile,
    kohya_weights,
    network_metadata,
    read_adapter,
    tensor_hash,
)
from align.client.models import HUB_NAME, describe_model
from align.client.single_file.model_config import model_config
from align.contracts.models import ModelInfo
from align.errors import ModelError, first_line, is_disk_full
from align.families.lookup import family_of
from align.files import replacing
from align.weights.checkpoint_writer import write_checkpoint
from align.weights.dora import SCALE_NOTE, dora_weights
from align.weights.export_facts import (
    AdapterSource,
    family_of_source,
    read_source,
    shared_metadata,
    training_metadata,
)
from align.weights.full import holds_full_weights
from align.weights.merge import merge, merged_pipeline, refuse_nonempty
from align.weights.model_card import write_card
from align.weights.peft_folder import write_peft_folder

PRECISIONS = {"fp16": torch.float16, "fp32": torch.float32}


@dataclass(frozen=True)
class ExportRequest:
    """Parameters of one export."""

    source: AdapterSource
    adapter: LoraFile
    target: Path
    dtype: torch.dtype
    model: ModelInfo | None
    """The base that the caller named, if any."""

    @property
    def title(self) -> str:
        """Return the title in the file's metadata: its name without the ending."""
        return self.target.name.removesuffix(".safetensors")


@dataclass(frozen=True)
class FileContent:
    """What a file for another program holds."""

    weights: dict[str, Tensor]
    metadata: dict[str, str]


def export(
    source: Path,
    target: Path,
    form: str,
    *,
    precision: str = "fp16",
    model: ModelInfo | None = None,
) -> Path:
    """Write the adapter of a run folder, or an adapter file, to `target`; the path is returned.

    Args:
        source: a run folder, or an adapter.safetensors.
        target: a .safetensors file, which is replaced; for FOLDERS a new or empty folder.
        form: one of FORMS.
        precision: "fp16" or "fp32"; diffusers and peft keep the adapter's own. A fp16 weight of
            merged and checkpoint rounds away changes below 1/2000 of it, which the others keep.
        model: the base; left out, the model that the run was made from.

    Raises:
        ExportError: the adapter cannot be read, or not be written in this form or to this place.
        BrokenRun: the folder is not a run folder.
        ModelError: the model to merge into cannot be used.
    """
    _check(form, precision, target)
    known = read_source(source)
    adapter = _read(known.adapter, form)
    if target.exists() and target.samefile(known.adapter):
        raise ExportError(f"{target} is the adapter itself. Name another file.")

    try:
        request = ExportRequest(known, adapter, target, PRECISIONS[precision], model)
        WRITERS[form](request)
        write_card(known, target, request.title)
    except (OSError, SafetensorError) as error:
        if is_disk_full(error):
            raise
        raise ExportError(
            f"{target} cannot be written ({first_line(error)}). Name another place."
        ) from error
    return target


def _write_diffusers(request: ExportRequest) -> None:
    facts = shared_metadata(request.source, request.adapter, request.title)
    _write(request.adapter.weights, request.adapter.metadata | facts, request.target)


def kohya_content(request: ExportRequest) -> FileContent:
    """Return an adapter under kohya's names; raises ExportError."""
    weights = kohya_weights(request.adapter, request.dtype, _layer_names(request))
    return FileContent(weights, _kohya_facts(request))


def dora_content(request: ExportRequest) -> FileContent:
    """Return a DoRA under kohya's names, with its scales; raises ExportError or ModelError."""
    base = request.model or base_of(request.source)
    weights = dora_weights(request.adapter, request.dtype, _layer_names(request), base)
    return FileContent(weights, _kohya_facts(request) | SCALE_NOTE)


def _write_kohya(request: ExportRequest) -> None:
    content = kohya_content(request)
    _write(content.weights, content.metadata, request.target)


def _kohya_facts(request: ExportRequest) -> dict[str, str]:
    """Return the metadata of files with kohya's names, which web UIs display."""
    family = family_of_source(request.source)
    facts = shared_metadata(request.source, request.adapter, request.title, family.published_code)
    facts |= network_metadata(request.adapter)
    if base := family.base_names(request.adapter):
        facts["ss_base_model_version"] = base.kohya
    return facts | training_metadata(request.source, request.title)


def _write_dora(request: ExportRequest) -> None:
    content = dora_content(request)
    _write(content.weights, content.metadata, request.target)


def _write_peft(request: ExportRequest) -> None:
    facts = shared_metadata(request.source, request.adapter, request.title)
    model = request.model or request.source.model
    base = model.path if model and HUB_NAME.fullmatch(model.path) else None
    write_peft_folder(request.adapter, request.target, facts, base)


def _write_merged(request: ExportRequest) -> None:
    facts = shared_metadata(request.source, request.adapter, request.title)
    base = request.model or base_of(request.source)
    merge(request.source.adapter, request.adapter, base, request.target, request.dtype, facts)


def _write_checkpoint(request: ExportRequest) -> None:
    base = request.model or base_of(request.source)
    pipeline = merged_pipeline(request.source.adapter, request.adapter, base, request.dtype)
    # What the writer finds in the pipeline itself is told in its words.
    facts = shared_metadata(request.source, request.adapter, request.title)
    own = {name: value for name, value in facts.items() if not name.startswith(WRITER_KEYS)}
    write_checkpoint(pipeline, request.target, own)


WRITERS: dict[str, Callable[[ExportRequest], None]] = {
    "kohya": _write_kohya,
    "diffusers": _write_diffusers,
    "dora": _write_dora,
    "peft": _write_peft,
    "merged": _write_merged,
    "checkpoint": _write_checkpoint,
}
FORMS = tuple(WRITERS)
FOLDERS = ("peft", "merged")
"""The forms that are a folder, not a file."""
WHOLE_MODELS = ("merged", "checkpoint")
"""The forms that hold the base as well, and so a place for full weights."""
WRITER_KEYS = ("modelspec.implementation", "modelspec.architecture", "modelspec.prediction_type",
               "modelspec.sai_model_spec")  # fmt: skip
"""Metadata that the writer of checkpoints takes from the pipeline itself."""


def _layer_names(request: ExportRequest) -> LayerNames:
    """Return the layers' published names, by the base's configuration or by the adapter alone."""
    for model in (request.model, request.source.model):
        config = model and _stored_config(model)
        if model and config:
            names = family_of(model).published_names(request.adapter, config)
            if names is not None:
                return names

    # A base may be gone, or be one that was named although the adapter is of another size.
    names = family_of_source(request.source).published_names(request.adapter)
    if names is None:
        raise ExportError(
            f"{request.source.adapter} does not say which model it was trained from, and kohya's "
            "names depend on how many layers that has. Name the model, or the run folder instead "
            "of the file."
        )
    return names


def _stored_config(model: ModelInfo) -> dict[str, Any] | None:
    """Read the denoiser's configuration of a model that lies on this machine."""
    try:
        return model_config(model, f"{family_of(model).denoiser_part}/config.json")
    except (OSError, ValueError, ModelError):
        return None


def _check(form: str, precision: str, target: Path) -> None:
    if form not in FORMS:
        raise ExportError(f"Unknown form {form!r}. Known ones: {', '.join(FORMS)}.")
    if precision not in PRECISIONS:
        raise ExportError(f"Unknown precision {precision!r}. Known ones: {', '.join(PRECISIONS)}.")
    if form in FOLDERS:
        refuse_nonempty(target)
        if target.suffix == ".safetensors":
            raise ExportError(f"The {form} form is a folder: name it without .safetensors.")
    elif target.is_dir() or target.suffix != ".safetensors":
        raise ExportError(f"{target} is no file name for an adapter: end it in .safetensors.")


def _read(path: Path, form: str) -> LoraFile:
    if not holds_full_weights(path):
        return read_adapter(path)
    if form not in WHOLE_MODELS:
        raise ExportError(
            f"{path} holds all weights of a UNet, and {form} has a place for adapters only. "
            "Export it with --form merged, or in one file with --form checkpoint."
        )
    return LoraFile({}, {}, {}, {})


def base_of(source: AdapterSource) -> ModelInfo:
    """Describe the model of a run again; raises ExportError where it is another one by now."""
    if source.model is None:
        raise ExportError(
            f"{source.adapter} does not say which model it was trained from. "
            "Name the model, or the run folder instead of the file."
        )

    named = source.model
    model = describe_model(named.path, vae=named.vae, prediction=named.prediction)
    if not model.is_same(source.model):
        raise ExportError(
            f"{model.name} is no longer the model that this run was trained from "
            f"({source.model.identity}, now {model.identity}). Put the old one back, or name a "
            "model to merge into."
        )
    return model


def _write(weights: dict[str, Tensor], facts: dict[str, str], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as scratch:
        save_file(weights, scratch, metadata=file_metadata(weights, facts))


def file_metadata(weights: dict[str, Tensor], facts: dict[str, str]) -> dict[str, str]:
    """Return the whole metadata of a file: the facts, and hashes of its weights."""
    digest = tensor_hash(weights)
    hashes = {"sshs_model_hash": digest, "modelspec.hash_sha256": f"0x{digest}"}
    return {"format": "pt"} | facts | hashes
