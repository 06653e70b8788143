"""Programs of the docs, run in the process of a test: importing torch once more takes seconds."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path


def printed_by(program: str, folder: Path) -> str:
    """Run a program in a folder, with names of its own, and return what it prints."""
    import torch  # noqa: PLC0415  only where a test is not fast

    out = io.StringIO()
    # A seed that it sets is none for the tests after it.
    seeded = torch.random.fork_rng(devices=[])
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), seeded:
        exec(compile(program, "<program>", "exec"), {"__name__": "__main__"})
    return out.getvalue()
