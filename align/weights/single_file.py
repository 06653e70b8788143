"""Load a single-file checkpoint, or an autoencoder by itself; nothing is asked of a hub.

diffusers loads a file through configurations in a folder; the folder here is written from SDXL's
own, which come with the project, and from those that the file stores.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import transformers
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors import safe_open
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTokenizer

from align.client.single_file.checkpoint import Checkpoint, open_checkpoint
from align.client.single_file.configs import (
    CONFIGS,
    INDEX,
    SCHEDULER,
    TOKENIZERS,
    ZEROED,
    sdxl_config,
)
from align.client.single_file.model_config import prediction_of
from align.client.single_file.names import Piece
from align.client.single_file.vae import VAE, open_vae, vae_folder
from align.contracts.models import ModelInfo
from align.errors import BrokenModel
from align.families.family import Pipeline
from align.families.lookup import family_of
from align.files import write_json
from align.weights.clip_tokenizers import sdxl_tokenizer
from align.weights.original_names import TEXT_PREFIX, from_original

ENCODERS = {"text_encoder": "CLIPTextModel", "text_encoder_2": "CLIPTextModelWithProjection"}
VAE_FORMAT = torch.float32
"""It computes in fp32 on every device, so that no digit of it is to be lost on the way."""
OPENED_FOR = 64
"""Weights for which a file is opened at a time: pages that were read count as this process's own
until it is closed, and all of a UNet's are 5 GB."""


def load_checkpoint(model: ModelInfo, dtype: torch.dtype) -> Pipeline:
    """Load the pipeline of a model that is one file.

    Raises:
        ModelError: the file holds no SDXL model, or lacks weights.
    """
    checkpoint = open_checkpoint(Path(model.file or model.path))
    with config_folder(checkpoint, model) as folder:
        parts = dict(_load_parts(checkpoint, folder, dtype, has_vae=model.vae is not None))
        if model.vae is not None:
            parts[VAE] = load_vae(model.vae, checkpoint.config("vae/config.json"), VAE_FORMAT)
        return family_of(model).pipeline_class.from_pretrained(folder, **parts)


@contextlib.contextmanager
def config_folder(checkpoint: Checkpoint, model: ModelInfo) -> Iterator[Path]:
    """Provide a folder with a checkpoint's configurations, as those of a pipeline's folder."""
    with TemporaryDirectory(prefix="palate-") as scratch:
        folder = Path(scratch)
        for name in (*CONFIGS, *checkpoint.stored):
            (folder / name).parent.mkdir(exist_ok=True)
            write_json(folder / name, checkpoint.config(name))

        # Classes are ours: those of a stranger's file could be any.
        scheduler = checkpoint.scheduler(prediction_of(model))
        index = sdxl_config(INDEX) | {"scheduler": ["diffusers", scheduler["_class_name"]]}
        index[ZEROED] = bool(checkpoint.config(INDEX).get(ZEROED, True))
        write_json(folder / SCHEDULER, scheduler)
        write_json(folder / INDEX, index)
        yield folder


def _load_parts(
    checkpoint: Checkpoint, folder: Path, dtype: torch.dtype, has_vae: bool
) -> Iterator[tuple[str, Any]]:
    """Yield the parts of a pipeline, by name."""
    unet = _weights(checkpoint, "unet", dtype)
    yield "unet", load_part(UNet2DConditionModel, "unet", folder, unet, dtype)
    if not has_vae:
        vae = _weights(checkpoint, VAE, VAE_FORMAT)
        yield VAE, load_part(AutoencoderKL, VAE, folder, vae, VAE_FORMAT)
    for part, kind in ENCODERS.items():
        yield part, _load_encoder(checkpoint, part, getattr(transformers, kind), folder, dtype)
    for number, part in enumerate(TOKENIZERS):
        if f"{part}/tokenizer.json" in checkpoint.stored:
            yield part, CLIPTokenizer.from_pretrained(folder / part)
        else:
            yield part, sdxl_tokenizer(number)


