"""Give memory that was freed back to the system."""

import ctypes
import os


def trim() -> None:
    """Have the C library return the memory that it keeps for later; glibc alone keeps much.

    Each thread frees into a pool of its own there, and the pools of many threads grow for hours
    though no more is in use. Takes milliseconds.
    """
    if os.name == "posix":
        release = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if release is not None:
            release(0)
