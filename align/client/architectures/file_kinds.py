"""Kinds of files that are mistaken for weights, by their first bytes."""

from __future__ import annotations

import re

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
"""First bytes of files that people mistake for weights, and the sentence about each kind."""
ZIP_MAGIC, PICKLE_ENTRY = b"PK\x03\x04", b"data.pkl"
TAR_MAGIC, TAR_MAGIC_OFFSET = b"ustar", 257
WEB_PAGE = re.compile(rb"[\xef\xbb\xbf\s]*<(!doctype|html|head|\?xml|!--)", re.IGNORECASE)


def other_kind(start: bytes) -> str | None:
    """Return the sentence about a file of another kind, by its first bytes."""
    if not start.strip(b"\0"):
        beginning = "only zeros" if start else "nothing"
        return f"is cut short: it begins with {beginning}. Copy or download it again."
    for magic, reason in OTHER_KINDS:
        if start.startswith(magic):
            return reason

    if start.startswith(ZIP_MAGIC):
        # torch.save writes an archive, too, that begins with its pickle.
        return PICKLE.replace("pickle", "pickle of torch", 1) if PICKLE_ENTRY in start else ARCHIVE
    if start[TAR_MAGIC_OFFSET:].startswith(TAR_MAGIC):
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
    """Return whether a file begins as text does."""
    # The length of a real header ends in zeros, which are not printable.
    try:
        text = start.decode("utf-8")
    except UnicodeDecodeError as error:
        # The last letter may be cut in two.
        text = start[: error.start].decode("utf-8") if error.start > len(start) - 4 else ""
    return bool(text) and all(letter.isprintable() or letter in "\r\n\t\ufeff" for letter in text)
