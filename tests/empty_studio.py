"""An empty studio for every test, with its tables made once for all tests of a process."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from storage.store import Store


@cache
def template() -> Path:
    """Open a studio for the first time, which takes three times as long as any other time."""
    folder = Path(tempfile.mkdtemp(prefix="palate-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with Store(folder / "studio"):
        return folder / "studio"


def empty_studio(home: Path) -> Path:
    """Return a studio's folder, copied from one in which nothing ever was unless it is there."""
    if not home.exists():
        shutil.copytree(template(), home)
    return home
