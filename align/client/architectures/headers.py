"""Names and shapes of the weights of a file in any format, without reading a weight."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from align.client.architectures.file_kinds import ARCHIVE, other_kind
from align.client.architectures.gguf import MAGIC, Unreadable, read_gguf
from align.client.architectures.pickles import read_pickle_names
from align.client.weight_files import read_header
from align.errors import BrokenModel

PICKLE_ENDINGS = (".ckpt", ".pt", ".pth", ".bin")
PICKLE_START = "is a pickle"
START_BYTES = 512
PLAIN_FORMATS = ("F64", "F32", "F16", "BF16")
LOW_FORMATS = ("F8", "F4", "F6")
FOUR_BIT_MARKS = (".absmax", ".quant_map", "quant_state.bitsandbytes")
INTEGER_MARKS = (".qweight", ".weight_scale", ".scale_weight", ".SCB", ".comfy_quant")
SCALE_MARK = "scaled_fp8"


class FileFormat(StrEnum):
    """Formats of files that hold weights."""

    SAFETENSORS = "safetensors"
    GGUF = "GGUF"
    PICKLE = "pickle"


@dataclass(frozen=True)
class WeightHeader:
    """What a file says of its weights."""

    format: FileFormat
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """By name; the shapes of a pickle's weights are empty."""
    quantized: str = ""
    """How its numbers are stored where that is too coarse to train from, such as "fp8"."""
    called: str = ""
    """What a GGUF file calls its architecture."""


def read_weight_header(file: Path) -> WeightHeader:
    """Read the header of a file of weights.

    Raises:
        BrokenModel: it is no such file, or it is cut short.
    """
    start = _start(file)
    if start.startswith(MAGIC):
        return _of_gguf(file)
    try:
        tensors = read_header(file)
    except BrokenModel as broken:
        if not _may_be_pickle(file, start, str(broken)):
            raise
        return WeightHeader(FileFormat.PICKLE, {name: () for name in read_pickle_names(file)})

    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    quantized = quantization_of(shapes, {tensor.dtype for tensor in tensors.values()})
    return WeightHeader(FileFormat.SAFETENSORS, shapes, quantized)


def _start(file: Path) -> bytes:
    if file.exists() and not file.is_file():
        # Opening a pipe would wait for ever.
        raise BrokenModel(f"{file} is not a regular file. Name a file of weights.")
    try:
        with file.open("rb") as stream:
            return stream.read(START_BYTES)
    except OSError as error:
        raise BrokenModel(f"{file} cannot be read: {error.strerror or error}.") from None


def _may_be_pickle(file: Path, start: bytes, said: str) -> bool:
    """Return whether a file that holds no safetensors may be a pickle, by its start or its name."""
    if PICKLE_START in said:
        return True
    ended = file.suffix.lower() in PICKLE_ENDINGS
    return ended and other_kind(start) in (None, ARCHIVE)


def _of_gguf(file: Path) -> WeightHeader:
    try:
        with file.open("rb") as stream:
            header = read_gguf(stream)
    except (OSError, Unreadable):
        return WeightHeader(FileFormat.GGUF)
    coarse = sorted(header.formats - {*PLAIN_FORMATS})
    return WeightHeader(FileFormat.GGUF, header.shapes, ", ".join(coarse), header.architecture)


def quantization_of(names: Iterable[str], dtypes: Iterable[str]) -> str:
    """Return how weights are stored where that is too coarse to train from; else nothing."""
    kinds, text = set(dtypes), "\n".join(names)
    if any(mark in text for mark in FOUR_BIT_MARKS):
        return "4 bits (nf4 or fp4)"
    if SCALE_MARK in text or any(kind.startswith(LOW_FORMATS[:1]) for kind in kinds):
        return "8 bits (fp8)"
    if any(kind.startswith(LOW_FORMATS) for kind in kinds):
        return "4 or 6 bits"
    if any(mark in text for mark in INTEGER_MARKS) and kinds & {"I8", "U8", "I32"}:
        return "integers"
    return ""
