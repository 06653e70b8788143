"""Model descriptions: a model by name, folder or hub name, without loading it (no torch here)."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from align.client.hub import Hub, HubUnavailable, describe_remote, is_complete
from align.client.model_defaults import (
    FEW_STEP_SOLVERS,
    Configs,
    guessed_defaults,
    render_defaults,
    require_sdxl,
    require_supported,
    steps_of,
)
from align.client.model_identity import digests_of, legacy_digest
from align.client.weight_files import check_whole, describe_file, read_header, weight_files
from align.errors import BrokenModel, ModelNotFound, WrongModel

EMBEDDED, FAST = "emoji", "emoji-fast"
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
IDENTITY_PARTS = ("unet", "text_encoder", "text_encoder_2")
"""The parts that a model's identity is computed from; any autoencoder of its kind can be put in."""
KIND = "sdxl"
HUB_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*")


@dataclass(frozen=True)
class ModelInfo:
    """An SDXL pipeline and its defaults for rendering; sizes in pixels."""

    name: str
    """The name that people see: "emoji", a folder's name or a hub name."""
    path: str
    """Folder or hub name; "emoji" and "emoji-fast" stand for the embedded model on any machine."""
    identity: str
    """Tells models apart by content, so that versions stay with the model they were made from."""
    preset: str
    """Training preset: "embedded" for small models, "sdxl" for full-size ones that predict noise,
    "sdxl-v" for those that predict velocities."""
    width: int = 1024
    height: int = 1024
    steps: int = 30
    guidance: float = 5.0
    negative_prompt: str = ""
    scheduler: str = "EulerDiscreteScheduler"
    variant: str | None = None
    """"fp16" where the weight files are, or may be, named so."""
    few_steps: str | None = None
    """Name of the adapter file beside the parts that is merged in, so that few steps are enough."""
    aliases: tuple[str, ...] = ()
    """Other identities that it has, or had: in another number format, and before identities were of
    content alone. One that begins with a hyphen stands for every name that ends so."""
    folder: str | None = None
    """Folder of the cache that holds a hub model whole."""
    revision: str | None = None
    """The commit of a hub model that is still to be downloaded."""
    doubt: str = ""
    """The reason why a hub model could not be looked up; the rest is a guess until it is loaded."""

    @property
    def family(self) -> str:
        """The name of its family of models, as `align.families.lookup` has it."""
        return KIND

    @property
    def load_path(self) -> str:
        """Return the folder or hub name for `from_pretrained`."""
        if self.path in (EMBEDDED, FAST):
            return str(embedded_folder())
        cached = self.folder is not None and Path(self.folder).is_dir()
        return str(self.folder) if cached else self.path

    def is_same(self, other: ModelInfo) -> bool:
        """Return whether both are the same model, by their identities and aliases."""
        own_names = {self.identity, *self.aliases}
        other_names = {other.identity, *other.aliases}
        # Identities of before content hashes are known by their ends alone.
        ends = tuple(name for name in own_names | other_names if name.startswith("-"))
        return (
            self.identity in other_names
            or other.identity in own_names
            or any(name.endswith(ends) for name in (self.identity, other.identity))
        )

    def to_json(self) -> dict[str, Any]:
        """Return a dict for JSON, read back by `ModelInfo(**value)`."""
        return asdict(self)


def embedded_folder() -> Path:
    """Return the folder of the model that comes with the project."""
    return Path(__file__).parents[1] / EMBEDDED


def describe_model(name_or_path: str | None = None, hub: Hub | None = None) -> ModelInfo:
    """Describe the model of this name or folder; None is the embedded one.

    A hub name is looked up on `hub`, or else on the hub that the environment names.

    Raises:
        ModelNotFound: no such folder, and not a hub name either.
        WrongModel: the folder holds a pipeline of another kind, or none.
        BrokenModel: a part of the pipeline is missing or cut short.
    """
    if name_or_path in (None, "", EMBEDDED):
        return _describe_folder(embedded_folder(), EMBEDDED, EMBEDDED)
    if name_or_path == FAST:
        return _with_few_steps(_describe_folder(embedded_folder(), FAST, FAST))

    name = str(name_or_path)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _describe_folder(folder.resolve(), folder.resolve().name, str(folder.resolve()))
    if folder.exists():
        raise WrongModel(describe_file(folder))
    if HUB_NAME.fullmatch(name):
        return _describe_hub_model(name, hub or Hub.of_environment())
    raise ModelNotFound(
        f"No model at {name_or_path!r}: it is neither a folder nor a hub name such as "
        "'stabilityai/stable-diffusion-xl-base-1.0'. Leave --model out for the embedded model."
    )


def _describe_folder(folder: Path, name: str, path: str) -> ModelInfo:
    index = folder / "model_index.json"
    if not index.is_file():
        raise WrongModel(
            f"{folder} is not a diffusers pipeline folder: it has no model_index.json. "
            "Point --model at the folder that holds unet/, vae/ and model_index.json."
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
        doubt=known.doubt,
        **render_defaults(known.configs, name),
    )


def commit_identity(name: str, commit: str) -> str:
    """Return the identity of a hub model until its weights are on this machine."""
    return f"{name}@{commit[:12]}"


def _with_few_steps(model: ModelInfo) -> ModelInfo:
    """Describe a model with its few-step adapter: an identity of its own, and no guidance."""
    file = Path(model.load_path) / FEW_STEP_ADAPTER
    if not file.is_file():
        raise BrokenModel(
            f"{file} is missing. Make it with python -m align.emoji few-steps, "
            "or leave --model out."
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
