"""Weight files without torch: reads safetensors headers and tells whether a file is whole.

A safetensors file is the length of its header (8 bytes), the header (JSON: format, shape and place
of each tensor) and the tensors.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.client.architectures.file_kinds import other_kind
from align.errors import BrokenModel

SHARD = (
    r"{stem}(?:\.(?P<before>\w+))?(?:-\d{{5}}-of-(?P<count>\d{{5}}))?(?:\.(?P<after>\w+))?"
    r"\.safetensors"
)
"""Names of weight files: plain, of a variant, and of shards with the variant on either side."""
MAX_HEADER_BYTES = 100_000_000
"""The limit of the safetensors library."""
BITS = {
    "F64": 64, "F32": 32, "F16": 16, "BF16": 16, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8,
    "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U64": 64, "U32": 32, "U16": 16, "U8": 8, "BOOL": 8,
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip


@dataclass(frozen=True)
class StoredTensor:
    """Format, shape and position of one tensor in a file."""

    file: Path
    dtype: str
    shape: tuple[int, ...]
    offset: int
    """From the beginning of the file, in bytes."""
    size: int
    """In bytes."""
    transposed: bool = False
    """True where the file holds it with rows and columns exchanged."""


def check_whole(file: Path) -> None:
    """Refuse a file that is not as long as its safetensors header says, such as a broken download.

    Raises:
        BrokenModel: it is cut short, or no safetensors file at all.
    """
    read_header(file)


def read_header(file: Path) -> dict[str, StoredTensor]:
    """Return the tensors of a safetensors file by name.

    Raises:
        BrokenModel: it is cut short, or no safetensors file at all.
    """
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            start = stream.read(512)
            length = int.from_bytes(start[:8], "little")
            stream.seek(8)
            text = stream.read(length) if length <= min(size, MAX_HEADER_BYTES) else None
    except OSError as error:
        raise BrokenModel(f"{file} cannot be read: {error.strerror or error}.") from None

    header = None if text is None else _parsed(text)
    tensors = None if header is None else _tensors(file, header, 8 + length)
    end = max((t.offset + t.size for t in (tensors or {}).values()), default=8 + length)
    if tensors is None or end != size:
        reason = "is cut short or damaged. Copy or download it again."
        raise BrokenModel(f"{file} {other_kind(start) or reason}")
    return tensors


def read_metadata(file: Path) -> dict[str, str]:
    """Return the metadata of a safetensors file that `read_header` has read; values are text."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = _parsed(stream.read(length)) or {}
    notes = header.get("__metadata__")
    if not isinstance(notes, dict):
        return {}
    return {name: value for name, value in notes.items() if isinstance(value, str)}


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        header = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError):
        # Nested a hundred thousand times, JSON is no header either.
        return None
    return header if isinstance(header, dict) else None


def _tensors(file: Path, header: dict[str, Any], start: int) -> dict[str, StoredTensor] | None:
    """Return the tensors of a header; None where one's shape and size disagree."""
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue

        try:
            dtype, shape, (first, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
            counts = [first, end, *shape]
            bits = BITS.get(dtype)
        except (KeyError, TypeError, ValueError):
            return None
        # `type`, since True counts as an int.
        if any(type(count) is not int or count < 0 for count in counts):
            return None

        size = end - first if bits is None else math.prod(shape) * bits // 8
        if size < 0 or end - first != size:
            return None
        tensors[name] = StoredTensor(file, dtype, tuple(shape), start + first, size)
    return tensors


@dataclass(frozen=True)
class WeightFiles:
    """The files that hold one part's weights, all of one variant."""

    variant: str | None
    """Such as "fp16", where the files are named so."""
    files: tuple[Path, ...]

    @property
    def size(self) -> int:
        """Return the size of all files, in bytes."""
        return sum(file.stat().st_size for file in self.files)

    def tensors(self) -> dict[str, StoredTensor]:
        """Return all tensors by name. Raises BrokenModel for a file that is not whole."""
        return {name: tensor for file in self.files for name, tensor in read_header(file).items()}


def weight_files(folder: Path, parts: Mapping[str, str]) -> dict[str, WeightFiles]:
    """Choose the files to load of each part of a pipeline folder.

    Plain files come first, then those of a variant that all parts without plain files share, then
    any that a part has. `parts` maps folders to the stems of their files.

    Raises:
        BrokenModel: a part without weights, or with some of them missing.
    """
    found = {}
    for part, stem in parts.items():
        names = [file.name for file in (folder / part).glob("*")]
        found[part] = variants_of(names, stem)
        if not found[part]:
            raise BrokenModel(_missing_weights(folder / part, names, stem))

    # from_pretrained takes one variant for all parts.
    lacking = [set(variants) for variants in found.values() if None not in variants]
    shared = sorted(set[str | None].intersection(*lacking), key=_preference) if lacking else [None]

    chosen = {}
    for part, variants in found.items():
        wanted = [*shared[:1], *sorted(variants, key=_preference)]
        variant = next(name for name in wanted if name in variants)
        chosen[part] = WeightFiles(variant, tuple(folder / part / n for n in variants[variant]))
    return chosen


def _preference(variant: str | None) -> tuple[bool, bool, str]:
    """Return a sort key: plain files first, then fp16, then others."""
    return variant is not None, variant != "fp16", variant or ""


def variants_of(names: Iterable[str], stem: str) -> dict[str | None, tuple[str, ...]]:
    """Return the names of weight files by variant, without incomplete sets of shards."""
    names = sorted(names)
    single: dict[str | None, tuple[str, ...]] = {}
    for (variant, count), files in _shards(names, stem).items():
        if count is None:
            single[variant] = tuple(files)
    for (variant, count), files in _shards(names, stem).items():
        if count == len(files) and _has_index(names, stem, variant):
            single.setdefault(variant, tuple(files))
    return dict(sorted(single.items(), key=lambda item: _preference(item[0])))


def _shards(names: list[str], stem: str) -> dict[tuple[str | None, int | None], list[str]]:
    """Group weight files by variant and number of shards; None is a single file."""
    pattern = re.compile(SHARD.format(stem=re.escape(stem)))
    groups: dict[tuple[str | None, int | None], list[str]] = {}
    for match in filter(None, map(pattern.fullmatch, names)):
        count = int(match["count"]) if match["count"] else None
        groups.setdefault((match["before"] or match["after"], count), []).append(match[0])
    return groups


def _has_index(names: list[str], stem: str, variant: str | None) -> bool:
    """Return whether the index of a part's shards is there, which the loaders need."""
    own = f".{variant}" if variant else ""
    index = {f"{stem}.safetensors.index{own}.json", f"{stem}{own}.safetensors.index.json"}
    return not index.isdisjoint(names)


def _missing_weights(folder: Path, names: list[str], stem: str) -> str:
    """Return the sentence about a part without a whole set of weight files."""
    for (_, count), files in _shards(names, stem).items():
        if count is not None and len(files) != count:
            return (
                f"{folder} holds {len(files)} of {count} files of weights, such as {files[0]}. "
                "Copy or download the missing ones."
            )
        return (
            f"{folder} lacks {stem}.safetensors.index.json, which tells what is in which of its "
            f"{count} files of weights. Copy or download it from where the model came from."
        )

    if pickles := sorted(name for name in names if name.endswith((".bin", ".ckpt", ".pt"))):
        return (
            f"{folder} holds its weights in {pickles[0]}, a pickle, which can run any code "
            "when it is opened, so Palate does not read it. Download the model's safetensors files."
        )
    return f"{folder} holds no weights in safetensors files. Copy the model again."
