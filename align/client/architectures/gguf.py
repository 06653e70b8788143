"""Headers of GGUF files: names, shapes and formats of their tensors.

A file is the magic, its version, the numbers of tensors and of notes, the notes (key, type, value),
then of each tensor its name, its axes from the last to the first, its format and its place.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

MAGIC = b"GGUF"
VERSIONS = (2, 3)
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of a note's value by its type."""
STRING, ARRAY = 8, 9
ARCHITECTURE_KEY = "general.architecture"
MAX_TENSORS, MAX_NOTES, MAX_AXES = 100_000, 10_000, 8
MAX_HEADER = 64 << 20
"""Bytes; language models keep their vocabularies in it."""
MAX_ARRAY = 1 << 20
MAX_BUFFER = 4 << 20
LENGTH = struct.Struct("<Q")
FORMATS = {0: "F32", 1: "F16", 30: "BF16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0",
           10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K"}  # fmt: skip


class Unreadable(Exception):
    """The header breaks off or cannot be."""


@dataclass(frozen=True)
class GgufHeader:
    """What the header of a GGUF file says."""

    architecture: str
    """As the program that wrote it calls it; empty if it does not say."""
    shapes: dict[str, tuple[int, ...]]
    formats: frozenset[str]


def read_gguf(stream: BinaryIO) -> GgufHeader:
    """Read the header of a GGUF file from its beginning; raises Unreadable."""
    magic, version = stream.read(4), _number(stream, "I")
    tensors, notes = _number(stream, "Q"), _number(stream, "Q")
    if magic != MAGIC or version not in VERSIONS or tensors > MAX_TENSORS or notes > MAX_NOTES:
        raise Unreadable

    known = {}
    for _ in range(notes):
        key, kind = _text(stream), _number(stream, "I")
        known[key] = _value(stream, kind)

    shapes: dict[str, tuple[int, ...]] = {}
    formats = set()
    for _ in range(tensors):
        name, axes = _text(stream), _number(stream, "I")
        if axes > MAX_AXES:
            raise Unreadable
        # From the last axis to the first.
        shapes[name] = tuple(_number(stream, "Q") for _ in range(axes))[::-1]
        formats.add(FORMATS.get(_number(stream, "I"), "a quantised format"))
        _number(stream, "Q")
    return GgufHeader(known.get(ARCHITECTURE_KEY) or "", shapes, frozenset(formats))


def _number(stream: BinaryIO, kind: str) -> int:
    size = struct.calcsize(f"<{kind}")
    return int(struct.unpack(f"<{kind}", _bytes(stream, size))[0])


def _bytes(stream: BinaryIO, size: int) -> bytes:
    if stream.tell() + size > MAX_HEADER:
        raise Unreadable
    data = stream.read(size)
    if len(data) != size:
        raise Unreadable
    return data


def _text(stream: BinaryIO) -> str:
    return _bytes(stream, _number(stream, "Q")).decode("utf-8", "replace")


def _value(stream: BinaryIO, kind: int) -> str | None:
    """Read a note's value, or skip it if it is no text."""
    if kind == STRING:
        return _text(stream)
    if kind == ARRAY:
        each, count = _number(stream, "I"), _number(stream, "Q")
        if count > MAX_ARRAY or each == ARRAY:
            raise Unreadable
        if each == STRING:
            _skip_texts(stream, count)
            return None
        _bytes(stream, _size(each) * count)
        return None
    _bytes(stream, _size(kind))
    return None


def _skip_texts(stream: BinaryIO, count: int) -> None:
    """Skip texts by their lengths, in one buffer that grows to the limit of headers at most."""
    start, buffer, place = stream.tell(), b"", 0
    for left in range(count, 0, -1):
        if place + LENGTH.size > len(buffer):
            missing = max(0, place - len(buffer)) + min(MAX_BUFFER, 32 * left)
            if start + place > MAX_HEADER:
                raise Unreadable
            buffer += stream.read(missing)
        if place + LENGTH.size > len(buffer):
            raise Unreadable
        place += LENGTH.size + LENGTH.unpack_from(buffer, place)[0]
    stream.seek(start)
    _bytes(stream, place)


def _size(kind: int) -> int:
    if kind not in SIZES:
        raise Unreadable
    return SIZES[kind]
