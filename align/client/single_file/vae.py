"""An autoencoder by itself: a file under the published code's names or diffusers', or a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from align.client.single_file.names import (
    PREFIXES,
    SDXL_LAYOUT,
    Piece,
    layout_of,
    part_names,
    pieces_of,
)
from align.client.single_file.shapes import mismatch, vae_facts
from align.client.weight_files import StoredTensor, read_header
from align.errors import BrokenModel, ModelNotFound, WrongModel
from align.files import read_json

VAE, STEM = "vae", "diffusion_pytorch_model"
CONFIG, CLASS = "config.json", "AutoencoderKL"
DEFAULTS: dict[str, Any] = {"block_out_channels": [64], "latent_channels": 4}
"""What diffusers takes where a configuration does not say."""
OTHER_SHAPE = (
    "{path} holds an autoencoder of another shape than the model's: {difference} which its UNet "
    "cannot use. Name one for SDXL."
)
FILE_PREFIXES = ("first_stage_model.", "vae.", "")
PARTS = ("encoder.", "decoder.", "quant_conv.", "post_quant_conv.")
DIFFUSERS_MARK, ORIGINAL_MARK = "encoder.down_blocks.", "encoder.down."
OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
"""Names of the attention's layers in files of early releases of diffusers."""


@dataclass(frozen=True)
class VaeFile:
    """A file with the weights of an autoencoder."""

    file: Path
    tensors: Mapping[str, StoredTensor]
    pieces: Mapping[str, Piece]
    """Weights by diffusers' names."""


def vae_folder(path: Path) -> Path | None:
    """Return the folder of an autoencoder, in a pipeline's or alone; None where there is none."""
    folders = (path / VAE, path)
    return next((folder for folder in folders if (folder / "config.json").is_file()), None)


def open_vae(path: Path, config: Mapping[str, Any]) -> VaeFile:
    """Read the header of an autoencoder's file, which has to fit the model's configuration.

    Raises:
        WrongModel: it holds something else, or an autoencoder of another shape.
        BrokenModel: it is cut short.
    """
    tensors = read_header(path)
    pieces = _pieces(tensors)
    if not pieces:
        raise WrongModel(
            f"{path} holds no autoencoder. Name the file of one, such as sdxl_vae.safetensors, or "
            "a folder with its config.json."
        )

    shapes = {}
    for name, piece in pieces.items():
        stored = tensors[piece.key]
        shapes[name] = replace(stored, shape=piece.shape(stored.shape))
    if difference := mismatch(vae_facts(shapes), config):
        raise WrongModel(OTHER_SHAPE.format(path=path, difference=difference))
    return VaeFile(path, tensors, pieces)


def require_vae(path: str, config: Mapping[str, Any]) -> None:
    """Refuse what is no autoencoder for a model with this configuration of its own.

    Raises:
        ModelNotFound: there is nothing at this path.
        WrongModel: it holds something else.
        BrokenModel: it is cut short, or a folder without weights.
    """
    place = Path(path)
    if not place.exists():
        raise ModelNotFound(f"There is no autoencoder at {path}. Check the path behind --vae.")
    if place.is_file():
        open_vae(place, config)
    elif (folder := vae_folder(place)) is None:
        raise WrongModel(
            f"{path} is no folder of an autoencoder: it has no config.json. Name the folder that "
            "holds it, or a file."
        )
    else:
        _require_folder(folder, config)


def _require_folder(folder: Path, config: Mapping[str, Any]) -> None:
    """Refuse a folder of something else, of an autoencoder of another shape, or without weights."""
    try:
        own = read_json(folder / CONFIG)
    except (OSError, ValueError) as error:
        raise BrokenModel(f"{folder / CONFIG} cannot be read ({error}). Copy it again.") from None
    kind = own.get("_class_name") if isinstance(own, dict) else None
    if kind != CLASS:
        raise WrongModel(
            f"{folder} holds {kind or 'something'!r}, and SDXL's autoencoder is an {CLASS}. Name "
            "the folder or the file of one."
        )
    facts = ((name, own.get(name, default)) for name, default in DEFAULTS.items())
    if difference := mismatch((fact for fact in facts if config.get(fact[0])), config):
        raise WrongModel(OTHER_SHAPE.format(path=folder, difference=difference))
    if not any(folder.glob(f"{STEM}*.safetensors")):
        raise BrokenModel(f"{folder} holds no weights in safetensors files. Copy it again.")


def _pieces(tensors: Mapping[str, StoredTensor]) -> dict[str, Piece]:
    """Return the weights by diffusers' names; nothing where the names are no autoencoder's."""
    for prefix in FILE_PREFIXES:
        keys = {key.removeprefix(prefix): key for key in tensors if key.startswith(prefix)}
        keys = {name: key for name, key in keys.items() if name.startswith(PARTS)}
        if any(name.startswith(DIFFUSERS_MARK) for name in keys):
            return {_modern(name): _as_linear(name, key, tensors) for name, key in keys.items()}
        if any(name.startswith(ORIGINAL_MARK) for name in keys):
            return _from_original(keys)
    return {}


def _from_original(keys: Mapping[str, str]) -> dict[str, Piece]:
    """Return pieces of weights by the published code's names, which map to the file's keys."""
    full = {f"{PREFIXES[VAE]}{name}": key for name, key in keys.items()}
    found = layout_of(full)
    layout = replace(SDXL_LAYOUT, vae_levels=found.vae_levels, vae_layers=found.vae_layers)
    table = part_names(layout)[VAE]

    pieces: dict[str, Piece] = {}
    for name, key in full.items():
        for ours, piece in pieces_of(VAE, name, table).items():
            pieces[ours] = replace(piece, key=key)
    return pieces


def _modern(name: str) -> str:
    """Return the name that diffusers gives a weight today."""
    layer, _, kind = name.rpartition(".")
    start, _, last = layer.rpartition(".")
    return f"{start}.{OLD_ATTENTION[last]}.{kind}" if last in OLD_ATTENTION else name


def _as_linear(name: str, key: str, tensors: Mapping[str, StoredTensor]) -> Piece:
    """Return a piece, of the attention as a linear layer however it is stored."""
    return Piece(key, convolved=".attentions." in name and len(tensors[key].shape) == 4)
