"""The local cache of hub models: what it holds of one, and whether the rest fits on its disk."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from align.contracts.models import Download, ModelInfo
from align.errors import ModelUnavailable

RESERVE_BYTES = 1_000_000_000
"""Free space that a download leaves for the studio and for everything else on the disk."""


def cache_folder(name: str) -> str:
    """Return the name of a hub model's folder in the cache."""
    return f"models--{name.replace('/', '--')}"


def cached_bytes(cache: Path, name: str) -> int:
    """Return the bytes of a hub model in the cache, unfinished files included."""
    total = 0
    with contextlib.suppress(OSError):
        for file in (cache / cache_folder(name) / "blobs").iterdir():
            with contextlib.suppress(OSError):
                total += file.stat().st_size
    return total


def free_bytes(folder: Path) -> int | None:
    """Return the free space of the disk that a folder is on, or will be on; None if unknown."""
    existing = next((place for place in (folder, *folder.parents) if place.is_dir()), None)
    try:
        return shutil.disk_usage(existing).free if existing else None
    except OSError:
        return None


def download_of(model: ModelInfo, cache: Path) -> Download | None:
    """Return the download that a model needs before it can be loaded; None if it needs none."""
    if not model.download_bytes:
        return None
    there = min(model.download_bytes, cached_bytes(cache, model.path))
    return Download(model.download_bytes, there, free_bytes(cache), str(cache))


def require_room(model: ModelInfo, download: Download) -> None:
    """Raise ModelUnavailable where a model does not fit on the disk of the cache."""
    if download.free is None or download.missing + RESERVE_BYTES <= download.free:
        return
    raise ModelUnavailable(
        f"{model.name} needs {in_gb(download.missing)} more, and the disk of {download.folder} "
        f"has {in_gb(download.free)} free. Free some space there, or name a folder on another disk "
        "in HF_HOME and start Palate again."
    )


def download_sentence(model: ModelInfo, download: Download) -> str:
    """Return what is downloaded before a model can render, and where to."""
    free = "" if download.free is None else f" ({in_gb(download.free)} free)"
    return (
        f"{model.name} is downloaded first: {in_gb(download.missing)} to {download.folder}{free}. "
        "A download that is broken off goes on where it stopped."
    )


def doubt_about(model: ModelInfo) -> str:
    """Return the warning about a hub model that could not be looked up, with its guessed size."""
    return (
        f"palate: {model.name} could not be looked up ({model.doubt}), so until it is loaded it is "
        f"taken for a model of {model.width} x {model.height} pixels in {model.steps} steps."
    )


def downloading(model: ModelInfo, there: int) -> str:
    """Return how far the download of a hub model is, of which so many bytes are there."""
    # The cache may hold other files of it as well.
    known = f" of {in_gb(model.download_bytes)}" if there <= model.download_bytes else " so far"
    return f"Downloading {model.name}: {in_gb(there)}{known}."


def in_gb(size: int) -> str:
    """Return a size in GB."""
    return f"{size / 1e9:.1f} GB"
