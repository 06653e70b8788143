"""config.json of a run folder: the model and the settings of a run (no torch here)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from align.client.config import TrainConfig, current_names
from align.contracts.models import ModelInfo, read_model
from align.contracts.rendering import RenderSettings, read_settings
from align.contracts.run_samples import SamplePrompt, as_prompts
from align.errors import BrokenRun, InvalidSettings
from align.files import link, read_json, write_json

FORMAT = 1


@dataclass(frozen=True, slots=True)
class RunConfig:
    """The model and the settings of a run."""

    model: ModelInfo
    train: TrainConfig
    threads: int
    """Threads to compute on: another number would change the last bits of a resumed run."""
    snapshot_id: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The settings that somebody asked for, by the names that they used."""
    look: RenderSettings | None = None
    """What images are rendered with, in place of the model's own settings."""
    samples: Sequence[SamplePrompt] = ()
    """Prompts that are rendered before, during and after training, each with its seed."""


def write_run_config(path: Path, config: RunConfig) -> None:
    """Write config.json."""
    write_json(
        path,
        {
            "format": FORMAT,
            "model": asdict(config.model),
            "snapshot_id": config.snapshot_id,
            "settings": dict(config.settings),
            "train": asdict(config.train),
            "threads": config.threads,
            **({"look": look_fields(config.look, path.parent)} if config.look else {}),
            **({"samples": list(config.samples)} if config.samples else {}),
        },
    )


def read_run_config(path: Path) -> RunConfig:
    """Read config.json.

    Raises:
        BrokenRun: it is missing, is no JSON, or lacks or holds what this Palate does not know.
    """
    document = _document(path)
    try:
        settings = _train_settings(document)
        if unknown := settings.keys() - {known.name for known in fields(TrainConfig)}:
            raise InvalidSettings(f"this Palate knows no setting {', '.join(sorted(unknown))}")
        return RunConfig(
            read_model(document["model"]),
            TrainConfig(**settings),
            int(document.get("threads", 1)),
            document.get("snapshot_id"),
            document.get("settings", {}),
            _look(document, path.parent),
            tuple(as_prompts(document.get("samples", []))),
        )
    except KeyError as error:
        raise BrokenRun(f"{path} lacks {error}. Start a new run.") from None
    except (AttributeError, TypeError, ValueError, InvalidSettings) as error:
        reason = str(error).rstrip(".")
        raise BrokenRun(f"{path} cannot be used: {reason}. Start a new run.") from None


def stored_settings(path: Path) -> dict[str, Any]:
    """Return the settings of training that config.json holds, by their present names.

    Other releases knew fewer of them, or more. Those that contradict each other, in a file edited
    by hand, are returned as they stand.
    """
    document = _document(path)
    try:
        return _train_settings(document)
    except InvalidSettings:
        return dict(document["train"])
    except (AttributeError, TypeError):
        return {}


def stored_model(path: Path) -> ModelInfo:
    """Return the model that config.json holds, whatever the rest of it is.

    Raises:
        BrokenRun: the file is missing, is no JSON, or has no usable model.
    """
    document = _document(path)
    try:
        return read_model(document["model"])
    except KeyError as error:
        raise BrokenRun(f"{path} lacks {error}. Put it back from a copy.") from None
    except (AttributeError, TypeError, ValueError) as error:
        raise BrokenRun(
            f"The model in {path} cannot be used: {error}. Put the file back from a copy."
        ) from None


def stored_look(path: Path) -> RenderSettings | None:
    """Return the look that config.json holds, whatever the rest of it is; None for none.

    What another release knows besides is left out.

    Raises:
        BrokenRun: the file is missing, is no JSON, or has no usable look.
    """
    known = {known.name for known in fields(RenderSettings)}
    try:
        given = _document(path).get("look") or {}
        look = {name: value for name, value in given.items() if name in known}
        return _look({"look": look or None}, path.parent)
    except (AttributeError, TypeError, ValueError) as error:
        raise BrokenRun(
            f"The look in {path} cannot be used: {error}. Put the file back from a copy."
        ) from None


def stored_snapshot_id(path: Path) -> str | None:
    """Return the id of the snapshot that config.json names; raises BrokenRun for no such file."""
    return _document(path).get("snapshot_id")


def look_fields(look: RenderSettings, folder: Path) -> dict[str, Any]:
    """Return a look as config.json holds it: LoRAs in the run folder by their names in it."""
    loras = [
        (path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path), weight)
        for path, weight in ((Path(lora), weight) for lora, weight in look.loras)
    ]
    return {**asdict(look), "loras": loras}


def with_own_loras(look: RenderSettings, folder: Path) -> RenderSettings:
    """Put the LoRAs of a look into a folder of a run, which is all that a trainer reads.

    Raises:
        InvalidSettings: the file of one is gone.
    """
    loras = []
    for source, weight in look.loras:
        target = folder / Path(source).parent.name / Path(source).name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not Path(source).is_file():
            raise InvalidSettings(
                f"The LoRA {target.name} under the base is gone. Put it back, or take it out "
                "of the look."
            )
        link(Path(source), target)
        loras.append((str(target), weight))
    return replace(look, loras=tuple(loras))


def _look(document: dict[str, Any], folder: Path) -> RenderSettings | None:
    if document.get("look") is None:
        return None
    look = read_settings(document["look"])
    loras = tuple((str(folder / lora), weight) for lora, weight in look.loras)
    return replace(look, loras=loras)


def _train_settings(document: dict[str, Any]) -> dict[str, Any]:
    # Runs prepared by an earlier release name their settings as it did.
    return current_names(document.get("train", {}))


def _document(path: Path) -> dict[str, Any]:
    try:
        document = read_json(path)
    except ValueError as error:
        raise BrokenRun(f"{path} is not JSON: {error}.") from None
    if not isinstance(document, dict):
        raise BrokenRun(f"{path.parent} is not a run folder: it has no {path.name}.")
    return document