def _weights(checkpoint: Checkpoint, part: str, dtype: torch.dtype) -> dict[str, Tensor]:
    return read_pieces(checkpoint.file, checkpoint.pieces[part], dtype)


def read_pieces(file: Path, pieces: Mapping[str, Piece], dtype: torch.dtype) -> dict[str, Tensor]:
    """Read weights of a file, each as diffusers has it and in the format that is wanted.

    Converted one by one, so that a part is never there in two formats.
    """
    read: dict[str, Tensor] = {}
    names = list(pieces)
    for start in range(0, len(names), OPENED_FOR):
        with safe_open(file, framework="pt") as opened:
            for name in names[start : start + OPENED_FOR]:
                piece = pieces[name]
                stored = {piece.key: opened.get_tensor(piece.key)}
                read[name] = from_original({name: piece}, stored)[name].to(dtype)
    return read


def load_part(
    kind: Any, part: str, folder: Path, weights: dict[str, Tensor], dtype: torch.dtype
) -> torch.nn.Module:
    """Build a part of diffusers from weights by its own names.

    Raises:
        BrokenModel: some of its weights are missing.
    """
    config = kind.load_config(folder, subfolder=part)
    with torch.device("meta"):
        expected = kind.from_config(config).state_dict()
    _require_all(expected, weights, part)
    # Only its own, since a file may hold statistics of training beside them.
    own = {name: weights[name] for name in expected}
    loaded: torch.nn.Module = kind.from_single_file(
        own, config=str(folder), subfolder=part, dtype=dtype, local_files_only=True
    )
    return loaded


def _load_encoder(
    checkpoint: Checkpoint, part: str, kind: Any, folder: Path, dtype: torch.dtype
) -> torch.nn.Module:
    """Build a text encoder; raises BrokenModel where some of its weights are missing."""
    config = CLIPTextConfig.from_pretrained(folder / part)
    with torch.device("meta"):
        expected = kind(config).state_dict()
    weights = _weights(checkpoint, part, dtype)
    if not any(name.startswith(TEXT_PREFIX) for name in expected):
        weights = {name.removeprefix(TEXT_PREFIX): weight for name, weight in weights.items()}
    _require_all(expected, weights, part)
    loaded: torch.nn.Module = kind.from_pretrained(
        None, config=config, state_dict={name: weights[name] for name in expected}, dtype=dtype
    )
    return loaded


def _require_all(expected: Mapping[str, Tensor], weights: Mapping[str, Tensor], part: str) -> None:
    """Raise BrokenModel for missing weights, and for those of another shape."""
    if missing := sorted(expected.keys() - weights.keys()):
        raise BrokenModel(
            f"The file lacks {len(missing):,} weights of the model's {part}, such as {missing[0]}. "
            "Copy or download it again."
        )
    for name, weight in expected.items():
        if weights[name].shape != weight.shape:
            raise BrokenModel(
                f"The file holds {name} of the model's {part} with the shape "
                f"{list(weights[name].shape)}, which should be {list(weight.shape)}. Download it "
                "again, or use the model's diffusers folder."
            )


def load_vae(path: str, config: Mapping[str, Any], dtype: torch.dtype) -> torch.nn.Module:
    """Load an autoencoder for a model whose own has this configuration.

    Raises:
        ModelError: as `align.client.single_file.vae.open_vae`, or some of its weights are missing.
    """
    place = Path(path)
    if (folder := vae_folder(place)) is not None:
        loaded: torch.nn.Module = AutoencoderKL.from_pretrained(
            folder, dtype=dtype, local_files_only=True
        )
        return loaded
    found = open_vae(place, config)
    weights = read_pieces(place, found.pieces, dtype)
    with TemporaryDirectory(prefix="palate-") as scratch:
        (Path(scratch) / VAE).mkdir()
        write_json(Path(scratch) / VAE / "config.json", dict(config))
        return load_part(AutoencoderKL, VAE, Path(scratch), weights, dtype)
