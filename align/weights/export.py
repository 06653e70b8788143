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

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from align.adapters.kohya import (
    PREFIX,
    ExportError,
    LoraFile,
    kohya_weights,
    network_metadata,
    read_adapter,
    tensor_hash,
)
from align.adapters.sgm_names import SDXL_LAYOUT, Layout, guess_layout, layout_of
from align.client.models import HUB_NAME, ModelInfo, describe_model
from align.errors import first_line, is_disk_full
from align.files import read_json, replacing
from align.weights.dora import SCALE_NOTE, dora_weights
from align.weights.export_facts import (
    PUBLISHED_CODE,
    Source,
    describe,
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
    weights = kohya_weights(order.adapter, order.dtype, _layout(order))
    facts = describe(order.source, order.adapter, order.title, PUBLISHED_CODE)
    facts |= network_metadata(order.adapter) | training_metadata(order.source, order.title)
    _write(weights, facts, order.target)


def _write_dora(order: Order) -> None:
    base = order.model or _base(order.source)
    weights = dora_weights(order.adapter, order.dtype, _layout(order), base)
    facts = describe(order.source, order.adapter, order.title, PUBLISHED_CODE) | SCALE_NOTE
    facts |= network_metadata(order.adapter) | training_metadata(order.source, order.title)
    _write(weights, facts, order.target)


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


def _layout(order: Order) -> Layout:
    """Tell how the base's blocks are numbered: by its configuration, else by the adapter itself."""
    layers = [module.removeprefix(PREFIX) for module in order.adapter.ranks]
    for model in (order.model, order.source.model):
        layout = model and _stored_layout(model)
        if layout and layout.holds(layers):
            return layout
    layout = guess_layout(layers) or (SDXL_LAYOUT if order.adapter.for_sdxl else None)
    if layout is None or not layout.holds(layers):
        raise ExportError(
            f"{order.source.adapter} does not say which model it was trained from, and kohya's "
            "names depend on how many layers that has. Name the model, or the run folder instead "
            "of the file."
        )
    return layout


def _stored_layout(model: ModelInfo) -> Layout | None:
    """Read the layout of a model that lies on this machine."""
    try:
        return layout_of(read_json(Path(model.load_path) / "unet" / "config.json"))
    except (OSError, ValueError, TypeError, KeyError):
        return None


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
