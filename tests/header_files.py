"""Files of weights that are headers alone: sparse, so that 6.5 GB take no room."""

from __future__ import annotations

import json
import math
import pickle
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

SIZES = {"F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "I8": 1, "U8": 1}
Shapes = Mapping[str, tuple[int, ...]]


def write_header(
    file: Path, shapes: Shapes, dtype: str = "F16", size: int = 0, **metadata: str
) -> Path:
    """Write a safetensors file of these weights, filled up to this size by one more of them."""
    header: dict[str, object] = {"__metadata__": metadata} if metadata else {}
    place = 0
    for name, shape in shapes.items():
        end = place + math.prod(shape) * SIZES[dtype]
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [place, end]}
        place = end
    if size > place:
        filling = {"dtype": "U8", "shape": [size - place], "data_offsets": [place, size]}
        header["model_ema.decay"], place = filling, size

    text = json.dumps(header).encode()
    with file.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        stream.truncate(8 + len(text) + place)
    return file


def write_gguf(file: Path, shapes: Shapes, architecture: str | None = None, kind: int = 12) -> Path:
    """Write the header of a GGUF file, with a list and a number among its notes."""
    notes = [_text("general.tags") + struct.pack("<IIQ", 9, 8, 2) + _text("a") + _text("b")]
    notes.append(_text("general.file_type") + struct.pack("<II", 4, 14))
    if architecture is not None:
        notes.append(_text("general.architecture") + struct.pack("<I", 8) + _text(architecture))

    tensors = [
        _text(name)
        + struct.pack(f"<I{len(shape)}Q", len(shape), *reversed(shape))
        + struct.pack("<IQ", kind, 0)
        for name, shape in shapes.items()
    ]
    counts = struct.pack("<IQQ", 3, len(tensors), len(notes))
    file.write_bytes(b"GGUF" + counts + b"".join(notes + tensors))
    return file


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


class Alarm:
    """Leaves a file behind once it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        """Open the file for writing."""
        return open, (str(self.mark), "w")


def write_pickle(file: Path, shapes: Shapes, mark: Path, protocol: int = 2) -> Path:
    """Write a pickle of torch that opens `mark` when it is loaded: zipped, or plain for .pt."""
    weights = {name: Alarm(mark) for name in shapes}
    program = pickle.dumps({"state_dict": weights, "alarm": Alarm(mark)}, protocol=protocol)
    if file.suffix == ".pt":
        # As before torch 1.6: a number, a version, the weights, and then their bytes.
        file.write_bytes(pickle.dumps(0x1950A86A20F9469CFC6C, 2) + program + bytes(100))
        return file
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", program)
        archive.writestr("archive/data/0", bytes(1000))
    return file
