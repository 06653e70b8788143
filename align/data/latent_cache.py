"""Cache shared by runs: latents, text embeddings and errors of the reference.

The key of an entry is a hash of everything that it depends on, so no entry is ever out of date;
every file carries a checksum of its content, so a damaged one is detected and computed again.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from align.files import replacing

SAMPLED_BYTES = 1024
"""Of each weight, spread evenly: a permutation of values has the same sum."""
MAX_FILES = 32
"""Error files beyond this are merged into one."""


def content_key(*parts: object) -> str:
    """Return the key of an entry that depends on these parts alone."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def fingerprint(module: torch.nn.Module) -> str:
    """Hash a network's weights: names, shapes, formats, exact sums of bits, and samples of bytes.

    Bits are added as integers, so the result is the same on any device and number of threads.
    """
    digest = hashlib.blake2b(digest_size=16)
    for name, weight in sorted(module.state_dict().items()):
        bits = weight.detach().contiguous().flatten().view(torch.uint8)
        words = bits.view(torch.int16) if bits.numel() % 2 == 0 else bits
        sample = bits[:: max(1, bits.numel() // SAMPLED_BYTES)].cpu().numpy().tobytes()
        total = int(words.sum(dtype=torch.int64))
        digest.update(repr((name, tuple(weight.shape), str(weight.dtype), total)).encode())
        digest.update(sample)
    return digest.hexdigest()


def checksum(tensors: dict[str, Tensor]) -> str:
    """Hash named tensors."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def write_checked(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write tensors with their checksum, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as scratch:
        save_file(tensors, scratch, {"checksum": checksum(tensors)})


def read_checked(path: Path) -> dict[str, Tensor] | None:
    """Read tensors back; None where there is no file or it is damaged."""
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            expected = (file.metadata() or {}).get("checksum")
    except (OSError, SafetensorError):
        return None
    return tensors if checksum(tensors) == expected else None


class TensorCache:
    """Tensors by key, one file for each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> dict[str, Tensor] | None:
        """Return the tensors of a key; None where there are none, or only a damaged file."""
        return read_checked(self._path(key))

    def put(self, key: str, tensors: dict[str, Tensor]) -> None:
        """Store tensors under a key."""
        write_checked(self._path(key), tensors)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.safetensors"


class ErrorCache:
    """Errors of the reference by noise sample, (chosen, rejected), for every run and objective.

    Each flush adds a file, so that several processes may write side by side.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[bytes, tuple[float, float]] = {}
        self._fresh: list[bytes] = []
        self.damaged = 0
        """Files left out because their checksum does not fit."""
        self._load()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, keys: list[str]) -> Tensor | None:
        """Return the errors [2, B] of these noise samples, fp32; None unless all are known."""
        found = [self._known.get(bytes.fromhex(key)) for key in keys]
        if any(errors is None for errors in found):
            return None
        return torch.tensor(found, dtype=torch.float32).T.contiguous()

    def put(self, keys: list[str], errors_2B: Tensor) -> None:
        """Keep the errors of these noise samples; those known before stay as they are."""
        for key, errors in zip(keys, errors_2B.T.tolist(), strict=True):
            name = bytes.fromhex(key)
            if name not in self._known:
                self._known[name] = (errors[0], errors[1])
                self._fresh.append(name)

    def flush(self) -> None:
        """Write new errors to disk."""
        if self._fresh:
            self._write(self._fresh)
            self._fresh = []

    def merge(self) -> None:
        """Merge many files into one, while no other process writes."""
        files = sorted(self._folder.glob("*.safetensors"))
        if len(files) > MAX_FILES:
            # The merged file is written first: a process killed here loses nothing.
            self._write(self._known)
            for file in files:
                file.unlink(missing_ok=True)

    def _write(self, names: Iterable[bytes]) -> None:
        rows = list(names)
        tensors = {
            "names": torch.frombuffer(bytearray(b"".join(rows)), dtype=torch.uint8).view(-1, 16),
            "errors": torch.tensor([self._known[name] for name in rows], dtype=torch.float32),
        }
        write_checked(self._folder / f"{uuid.uuid4().hex}.safetensors", tensors)

    def _load(self) -> None:
        for path in sorted(self._folder.glob("*.safetensors")):
            tensors = read_checked(path)
            if tensors is None:
                self.damaged += 1
                continue
            names = (bytes(row) for row in tensors["names"].numpy())
            pairs = ((float(w), float(r)) for w, r in tensors["errors"].tolist())
            self._known.update(zip(names, pairs, strict=True))
