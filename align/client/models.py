"""Model descriptions: a model by name, folder or hub name, without loading it (no torch here)."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from align.client.hub import Hub, HubUnavailable, describe_remote, is_complete
from align.client.model_defaults import (
    ENCODERS,
    FEW_STEP_SOLVERS,
    Configs,
    guessed_defaults,
    kind_of,
    preset_of,
    render_defaults,
    require_sdxl,
    require_supported,
    steps_of,
)
from align.client.model_identity import digests_of, legacy_digest
from align.client.named_paths import path_of
from align.client.single_file.configs import SCHEDULER, sdxl_config
from align.client.single_file.describe import IDENTITY_PARTS, PREDICTION, describe_checkpoint
from align.client.single_file.model_config import model_config
from align.client.single_file.prediction import (
    Prediction,
    chosen_prediction,
    require_told,
)
from align.client.single_file.vae import require_vae
from align.client.weight_files import check_whole, read_header, weight_files
from align.contracts.models import EMBEDDED, FAST, KIND, ModelInfo, embedded_folder
from align.contracts.solvers import BETAS
from align.errors import BrokenModel, ModelNotFound, WrongModel

FEW_STEP_ADAPTER = "few_steps.safetensors"
FEW_STEP_SEGMENTS = 8
"""Segments of the denoising path that a few-step adapter is trained on; its steps start at some of
their borders."""
PARTS = {
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
    "text_encoder_2": "model",
}
HUB_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*")


def describe_model(
    name_or_path: str | None = None,
    hub: Hub | None = None,
    *,
    vae: str | None = None,
    prediction: str | None = None,
) -> ModelInfo:
    """Describe the model of this name, folder or file; None is the embedded one.

    Args:
        name_or_path: "emoji", "emoji-fast", a pipeline folder, a .safetensors checkpoint or a hub
            name.
        hub: where a hub name is looked up; left out, the hub that the environment names.
        vae: file or folder of an autoencoder to use in place of the model's own.
        prediction: "epsilon", "v_prediction" or "sample"; left out, what the model says itself.

    Raises:
        ModelNotFound: no such folder or file, and not a hub name either.
        WrongModel: it is a model of another kind, or none.
        BrokenModel: a part of it is missing or cut short.
    """
    place = str(path_of(vae).resolve()) if vae else None
    file = path_of(str(name_or_path or ""))
    if file.is_file():
        return describe_checkpoint(file.absolute(), place, prediction)
    model = _describe(name_or_path, hub)
    if prediction is not None and model.schedule != BETAS:
        require_told(model.name, prediction, _told_by(model))
        prediction = None
    chosen = None if prediction is None else chosen_prediction(prediction)
    return with_choices(model, place, chosen)


def _told_by(model: ModelInfo) -> str:
    """Return what the scheduler of a model's folder says that it predicts."""
    scheduler = model_config(model, SCHEDULER)
    return "" if scheduler is None else kind_of(scheduler)


def _describe(name_or_path: str | None, hub: Hub | None) -> ModelInfo:
    """Describe a model by name or folder, as it says itself."""
    if name_or_path in (None, "", EMBEDDED):
        return _describe_folder(embedded_folder(), EMBEDDED, EMBEDDED)
    if name_or_path == FAST:
        return _with_few_steps(_describe_folder(embedded_folder(), FAST, FAST))

    name = str(name_or_path)
    folder = path_of(name)
    if folder.is_dir():
        return _describe_folder(folder.resolve(), folder.resolve().name, str(folder.resolve()))
    if HUB_NAME.fullmatch(name):
        return _describe_hub_model(name, hub or Hub.of_environment())
    raise ModelNotFound(
        f"No model at {name_or_path!r}: it is neither a folder nor a hub name such as "
        "'stabilityai/stable-diffusion-xl-base-1.0', nor a .safetensors file. Name none for the "
        "embedded model."
    )


def resolve_model(model: str | Path | ModelInfo | None) -> ModelInfo:
    """Return the description of a model that is named, or described already.

    Raises:
        ModelError: as `describe_model`.
    """
    if isinstance(model, ModelInfo):
        return model
    return describe_model(None if model is None else str(model))


