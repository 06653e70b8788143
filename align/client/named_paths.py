"""Paths as people name them, on a command line or a page."""

from __future__ import annotations

from pathlib import Path

from align.errors import ModelNotFound

MAX_SHOWN = 80


def path_of(name: str) -> Path:
    """Return the path that a name stands for, whether anything is there or not.

    Raises:
        ModelNotFound: no path can be called so, or it cannot be looked at.
    """
    try:
        path = Path(name).expanduser()
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return path
    except (OSError, RuntimeError, ValueError) as error:
        shown = name if len(name) <= MAX_SHOWN else f"{name[:MAX_SHOWN]}..."
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise ModelNotFound(
            f"{shown!r} cannot be looked at: {reason}. Name a file, a folder or a hub name such as "
            "'stabilityai/stable-diffusion-xl-base-1.0'."
        ) from None
    return path
