"""Import of large libraries without the garbage collector looking for garbage meanwhile."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collections() -> Iterator[None]:
    """Make objects that stay, such as modules, while the garbage collector is off.

    torch and diffusers make half a million objects, none of them garbage: the collections that this
    would cause are a seventh of the import, and each later one would look at all of them again, for
    half a second. So what is there at the end is never looked at again.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
