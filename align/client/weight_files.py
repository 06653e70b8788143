"""Weight files, read without torch: what a safetensors header says, and whether the file is whole.

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

from align.errors import BrokenModel

SHARD = (
    r"{stem}(?:\.(?P<before>\w+))?(?:-\d{{5}}-of-(?P<count>\d{{5}}))?(?:\.(?P<after>\w+))?"
    r"\.safetensors"
)
"""Names of weight files: plain, of a variant, and of shards with the variant on either side."""
LONGEST_HEADER = 100_000_000
"""What the safetensors library allows, too."""
BITS = {
    "F64": 64, "F32": 32, "F16": 16, "BF16": 16, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8,
    "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U64": 64, "U32": 32, "U16": 16, "U8": 8, "BOOL": 8,
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip
IMAGE = (
    "is an image, not weights: often the preview that lies beside a model. Name the model's file."
)
IMAGE_OR_VIDEO = "is an image or a video, not weights. Name the model's file."
ARCHIVE = "is an archive, not weights. Unpack it first."
PICKLE = (
    "is a pickle (.ckpt, .pt or .bin), which can run any code when it is opened, so Palate does "
    "not read it. Use the model's safetensors files."
)
OTHER_KINDS = (
    (b"version https://git-lfs", "is a git-lfs pointer, not the weights that it stands for. Run "
     "git lfs pull in its folder, or download the file itself."),
    (b"GGUF", "is a GGUF file, which Palate cannot train. Use the model's safetensors files."),
    (b"\x89PNG", IMAGE),
    (b"\xff\xd8\xff", IMAGE),
    (b"GIF8", IMAGE),
    (b"RIFF", IMAGE),
    (b"ggjt", "is a GGML file, which Palate cannot train. Use the model's safetensors files."),
    (b"SQLite format 3", "is an SQLite file, as Draw Things keeps its models. Use the safetensors "
     "file that it was made from."),
    (b"\x93NUMPY", "is an array of NumPy, not a safetensors file. Convert it first."),
    (b"\x89HDF", "is an HDF5 file, not a safetensors file. Convert it first."),
    (b"\x1f\x8b", ARCHIVE),
    (b"7z\xbc\xaf", ARCHIVE),
    (b"Rar!", ARCHIVE),
    (b"\x28\xb5\x2f\xfd", ARCHIVE),
    (b"\xfd7zXZ", ARCHIVE),
    (b"%PDF", "is a PDF, not weights. Download the file that it is about."),
    *((bytes((0x80, protocol)), PICKLE) for protocol in range(2, 6)),
)  # fmt: skip
"""What files begin with that people take for weights, and what to say of them."""
ZIP, PICKLED = b"PK\x03\x04", b"data.pkl"
TAR, TAR_AT = b"ustar", 257
LORA_ENDINGS = (".lora_A.weight", ".lora_down.weight", ".lora.down.weight", ".hada_w1_a",
                ".lokr_w1", ".lokr_w1_a", ".oft_blocks", ".on_input", ".a1.weight", ".diff",
                ".w_norm")  # fmt: skip
WEB_PAGE = re.compile(rb"[\xef\xbb\xbf\s]*<(!doctype|html|head|\?xml|!--)", re.IGNORECASE)


@dataclass(frozen=True)
class StoredTensor:
    """Where one tensor lies."""

    file: Path
    dtype: str
    shape: tuple[int, ...]
    offset: int
    """From the beginning of the file, in bytes."""
    size: int
    """In bytes."""


def check_whole(file: Path) -> None:
    """Refuse a file that is not as long as a safetensors header says: a broken download.

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
            text = stream.read(length) if length <= min(size, LONGEST_HEADER) else None
    except OSError as error:
        raise BrokenModel(f"{file} cannot be read: {error.strerror or error}.") from None
    header = None if text is None else _parsed(text)
    tensors = None if header is None else _tensors(file, header, 8 + length)
    end = max((t.offset + t.size for t in (tensors or {}).values()), default=8 + length)
    if tensors is None or end != size:
        reason = "is cut short or damaged. Copy or download it again."
        raise BrokenModel(f"{file} {_other_kind(start) or reason}")
    return tensors


def _other_kind(start: bytes) -> str | None:
    """Return what to say of a file that is something else, by its first bytes."""
    if not start.strip(b"\0"):
        what = "only zeros" if start else "nothing"
        return f"is cut short: it begins with {what}. Copy or download it again."
    for beginning, reason in OTHER_KINDS:
        if start.startswith(beginning):
            return reason
    if start.startswith(ZIP):
        # What torch saves is an archive, too, that begins with its pickle.
        return PICKLE.replace("pickle", "pickle of torch", 1) if PICKLED in start else ARCHIVE
    if start[TAR_AT:].startswith(TAR):
        return ARCHIVE
    if start[4:8] == b"ftyp":
        return IMAGE_OR_VIDEO
    if WEB_PAGE.match(start):
        return (
            "is a web page, such as a login page, that was saved in place of the file. Sign in "
            "where it came from and download it again."
        )
    if _is_text(start):
        kind = "JSON" if start.lstrip()[:1] in (b"{", b"[") else "text"
        return f"is {kind}, not weights: often an error or a note saved in place of the file. " + (
            "Look into it, and download the file itself."
        )
    return None


