"""Write a trained adapter for other programs.

diffusers   the adapter as it is                             `load_lora_weights`
kohya       the names that web UIs know                      ComfyUI, A1111, Forge, diffusers
merged      a pipeline folder with the adapter in its UNet   anything that loads SDXL folders

Metadata follows sd-scripts (`ss_…`), Stability's modelspec 1.0.1 and, under `palate.`, tells what
the run was. What is not known is left out, and so is every path of this machine.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from align.files import read_json, replacing
from align.full import is_whole
from align.kohya import (
    Adapter,
    ExportError,
    kohya_weights,
    network_metadata,
    read_adapter,
    tensor_hash,
)
from align.merge import merge, refuse_taken
from align.models import ModelInfo, describe_model
from align.run_folder import RunFolder, RunStatus

FORMS = ("diffusers", "kohya", "merged")
PRECISIONS = {"fp16": torch.float16, "fp32": torch.float32}
FIRST_OBJECTIVE = "dpo"
"""What runs minimised before their settings named an objective."""
PREDICTION_TYPES = {"epsilon": "epsilon", "v_prediction": "v"}
SETTINGS_BY_KOHYA = {
    "learning_rate": "ss_learning_rate",
    "steps": "ss_max_train_steps",
    "warmup_steps": "ss_lr_warmup_steps",
    "max_grad_norm": "ss_max_grad_norm",
    "seed": "ss_seed",
}


@dataclass(frozen=True)
class Source:
    """An adapter file and what is known of the run that made it."""

    adapter: Path
    run: str | None = None
    model: ModelInfo | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    status: RunStatus | None = None
    snapshot_id: str | None = None
    snapshot_sha256: str | None = None
    """SHA-256 of the snapshot's manifest, which names that of every vote and picture."""


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
        target: a .safetensors file, which is replaced; for `merged` a new or empty folder.
        form: one of FORMS.
        precision: "fp16" or "fp32" for kohya and merged; diffusers keeps the adapter's own. A
            merged fp16 weight rounds away changes below 1/2000 of it, which the others keep.
        model: what to merge into; left out, the model that the run was made from.

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
    title = target.name.removesuffix(".safetensors")
    facts = describe(known, adapter, title)
    dtype = PRECISIONS[precision]
    if form == "merged":
        merge(known.adapter, adapter, model or _base(known), target, dtype, facts)
    elif form == "kohya":
        facts |= network_metadata(adapter) | training_metadata(known, title)
        _write(kohya_weights(adapter, dtype), facts, target)
    else:
        _write(adapter.weights, adapter.metadata | facts, target)
    return target


def _check(form: str, precision: str, target: Path) -> None:
    if form not in FORMS:
        raise ExportError(f"Unknown form {form!r}. Known ones: {', '.join(FORMS)}.")
    if precision not in PRECISIONS:
        raise ExportError(f"Unknown precision {precision!r}. Known ones: {', '.join(PRECISIONS)}.")
    if form == "merged":
        refuse_taken(target)
    elif target.is_dir() or target.suffix != ".safetensors":
        raise ExportError(f"{target} is no file name for an adapter: end it in .safetensors.")


def _read(path: Path, form: str) -> Adapter:
    if not is_whole(path):
        return read_adapter(path)
    if form != "merged":
        raise ExportError(
            f"{path} holds all weights of a UNet, and {form} has a place for adapters only. "
            "Export it with --form merged."
        )
    return Adapter({}, {}, {}, {})


def read_source(source: Path) -> Source:
    """Find the adapter, and in a run folder what is known of its making.

    Raises:
        RunError: a folder that is not a run folder.
        ExportError: a run without an adapter.
    """
    if not source.is_dir():
        return Source(source)
    run = RunFolder(source)
    config, status = run.read_config(), run.stored_status()
    if not run.adapter.is_file():
        raise ExportError(
            f"{source} has no adapter: its run is {status.state}. Wait for it, or go on with "
            f"`python -m align train {source}`."
        )
    manifest = run.snapshot / "manifest.json"
    return Source(
        run.adapter,
        source.resolve().name,
        ModelInfo(**config["model"]),
        config.get("train", {}),
        status,
        config.get("snapshot_id"),
        hashlib.sha256(manifest.read_bytes()).hexdigest() if manifest.is_file() else None,
    )


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


def describe(source: Source, adapter: Adapter, title: str) -> dict[str, str]:
    """Metadata that every form carries: modelspec, and what Palate knows of the run."""
    own = {f"palate.{name}": value for name, value in _run_facts(source).items()}
    spec: dict[str, Any] = {
        "sai_model_spec": "1.0.1",
        "architecture": "stable-diffusion-xl-v1-base/lora" if adapter.for_sdxl else None,
        "implementation": "diffusers",
        "title": title,
        "date": _date(source.status),
    }
    if source.model:
        spec["resolution"] = f"{source.model.width}x{source.model.height}"
        spec["prediction_type"] = _prediction_type(source.model)
    return _strings({f"modelspec.{name}": value for name, value in spec.items()} | own)


def _run_facts(source: Source) -> dict[str, Any]:
    if source.run is None:
        return {}
    result = (source.status and source.status.result) or {}
    return {
        "objective": FIRST_OBJECTIVE,
        **source.settings,
        "run": source.run,
        "pairs": result.get("pairs"),
        "snapshot": source.snapshot_id,
        "snapshot_sha256": source.snapshot_sha256,
        "base": source.model and source.model.name,
        "base_identity": source.model and source.model.identity,
    }


def training_metadata(source: Source, title: str) -> dict[str, str]:
    """What sd-scripts writes of a training under `ss_`, as far as it means the same here."""
    facts: dict[str, Any] = {"ss_output_name": title}
    facts |= {
        theirs: source.settings[ours]
        for ours, theirs in SETTINGS_BY_KOHYA.items()
        if ours in source.settings
    }
    if source.model:
        facts["ss_sd_model_name"] = source.model.name
    if source.status and source.status.result:
        facts["ss_steps"] = source.status.step
        objective = source.settings.get("objective", FIRST_OBJECTIVE)
        pairs = source.status.result.get("pairs")
        facts["ss_training_comment"] = f"Palate: {objective} on {pairs} pairs"
    return _strings(facts)


def _date(status: RunStatus | None) -> str | None:
    """When the run ended, by ISO 8601."""
    if status is None or status.state != "done":
        return None
    return datetime.fromtimestamp(int(status.updated), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _prediction_type(model: ModelInfo) -> str | None:
    """What the network predicts, if the model lies in a folder here that says so."""
    config = read_json(Path(model.load_path) / "scheduler" / "scheduler_config.json") or {}
    return PREDICTION_TYPES.get(config.get("prediction_type", ""))


def _strings(facts: dict[str, Any]) -> dict[str, str]:
    """Safetensors metadata holds strings only; what is unknown is left out."""
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in facts.items()
        if value is not None
    }


def _write(weights: dict[str, Tensor], facts: dict[str, str], target: Path) -> None:
    digest = tensor_hash(weights)
    hashes = {"sshs_model_hash": digest, "modelspec.hash_sha256": f"0x{digest}"}
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as scratch:
        save_file(weights, scratch, metadata={"format": "pt"} | facts | hashes)
