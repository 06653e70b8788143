"""File digests: know a file again by its content, however it is called."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

HUGE = 1 << 30
"""Bytes from which on a file is known by samples: hashing 100 GB would take minutes."""
SAMPLES = 256
SAMPLE_BYTES = 1 << 16
FOOTER_BYTES = 1 << 20
"""Bytes at the end that are always read: those of a Parquet file say where everything in it is."""
BLOCK_BYTES = 1 << 20


def digest_of(path: Path, interrupt: Callable[[], None] = lambda: None) -> str:
    """Return the digest of a file or of a folder; `interrupt` may raise while a file is read.

    Raises OSError.
    """
    if path.is_dir():
        return digest_of_folder(path)
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > HUGE:
            return digest_of_samples(path, size)

        digest = hashlib.sha256()
        while block := file.read(BLOCK_BYTES):
            interrupt()
            digest.update(block)
    return f"sha256:{digest.hexdigest()}"


def digest_of_samples(path: Path, size: int) -> str:
    """Return the digest of a huge file: of its size, its end, and blocks all over it."""
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for sample in range(SAMPLES):
            file.seek(size * sample // SAMPLES)
            digest.update(file.read(SAMPLE_BYTES))
        file.seek(max(0, size - FOOTER_BYTES))
        digest.update(file.read(FOOTER_BYTES))
    return f"sampled:{digest.hexdigest()}"


def digest_of_folder(path: Path) -> str:
    """Return the digest of a folder: of the names and sizes of all files in it."""
    digest = hashlib.sha256()
    for folder, names, files in os.walk(path):
        names.sort()
        for name in sorted(files):
            file = Path(folder, name)
            about = f"{file.relative_to(path).as_posix()}\0{file.lstat().st_size}\0"
            digest.update(os.fsencode(about))
    return f"folder:{digest.hexdigest()}"
