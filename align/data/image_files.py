"""Image files of a snapshot: opened as RGB, and refused early where they cannot be used."""

from __future__ import annotations

import stat
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path

from PIL import Image

from align.data.snapshot import TrainingSnapshot
from align.errors import SnapshotError

MAX_PIXELS = 64_000_000
"""A larger image would take gigabytes to decode, only to be scaled down."""
MIN_SIDE = 8
"""Pixels: one latent pixel."""


def drop_bad_images(snapshot: TrainingSnapshot) -> TrainingSnapshot:
    """Return the snapshot without pairs that show an unusable image, counted by reason.

    Raises:
        SnapshotError: no decisive pair is left.
    """
    images = {path for pair in snapshot.pairs for path in (pair.chosen, pair.rejected)}
    faults = {path: fault for path in sorted(images) if (fault := image_fault(path))}
    if not faults:
        return snapshot

    good, left_out = [], Counter(snapshot.left_out)
    for pair in snapshot.pairs:
        fault = faults.get(pair.chosen) or faults.get(pair.rejected)
        if fault is None:
            good.append(pair)
        else:
            left_out[fault] += 1

    if not any(pair.kind == "preference" for pair in good):
        path, fault = next(iter(faults.items()))
        raise SnapshotError(
            f"No pair is left to learn from: {len(faults)} images cannot be used, such as "
            f"{path} ({fault}). Put the files back and start a new run."
        )
    return replace(snapshot, pairs=good, left_out=dict(left_out))


def open_rgb(path: Path) -> Image.Image:
    """Decode an image; raises SnapshotError where the file is none."""
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except MemoryError:
        # Not the file's fault.
        raise
    except Exception as error:  # Decoders raise all kinds of errors on a damaged file.
        raise SnapshotError(f"{path} is not a readable image: {error}.") from None


def image_fault(path: Path) -> str | None:
    """Return the reason why an image file cannot be used, to count by; None where it can."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            # Never opened: a pipe would be waited for.
            return "unreadable image"
        if status.st_size == 0:
            return "empty image file"
        with warnings.catch_warnings():
            # Pillow warns of large images; they are refused here all the same.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                width, height = image.size
                image.verify()
    except FileNotFoundError:
        return "missing image"
    except Image.DecompressionBombError:
        return "huge image"
    except Exception:  # As above.
        return "unreadable image"
    if width * height > MAX_PIXELS:
        return "huge image"
    return "tiny image" if min(width, height) < MIN_SIDE else None
