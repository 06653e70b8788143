"""Texts of IPTC, within Photoshop resources or on their own."""

from collections.abc import Iterator

from annotate.image_import.containers.encodings import text_of
from annotate.image_import.containers.metadata_parts import ENCODING_UNKNOWN, MetadataParts

MAKERS, RECORDS = (b"8BIM", b"MeSa", b"AgHg", b"PHUT", b"DCSR"), 0x0404
MARK = 0x1C
NAMES = {5: "title", 25: "keywords", 40: "instructions", 80: "author", 105: "headline"}
CAPTION = 120
APPLICATION = 2
MAX_RECORDS = 1_000


def add_iptc(parts: MetadataParts) -> None:
    """Decode the texts of a file's IPTC.

    The encoding that it declares is ignored, since the bytes are more reliable.
    """
    data = parts.iptc
    if data.startswith(MAKERS):
        data = b"".join(block for number, block in resources(data) if number == RECORDS)

    found: dict[str, list[bytes]] = {}
    for number, (record, dataset, value) in enumerate(records(data)):
        if number >= MAX_RECORDS:
            break
        name = "caption" if dataset == CAPTION else NAMES.get(dataset)
        if record == APPLICATION and name:
            found.setdefault(name, []).append(value)

    for name, values in found.items():
        raw = (b", " if name == "keywords" else b"\n").join(values)
        text = text_of(raw) if parts.take(len(raw)) else ""
        if text and text.strip():
            parts.texts[f"iptc:{name}"] = text
        elif text is None and name == "caption":
            parts.unreadable = ENCODING_UNKNOWN


def resources(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and block of Photoshop's resources; names and blocks are padded to even size."""
    at = 0
    while data[at : at + 4] in MAKERS and at + 12 <= len(data):
        number = int.from_bytes(data[at + 4 : at + 6])
        at += 6 + (data[at + 6] // 2 + 1) * 2
        size = int.from_bytes(data[at : at + 4])
        yield number, data[at + 4 : at + 4 + size]
        at += 4 + size + size % 2


def records(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield record, dataset and value of each IPTC entry."""
    at = 0
    while at + 5 <= len(data) and data[at] == MARK:
        record, dataset = data[at + 1], data[at + 2]
        size = int.from_bytes(data[at + 3 : at + 5])
        at += 5
        if size & 0x8000:
            # An extended entry: the length follows, in so many bytes.
            digits = min(size & 0x7FFF, 4)
            size, at = int.from_bytes(data[at : at + digits]), at + digits
        yield record, dataset, data[at : at + size]
        at += size
