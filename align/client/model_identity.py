"""Model identities: hashes of the weights, whatever their folder, files or format.

An identity is a hash over samples of every weight of the UNet and the text encoders, by diffusers'
names in sorted order, as fp16. So folders, files, shards and formats do not count, nor does the
autoencoder, while a fine-tune or a merge changes it.

bf16 keeps fewer digits than fp16. A model stored as bf16 therefore has another identity, and the
wider files name it as theirs: what they would be called if they were cut down to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from align.client.weight_files import StoredTensor
from align.errors import WrongModel

SAMPLE_VALUES = 32_768
"""Values that are hashed of a tensor: 64 KiB in fp16. Hashing all of SDXL would take minutes."""
WINDOWS = 4
"""Stretches of a tensor that are read, from its first value to its last."""
NUMPY_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
INTEGER_TYPES = ("I", "U", "BOOL")
LEGACY_BYTES = 1 << 20
BUFFERS = ("position_ids",)
"""Counters that some versions of the libraries store beside the weights."""
OPTIONAL_PREFIXES = {"text_encoder": "text_model.", "text_encoder_2": "text_model."}
"""Prefixes that some versions of the libraries put before a part's names."""


@dataclass(frozen=True)
class Digests:
    """A model's identity, and its identity in bf16."""

    identity: str
    as_bf16: str
    """The identity that it has once it is stored as bf16."""


def digests_of(parts: Mapping[str, Mapping[str, StoredTensor]]) -> Digests:
    """Hash samples of the weights of a model's parts; each part maps names to tensors.

    Raises:
        WrongModel: weights in a format that is none to train from, such as fp8.
    """
    exact, coarse = hashlib.sha256(), hashlib.sha256()
    with ExitStack() as files:
        streams: dict[Path, BinaryIO] = {}
        for name, tensor in _weights(parts):
            if tensor.file not in streams:
                streams[tensor.file] = files.enter_context(tensor.file.open("rb"))

            title = f"{name}{list(tensor.shape)}".encode()
            sample = _sample(streams[tensor.file], tensor, name)
            for digest, values in ((exact, sample), (coarse, _rounded_to_bf16(sample))):
                digest.update(title)
                digest.update(_as_fp16(values))
    return Digests(exact.hexdigest()[:16], coarse.hexdigest()[:16])


def _weights(
    parts: Mapping[str, Mapping[str, StoredTensor]],
) -> Iterator[tuple[str, StoredTensor]]:
    """Yield all weights sorted by part and name, without buffers and optional prefixes."""
    for part in sorted(parts):
        named = {
            name.removeprefix(OPTIONAL_PREFIXES.get(part, "")): tensor
            for name, tensor in parts[part].items()
            if not name.endswith(BUFFERS) and not tensor.dtype.startswith(INTEGER_TYPES)
        }
        yield from ((f"{part}.{name}", named[name]) for name in sorted(named))


def _sample(stream: BinaryIO, tensor: StoredTensor, name: str) -> np.ndarray:
    """Read all values of a small tensor, or WINDOWS stretches of a large one.

    Positions are counted in values, so they are the same in every number format.
    """
    if tensor.dtype not in NUMPY_TYPES:
        raise WrongModel(
            f"{tensor.file} stores {name} as {tensor.dtype}, which Palate cannot train from. Use "
            "the model's fp16, bf16 or fp32 files."
        )

    kind = np.dtype(NUMPY_TYPES[tensor.dtype])
    count = tensor.size // kind.itemsize
    width = min(count, SAMPLE_VALUES // WINDOWS)
    starts = [(count - width) * window // (WINDOWS - 1) for window in range(WINDOWS)]
    if count <= SAMPLE_VALUES:
        starts, width = [0], count

    if tensor.transposed:
        values = _read(stream, tensor.offset, count, kind).reshape(tensor.shape[::-1]).T.ravel()
        values = np.concatenate([values[start : start + width] for start in starts])
    else:
        places = [tensor.offset + start * kind.itemsize for start in starts]
        values = np.concatenate([_read(stream, place, width, kind) for place in places])
    # bf16 is the upper half of fp32.
    return (values.astype("<u4") << 16).view("<f4") if tensor.dtype == "BF16" else values


def _read(stream: BinaryIO, place: int, count: int, kind: np.dtype) -> np.ndarray:
    """Read so many values from a place in a file."""
    stream.seek(place)
    return np.frombuffer(stream.read(count * kind.itemsize), kind)


def _as_fp16(values: np.ndarray) -> bytes:
    """Round to fp16 as torch's `half` does, with one bit pattern for all NaNs."""
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        halves = values.astype("<f2")
    halves[np.isnan(halves)] = np.nan
    return halves.tobytes()


def _rounded_to_bf16(values: np.ndarray) -> np.ndarray:
    """Round to the nearest bf16, ties to even, as torch does."""
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        bits = values.astype("<f4").view("<u4")
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    # Rounding up the bits of a NaN could make an infinity of it.
    return np.where(np.isnan(bits.view("<f4")), bits, rounded).astype("<u4").view("<f4")


def legacy_digest(folder: Path, parts: Mapping[str, str]) -> str:
    """Return the digest that identities ended in before they were hashes of the weights.

    It is of names, sizes, heads and tails of files; studios of that time keep their votes under
    it. `parts` maps folders to the stems of their files.
    """
    digest = hashlib.sha256()
    for part, stem in parts.items():
        for file in sorted((folder / part).glob(f"{stem}*.safetensors")):
            size = file.stat().st_size
            digest.update(f"{file.relative_to(folder).as_posix()}:{size}".encode())
            with file.open("rb") as stream:
                digest.update(stream.read(LEGACY_BYTES))
                stream.seek(max(0, size - LEGACY_BYTES))
                digest.update(stream.read())
    return digest.hexdigest()[:12]
