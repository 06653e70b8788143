"""Write a trained adapter for other programs.

kohya       the names that sd-scripts writes    ComfyUI, A1111, Forge, sd-scripts, diffusers
diffusers   the adapter as it is                diffusers' `load_lora_weights`
dora        a DoRA, with its scales             ComfyUI, Forge
peft        a folder with its configuration     PEFT's `PeftModel.from_pretrained`
merged      a pipeline folder, nothing to add   anything that loads SDXL folders
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
from align.client.models import HUB_NAME, ModelInfo, describe_model
from align.errors import first_line, is_disk_full
from align.families.lookup import family_of
from align.files import read_json, replacing
from align.weights.dora import SCALE_NOTE, dora_weights
from align.weights.export_facts import (
    Source,
    describe,
    family_of_source,
    read_source,
    training_metadata,
)
from align.weights.full import is_whole
from align.weights.merge import merge, refuse_taken
from align.weights.peft_folder import write_peft_folder

PRECISIONS = {"fp16": torch.float16, "fp32": torch.float32}


@dataclass(frozen=True)
class Order:
    """One export: what is written, and how."""

    source: Source
    adapter: LoraFile
    target: Path
    dtype: torch.dtype
    model: ModelInfo | None
    """The base that was named, if one was."""

    @property
    def title(self) -> str:
        """What the file calls itself."""
        return self.target.name.removesuffix(".safetensors")


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
        precision: "fp16" or "fp32" for kohya, dora and merged; the others keep the adapter's own. A
            merged fp16 weight rounds away changes below 1/2000 of it, which the others keep.
        model: the base; left out, the model that the run was made from.

    Raises:
        ExportError: the adapter cannot be read, or not be written in this form or to this place.
        RunError: the folder is not a run folder.
        ModelError: the model to merge into cannot be used.
    """
    _check(form, precision, target)
    known = read_source(source)
    adapter = _read(known.adapter, form)
    if target.exists() and target.samefile(known.adapter):
        raise ExportError(f"{target} is the adapter itself. Name another file.")

    try:
        WRITERS[form](Order(known, adapter, target, PRECISIONS[precision], model))
    except (OSError, SafetensorError) as error:
        if is_disk_full(error):
            raise
        raise ExportError(
            f"{target} cannot be written ({first_line(error)}). Name another place."
        ) from error
    return target


def _write_diffusers(order: Order) -> None:
    facts = describe(order.source, order.adapter, order.title)
    _write(order.adapter.weights, order.adapter.metadata | facts, order.target)


def _write_kohya(order: Order) -> None:
    weights = kohya_weights(order.adapter, order.dtype, _layer_names(order))
    _write(weights, _kohya_facts(order), order.target)


def _kohya_facts(order: Order) -> dict[str, str]:
    """Return the metadata that web UIs read, with whose layer names the file uses."""
    family = family_of_source(order.source)
    facts = describe(order.source, order.adapter, order.title, family.published_code)
    facts |= network_metadata(order.adapter)
    if base := family.base_names(order.adapter):
        facts["ss_base_model_version"] = base.kohya
    return facts | training_metadata(order.source, order.title)


def _write_dora(order: Order) -> None:
    base = order.model or _base(order.source)
    weights = dora_weights(order.adapter, order.dtype, _layer_names(order), base)
    _write(weights, _kohya_facts(order) | SCALE_NOTE, order.target)


def _write_peft(order: Order) -> None:
    facts = describe(order.source, order.adapter, order.title)
    model = order.model or order.source.model
    base = model.path if model and HUB_NAME.fullmatch(model.path) else None
    write_peft_folder(order.adapter, order.target, facts, base)


def _write_merged(order: Order) -> None:
    facts = describe(order.source, order.adapter, order.title)
    base = order.model or _base(order.source)
    merge(order.source.adapter, order.adapter, base, order.target, order.dtype, facts)


WRITERS: dict[str, Callable[[Order], None]] = {
    "kohya": _write_kohya,
    "diffusers": _write_diffusers,
    "dora": _write_dora,
    "peft": _write_peft,
    "merged": _write_merged,
}
FORMS = tuple(WRITERS)
FOLDERS = ("peft", "merged")
"""The forms that are a folder, not a file."""


def _layer_names(order: Order) -> LayerNames:
    """Find what layers are called: by the base's configuration, else by the adapter itself."""
    for model in (order.model, order.source.model):
        config = model and _stored_config(model)
        if model and config:
            names = family_of(model).published_names(order.adapter, config)
            if names is not None:
                return names

    # A base may be gone, or be one that was named although the adapter is of another size.
    names = family_of_source(order.source).published_names(order.adapter)
    if names is None:
        raise ExportError(
            f"{order.source.adapter} does not say which model it was trained from, and kohya's "
            "names depend on how many layers that has. Name the model, or the run folder instead "
            "of the file."
        )
    return names


def _stored_config(model: ModelInfo) -> dict[str, Any] | None:
    """Read the denoiser's configuration of a model that lies on this machine."""
    try:
        config = read_json(Path(model.load_path) / family_of(model).denoiser_part / "config.json")
    except (OSError, ValueError):
        return None
    return config if isinstance(config, dict) else None


def _check(form: str, precision: str, target: Path) -> None:
    if form not in FORMS:
        raise ExportError(f"Unknown form {form!r}. Known ones: {', '.join(FORMS)}.")
    if precision not in PRECISIONS:
        raise ExportError(f"Unknown precision {precision!r}. Known ones: {', '.join(PRECISIONS)}.")
    if form in FOLDERS:
        refuse_taken(target)
        if target.suffix == ".safetensors":
            raise ExportError(f"The {form} form is a folder: name it without .safetensors.")
    elif target.is_dir() or target.suffix != ".safetensors":
        raise ExportError(f"{target} is no file name for an adapter: end it in .safetensors.")


def _read(path: Path, form: str) -> LoraFile:
    if not is_whole(path):
        return read_adapter(path)
    if form != "merged":
        raise ExportError(
            f"{path} holds all weights of a UNet, and {form} has a place for adapters only. "
            "Export it with --form merged."
        )
    return LoraFile({}, {}, {}, {})


def _base(source: Source) -> ModelInfo:
    """The model of the run, as it is now."""
    if source.model is None:
        raise ExportError(
            f"{source.adapter} does not say which model it was trained from. "
            "Name the model, or the run folder instead of the file."
        )
    model = describe_model(source.model.path)
    if not model.is_same(source.model):
        raise ExportError(
            f"{model.name} is no longer the model that this run was trained from "
            f"({source.model.identity}, now {model.identity}). Put the old one back, or name a "
            "model to merge into."
        )
    return model


def _write(weights: dict[str, Tensor], facts: dict[str, str], target: Path) -> None:
    digest = tensor_hash(weights)
    hashes = {"sshs_model_hash": digest, "modelspec.hash_sha256": f"0x{digest}"}
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as scratch:
        save_file(weights, scratch, metadata={"format": "pt"} | facts | hashes)
