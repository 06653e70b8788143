"""Images of a snapshot that lie elsewhere: the index that names them, and frames with their bytes.

image_references.jsonl   one `ImageReference` a line, for images that are no files of the folder

`python -m storage images INDEX` writes frames: the length of a head in four bytes, the head as JSON
(`FrameHead`), then as many bytes as the head says. The last frame is of the kind `end`; without it
the process died on its way.
"""

import json
from collections.abc import Iterator
from typing import BinaryIO, Literal, NotRequired, TypeAlias, TypedDict, final

REFERENCES = "image_references.jsonl"
MAX_HEAD_BYTES = 2**20
MAX_IMAGE_BYTES = 2**28
"""No image of a usable size takes more, however it is stored."""
FrameKind: TypeAlias = Literal["file", "image", "fault", "end"]


@final
class ImageReference(TypedDict):
    """One line of image_references.jsonl: where the bytes of an image are."""

    image: str
    """Its name in the rows of the snapshot: images/, the SHA-256 of its bytes, and its suffix."""
    file: str
    """Absolute path of a Parquet file, or of the image's own file."""
    row: int | None
    """Number of the row in the Parquet file, from 0; None for a file of its own."""
    cell: str
    """Column of the bytes, with the path into it where it is nested: `images[1].bytes`."""
    width: int
    """In pixels, as `height`; 0 where the image is a file of its own, which tells both."""
    height: int
    file_bytes: NotRequired[int]
    """Size of the file when it was read; the image counts as gone where the file has another."""
    file_modified_ns: NotRequired[int]
    """Time of the file's last change, likewise."""


@final
class FrameHead(TypedDict):
    """What stands before the bytes of an image, or in their place."""

    kind: FrameKind
    """`file`: a file is opened now; `image`: bytes follow; `fault`: an image cannot be had."""
    image: NotRequired[str]
    length: NotRequired[int]
    """Number of bytes that follow, 0 where it is left out."""
    reason: NotRequired[str]
    """Why an image cannot be had, in the same words for all of the kind, since they are counted."""
    sentence: NotRequired[str]
    """What is wrong with a file, and what to do; with the first of its images that is at fault."""
    file: NotRequired[str]
    images: NotRequired[int]
    """How many were asked for; of the last frame, how many were sent."""


def write_frame(stream: BinaryIO, head: FrameHead, content: bytes = b"") -> None:
    """Write one frame; `length` of the head is filled in."""
    if content:
        head = {**head, "length": len(content)}
    text = json.dumps(head).encode()
    stream.write(len(text).to_bytes(4, "big") + text)
    stream.write(content)


def read_frames(stream: BinaryIO) -> Iterator[tuple[FrameHead, bytes]]:
    """Yield frames up to the last one.

    Raises:
        EOFError: the stream ends before its last frame.
        ValueError: it holds something else.
    """
    kind = ""
    while kind != "end":
        length = int.from_bytes(_exactly(stream, 4), "big")
        if length > MAX_HEAD_BYTES:
            raise ValueError(f"a head of {length} bytes")
        head: FrameHead = json.loads(_exactly(stream, length))
        size = head.get("length", 0)
        if not 0 <= size <= MAX_IMAGE_BYTES:
            raise ValueError(f"an image of {size} bytes")
        yield head, _exactly(stream, size)
        kind = head["kind"]


def _exactly(stream: BinaryIO, size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise EOFError
    return content
