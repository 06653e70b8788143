"""Return freed memory to the operating system."""

import ctypes
import os


def trim() -> None:
    """Make the C library return the memory that it keeps for later; only glibc keeps much.

    glibc gives each thread a pool of its own, and the pools of many threads grow for hours though
    no more is in use. Takes milliseconds.
    """
    if os.name == "posix":
        # Only glibc has it: musl and macOS give freed memory back by themselves.
        malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if malloc_trim is not None:
            malloc_trim(0)