def _is_text(start: bytes) -> bool:
    """Whether a file begins as text does; the length of a real header ends in zeros."""
    try:
        text = start.decode("utf-8")
    except UnicodeDecodeError as error:
        # The last letter may be cut in two.
        text = start[: error.start].decode("utf-8") if error.start > len(start) - 4 else ""
    return bool(text) and all(letter.isprintable() or letter in "\r\n\t\ufeff" for letter in text)


def what_file_is(file: Path) -> str:
    """Say what a file is that was named as a model, and what to do with it."""
    if file.suffix.lower() in (".ckpt", ".pt", ".pth", ".bin"):
        return f"{file} {PICKLE}"
    try:
        names = read_header(file)
    except BrokenModel as error:
        return str(error)
    if any(name.endswith(LORA_ENDINGS) for name in names):
        return (
            f"{file} is a LoRA or a LyCORIS, which needs its model. Start Palate with that model "
            "and bring the file in under Versions."
        )
    return (
        f"{file} is a single-file checkpoint, and Palate opens pipeline folders. Convert it once: "
        'python -c "from diffusers import StableDiffusionXLPipeline as P; '
        f"P.from_single_file('{file.as_posix()}').save_pretrained('{file.stem}')\", "
        f"then point --model at the folder {file.stem}."
    )


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        header = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError):
        # Nested a hundred thousand times, JSON is no header either.
        return None
    return header if isinstance(header, dict) else None


def _tensors(file: Path, header: dict[str, Any], start: int) -> dict[str, StoredTensor] | None:
    """Return the tensors that a header tells of; None where one does not fit its own size."""
    tensors = {}
    for name, facts in header.items():
        if name == "__metadata__":
            continue
        try:
            dtype, shape, (first, end) = facts["dtype"], facts["shape"], facts["data_offsets"]
            counts = [first, end, *shape]
            bits = BITS.get(dtype)
        except (KeyError, TypeError, ValueError):
            return None
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
        """In bytes."""
        return sum(file.stat().st_size for file in self.files)

    def tensors(self) -> dict[str, StoredTensor]:
        """Return all tensors by name. Raises BrokenModel for a file that is not whole."""
        return {name: tensor for file in self.files for name, tensor in read_header(file).items()}


def weight_files(folder: Path, parts: Mapping[str, str]) -> dict[str, WeightFiles]:
    """Return the files to load of each part of a pipeline folder.

    Plain ones where every part has them, else those of a variant that all parts without plain ones
    have, else whatever a part has. `parts` are folders and the stems of their files.

    Raises:
        BrokenModel: a part without weights, or with some of them missing.
    """
    found = {}
    for part, stem in parts.items():
        names = [file.name for file in (folder / part).glob("*")]
        found[part] = variants_of(names, stem)
        if not found[part]:
            raise BrokenModel(_what_is_missing(folder / part, names, stem))
    lacking = [set(variants) for variants in found.values() if None not in variants]
    shared = sorted(set[str | None].intersection(*lacking), key=_preference) if lacking else [None]

    chosen = {}
    for part, variants in found.items():
        wanted = [*shared[:1], *sorted(variants, key=_preference)]
        variant = next(name for name in wanted if name in variants)
        chosen[part] = WeightFiles(variant, tuple(folder / part / n for n in variants[variant]))
    return chosen


def _preference(variant: str | None) -> tuple[bool, bool, str]:
    """Sort plain files first, then fp16, then others."""
    return variant is not None, variant != "fp16", variant or ""


def variants_of(names: Iterable[str], stem: str) -> dict[str | None, tuple[str, ...]]:
    """Return the names of weight files by variant, of those that are there whole."""
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
    """Group weight files by their variant and how many there should be; None is a single file."""
    pattern = re.compile(SHARD.format(stem=re.escape(stem)))
    groups: dict[tuple[str | None, int | None], list[str]] = {}
    for match in filter(None, map(pattern.fullmatch, names)):
        count = int(match["count"]) if match["count"] else None
        groups.setdefault((match["before"] or match["after"], count), []).append(match[0])
    return groups


def _has_index(names: list[str], stem: str, variant: str | None) -> bool:
    """Whether the file is there that tells the loaders of a part's shards."""
    own = f".{variant}" if variant else ""
    index = {f"{stem}.safetensors.index{own}.json", f"{stem}{own}.safetensors.index.json"}
    return not index.isdisjoint(names)


def _what_is_missing(folder: Path, names: list[str], stem: str) -> str:
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
