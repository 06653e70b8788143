"""What an exported file says of itself: the run that made it, and what it is.

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

from align.adapters.kohya import ExportError, LoraFile
from align.client.models import ModelInfo
from align.client.run_folder import RunFolder, RunStatus
from align.families.family import ModelFamily
from align.families.lookup import DEFAULT_FAMILY, family_of
from align.files import read_json

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
    """SHA-256 of the snapshot's manifest, which names that of every vote and image."""


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


def family_of_source(source: Source) -> ModelFamily:
    """Return the family of the model that an adapter was trained from."""
    return family_of(source.model) if source.model else DEFAULT_FAMILY


def describe(
    source: Source, adapter: LoraFile, title: str, implementation: str = "diffusers"
) -> dict[str, str]:
    """Return the metadata that every form carries: modelspec, and what Palate knows of the run."""
    base = family_of_source(source).base_names(adapter)
    own = {f"palate.{name}": value for name, value in _run_facts(source).items()}
    spec: dict[str, Any] = {
        "sai_model_spec": "1.0.1",
        "architecture": base and base.modelspec,
        "implementation": implementation,
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