def _describe_folder(folder: Path, name: str, path: str) -> ModelInfo:
    index = folder / "model_index.json"
    if not index.is_file():
        raise WrongModel(
            f"{folder} is not a diffusers pipeline folder: it has no model_index.json. "
            "Name the folder that holds unet/, vae/ and model_index.json."
        )
    # Another kind of pipeline lacks some of the parts: say that first.
    require_sdxl(str(folder), _config(index))

    files = weight_files(folder, PARTS)
    tensors = {part: files[part].tensors() for part in PARTS}
    digests = digests_of({part: tensors[part] for part in IDENTITY_PARTS})

    configs = Configs(
        title=str(folder),
        index=_config(index),
        unet=_config(folder / "unet" / "config.json"),
        vae=_config(folder / "vae" / "config.json"),
        scheduler=_config(folder / "scheduler" / "scheduler_config.json"),
        unet_bytes=files["unet"].size,
        encoders=tuple(_config(folder / part / "config.json") for part in ENCODERS),
    )
    require_supported(configs)

    return ModelInfo(
        name=name,
        path=path,
        identity=f"{KIND}-{digests.identity}",
        aliases=(f"{KIND}-{digests.as_bf16}", f"-{legacy_digest(folder, PARTS)}"),
        variant=max(files[part].variant or "" for part in PARTS) or None,
        **render_defaults(configs, name),
    )


def _describe_hub_model(name: str, hub: Hub) -> ModelInfo:
    """Describe a model by hub name: from the cache, from the hub, or else by its name."""
    folder = hub.cached(name)
    if folder is not None and is_complete(folder, PARTS):
        model = _describe_folder(folder, name, name)
        aliases = (*model.aliases, commit_identity(name, folder.name), name)
        return replace(model, aliases=aliases, folder=str(folder))

    try:
        known = describe_remote(hub, name, PARTS)
    except HubUnavailable as away:
        return ModelInfo(
            name, name, name, **guessed_defaults(name), variant="fp16", doubt=str(away)
        )
    require_supported(known.configs)

    return ModelInfo(
        name=name,
        path=name,
        identity=commit_identity(name, known.commit),
        aliases=(name,),
        variant=known.variant,
        revision=known.commit,
        download_bytes=known.download_bytes,
        doubt=known.doubt,
        **render_defaults(known.configs, name),
    )


def with_choices(model: ModelInfo, vae: str | None, chosen: Prediction | None) -> ModelInfo:
    """Return a model with the autoencoder and the prediction that a person chose.

    Raises:
        ModelError: the autoencoder is not there, or none for this model.
    """
    if vae is not None:
        name = "vae/config.json"
        require_vae(vae, model_config(model, name) or sdxl_config(name))
        model = replace(model, vae=vae)
    if chosen is None:
        return model
    return replace(
        model,
        prediction=chosen.kind,
        zero_terminal_snr=chosen.zero_terminal_snr,
        preset=preset_of({"prediction_type": chosen.kind}, small=model.preset == "embedded"),
        unsure=tuple(doubt for doubt in model.unsure if doubt != PREDICTION),
    )


def commit_identity(name: str, commit: str) -> str:
    """Return the identity of a hub model until its weights are on this machine."""
    return f"{name}@{commit[:12]}"


def _with_few_steps(model: ModelInfo) -> ModelInfo:
    """Describe a model with its few-step adapter: an identity of its own, and no guidance."""
    file = Path(model.load_path) / FEW_STEP_ADAPTER
    if not file.is_file():
        raise BrokenModel(
            f"{file} is missing. Make it with python -m align.emoji few-steps, or name no model."
        )
    check_whole(file)

    added = digests_of({FEW_STEP_ADAPTER: read_header(file)}).identity[:4]
    legacy = legacy_digest(file.parent, {"": FEW_STEP_ADAPTER.removesuffix(".safetensors")})[:4]
    solver = FEW_STEP_SOLVERS[0]

    return replace(
        model,
        identity=f"{model.identity}-{added}",
        aliases=(f"{model.aliases[1]}{legacy}",),
        steps=steps_of(solver, small=True),
        guidance=1.0,
        scheduler=solver,
        few_steps=FEW_STEP_ADAPTER,
    )


def _config(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BrokenModel(f"{path} is missing. Copy or download the model again.") from None
    except (ValueError, OSError, RecursionError) as error:
        raise BrokenModel(f"{path} cannot be read ({error}). Download the model again.") from None
    if not isinstance(value, dict):
        raise BrokenModel(f"{path} is not a configuration. Copy or download the model again.")
    return value
