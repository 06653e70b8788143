"""A single-file checkpoint as its header tells it: weights by diffusers' names, configurations."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from align.client.architectures.sentences import describe_file, kind_of_file
from align.client.single_file.configs import SCHEDULER, STORED, sdxl_config, stored_configs
from align.client.single_file.names import PREFIXES, Piece, layout_of, part_names, pieces_of
from align.client.single_file.prediction import (
    EDM_KEYS,
    EDM_SCHEDULER,
    EDM_VELOCITY_KEY,
    EDM_VELOCITY_LOWEST,
    EDM_VELOCITY_SCHEDULER,
    Prediction,
    told_prediction,
    with_prediction,
)
from align.client.weight_files import StoredTensor, read_header, read_metadata
from align.errors import BrokenModel, WrongModel

IGNORED = ("text_encoder.text_projection.weight", "text_encoder_2.logit_scale")
"""Weights of CLIP that nothing here uses."""
BUFFERS = "position_ids"
EDM_SCALING = 0.5
"""The scaling factor of Playground v2.5's latents, which are standardized first."""


@dataclass(frozen=True)
class Checkpoint:
    """The header of a checkpoint."""

    file: Path
    tensors: Mapping[str, StoredTensor]
    metadata: Mapping[str, str]
    pieces: Mapping[str, Mapping[str, Piece]]
    """Weights by part and by diffusers' names."""

    def part(self, part: str) -> dict[str, StoredTensor]:
        """Return a part's weights as diffusers has them, by its names."""
        return {
            name: as_stored(piece, self.tensors[piece.key])
            for name, piece in self.pieces[part].items()
        }

    @cached_property
    def stored(self) -> dict[str, dict[str, Any]]:
        """The configurations that the file stores; raises BrokenModel."""
        return stored_configs(str(self.file), self.metadata)

    @cached_property
    def told(self) -> Prediction:
        """What it predicts, by its keys, its metadata or its name."""
        return told_prediction(self.tensors, self.metadata, self.file.stem)

    def config(self, name: str) -> dict[str, Any]:
        """Return the configuration that a folder has in the file `name`."""
        if name == SCHEDULER:
            return self.scheduler(None)
        config = self.stored.get(name) or sdxl_config(name)
        if name == "vae/config.json" and name not in self.stored and self._is_playground:
            mean, deviation = (self._numbers(key) for key in EDM_KEYS)
            statistics = {"latents_mean": mean, "latents_std": deviation}
            return config | statistics | {"scaling_factor": EDM_SCALING}
        return config

    def scheduler(self, chosen: Prediction | None) -> dict[str, Any]:
        """Return the scheduler's configuration, for the prediction that was chosen, if one was."""
        config = self.stored.get(SCHEDULER) or sdxl_config(SCHEDULER)
        if chosen is None and SCHEDULER in self.stored:
            return config
        wanted = chosen or self.told
        if not wanted.edm:
            return with_prediction(config, wanted.kind, wanted.zero_terminal_snr)
        if self._is_playground:
            return dict(EDM_SCHEDULER)
        limits = {"sigma_max": EDM_VELOCITY_KEY, "sigma_min": EDM_VELOCITY_LOWEST}
        told = {name: self._numbers(key)[0] for name, key in limits.items() if key in self.tensors}
        return EDM_VELOCITY_SCHEDULER | told

    @property
    def _is_playground(self) -> bool:
        return all(key in self.tensors for key in EDM_KEYS)

    def _numbers(self, key: str) -> list[float]:
        """Read the numbers of a small tensor; raises BrokenModel where it holds none."""
        tensor = self.tensors[key]
        letter = {"F32": "f", "F16": "e", "F64": "d"}.get(tensor.dtype, "")
        with self.file.open("rb") as stream:
            stream.seek(tensor.offset)
            content = stream.read(tensor.size)
        if tensor.dtype == "BF16":
            # bf16 is the upper half of fp32.
            content = b"".join(b"\0\0" + content[i : i + 2] for i in range(0, len(content), 2))
            letter = "f"
        if not letter or not content or len(content) % struct.calcsize(letter):
            raise BrokenModel(f"{self.file} holds no numbers under {key}. Download it again.")
        return list(struct.unpack(f"<{len(content) // struct.calcsize(letter)}{letter}", content))


def as_stored(piece: Piece, tensor: StoredTensor) -> StoredTensor:
    """Return the place of a weight inside the tensor of the checkpoint that holds it."""
    if piece.third is not None:
        size = tensor.size // 3
        offset = tensor.offset + piece.third * size
        return replace(tensor, shape=piece.shape(tensor.shape), offset=offset, size=size)
    return replace(tensor, shape=piece.shape(tensor.shape), transposed=piece.transposed)


def is_checkpoint(keys: Mapping[str, object]) -> bool:
    """Return whether these are weights of an SDXL checkpoint with its text encoders."""
    encoders = (PREFIXES["text_encoder"], PREFIXES["text_encoder_2"])
    needed = (f"{PREFIXES['unet']}input_blocks.", *encoders)
    return all(any(key.startswith(prefix) for key in keys) for prefix in needed)


def open_checkpoint(file: Path) -> Checkpoint:
    """Read the header of a checkpoint.

    Raises:
        WrongModel: it holds something else than SDXL's UNet and text encoders.
    """
    try:
        tensors = read_header(file)
    except BrokenModel:
        raise WrongModel(describe_file(file)) from None
    if not is_checkpoint(tensors):
        raise WrongModel(describe_file(file))
    metadata = read_metadata(file)
    # A file with configurations of its own may have any shape.
    if STORED not in metadata and (refusal := kind_of_file(file).refusal):
        raise WrongModel(refusal)

    names = part_names(layout_of(tensors))
    pieces: dict[str, dict[str, Piece]] = {part: {} for part in PREFIXES}
    for key in tensors:
        part = next((part for part, prefix in PREFIXES.items() if key.startswith(prefix)), None)
        if part is not None and not key.endswith(BUFFERS):
            pieces[part] |= pieces_of(part, key, names[part])
    for ignored in IGNORED:
        part, _, name = ignored.partition(".")
        pieces[part].pop(name, None)
    return Checkpoint(file, tensors, metadata, pieces)
