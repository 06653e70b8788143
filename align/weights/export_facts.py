"""Metadata of exported files, and the run that an adapter comes from.

Keys follow sd-scripts (`ss_…`) and Stability's modelspec 1.0.1; those of Palate (`palate.…`)
describe the run. Unknown values and paths of this machine are left out.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from align.adapters.kohya import ExportError, LoraFile
from align.client.config import LEGACY_SETTINGS
from align.client.run_folder import RunFolder
from align.client.single_file.configs import SCHEDULER
from align.client.single_file.model_config import model_config
from align.contracts.models import ModelInfo
from align.contracts.rendering import RenderSettings
from align.contracts.run_files import RunState, RunStatus
from align.contracts.snapshot_files import MANIFEST
from align.errors import ModelError, ModelNotFound
from align.families.family import ModelFamily
from align.families.lookup import DEFAULT_FAMILY, family_of

FIRST_OBJECTIVE = "dpo"
"""Objective of runs whose settings are older than that setting."""
PREDICTION_TYPES = {"epsilon": "epsilon", "v_prediction": "v"}
COMMENT_PREFIX = "Palate: "
SETTINGS_BY_KOHYA = {
    "learning_rate": "ss_learning_rate",
    "steps": "ss_max_train_steps",
    "warmup_steps": "ss_lr_warmup_steps",
    "max_grad_norm": "ss_max_grad_norm",
    "seed": "ss_seed",
}


@dataclass(frozen=True)
class AdapterSource:
    """An adapter file, with the run that trained it where that is known."""

    adapter: Path
    run: str | None = None
    model: ModelInfo | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    status: RunStatus | None = None
    snapshot_id: str | None = None
    snapshot_sha256: str | None = None
    """SHA-256 of the snapshot's manifest, which names that of every vote and image."""
    look: RenderSettings | None = None
    """What the run's images are rendered with, in place of the model's own settings."""

    @property
    def title(self) -> str:
        """Return the name of the run, or of the file where there is none."""
        return self.run or self.adapter.stem


def read_source(source: Path) -> AdapterSource:
    """Read the run of a run folder, or return an adapter's file without one.

    Raises:
        BrokenRun: a folder that is not a run folder.
        ExportError: a run without an adapter.
    """
    if not source.is_dir():
        return AdapterSource(source)

    run = RunFolder(source)
    # No more than this of config.json: settings of another release do no harm to an adapter.
    model, status = run.stored_model(), run.stored_status()
    if not run.adapter.is_file():
        raise ExportError(
            f"{source} has no adapter: its run is {status.state}. Wait for it, or go on with "
            f"`python -m align train {source}`."
        )

    manifest = run.snapshot / MANIFEST
    return AdapterSource(
        run.adapter,
        source.resolve().name,
        model,
        run.stored_settings(),
        status,
        run.stored_snapshot_id(),
        hashlib.sha256(manifest.read_bytes()).hexdigest() if manifest.is_file() else None,
        run.stored_look(),
    )


def find_source(source: Path | str | RunFolder) -> AdapterSource:
    """Read a source that a program names.

    Raises:
        ModelNotFound: there is no such file or folder.
        BrokenRun, ExportError: as `read_source`.
    """
    path = source.path if isinstance(source, RunFolder) else Path(source)
    if not path.exists():
        raise ModelNotFound(f"There is no file {path}. Name an adapter's file, or a run folder.")
    return read_source(path)


def family_of_source(source: AdapterSource) -> ModelFamily:
    """Return the family of the model that an adapter was trained from."""
    return family_of(source.model) if source.model else DEFAULT_FAMILY


def shared_metadata(
    source: AdapterSource, adapter: LoraFile, title: str, implementation: str = "diffusers"
) -> dict[str, str]:
    """Return the metadata of every form: modelspec's keys and Palate's."""
    base = family_of_source(source).base_names(adapter)
    own = {f"palate.{name}": value for name, value in _run_facts(source).items()}
    spec: dict[str, str | float | None] = {
        "sai_model_spec": "1.0.1",
        "architecture": base.modelspec if base else None,
        "implementation": implementation,
        "title": title,
        "date": _date(source.status),
    }

    if source.model:
        spec["resolution"] = f"{source.model.width}x{source.model.height}"
        spec["prediction_type"] = _prediction_type(source.model)
    return _strings({f"modelspec.{name}": value for name, value in spec.items()} | own)


def _run_facts(source: AdapterSource) -> dict[str, str | float | None]:
    if source.run is None:
        return {}
    result = (source.status and source.status.result) or {}
    return {
        "objective": FIRST_OBJECTIVE,
        # Under their former names too, for one release: programs look for them in files.
        **{
            old: source.settings[new]
            for old, new in LEGACY_SETTINGS.items()
            if new in source.settings
        },
        **source.settings,
        "run": source.run,
        "pairs": result.get("pairs"),
        "snapshot": source.snapshot_id,
        "snapshot_sha256": source.snapshot_sha256,
        "base": source.model and source.model.name,
        "base_identity": source.model and source.model.identity,
    }


def training_metadata(source: AdapterSource, title: str) -> dict[str, str]:
    """Return sd-scripts' keys of a training, those that mean the same here."""
    facts: dict[str, str | float | None] = {"ss_output_name": title}
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
        facts["ss_training_comment"] = f"{COMMENT_PREFIX}{objective} on {pairs} pairs"
    return _strings(facts)


def _date(status: RunStatus | None) -> str | None:
    """Return the end of a finished run in ISO 8601, else None."""
    if status is None or status.state != RunState.DONE:
        return None
    return datetime.fromtimestamp(int(status.updated), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _prediction_type(model: ModelInfo) -> str | None:
    """Return modelspec's prediction type; None for a model that is not on this machine."""
    try:
        config = model_config(model, SCHEDULER) or {}
    except ModelError:
        return None
    return PREDICTION_TYPES.get(config.get("prediction_type", ""))


def _strings(facts: dict[str, str | float | None]) -> dict[str, str]:
    """Convert values to strings, as safetensors' metadata requires, and drop unknown ones."""
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in facts.items()
        if value is not None
    }
