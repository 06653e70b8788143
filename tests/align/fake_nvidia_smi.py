"""A program named nvidia-smi in PATH, in place of the driver's."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

SCRIPT = """#!{python}
import sys, time
answers = {answers!r}
answer = answers.get(" ".join(sys.argv[1:]))
if answer is None:
    sys.exit("Invalid argument")
if answer == "hang":
    time.sleep(60)
print(answer)
"""


def write_nvidia_smi(folder: Path, monkeypatch, answers: dict[str, str]) -> None:
    """Put a program first in PATH that answers these arguments, and fails at others."""
    path = folder / "nvidia-smi"
    path.write_text(SCRIPT.format(python=sys.executable, answers=answers), "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder), os.environ["PATH"]]))
