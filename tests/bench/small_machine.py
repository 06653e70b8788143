"""Run a script as on a machine of so much memory, with nothing else on it.

    python tests/bench/small_machine.py 16 app.py --home studio

psutil tells the script so, and nobody else: what it starts sees the machine as it is.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import psutil

GIB = 2**30


def pretend(gib: float) -> None:
    """Let psutil tell of a machine whose memory only this process and its children use."""
    real, own = psutil.virtual_memory, psutil.Process()

    def virtual_memory() -> Any:
        used = sum(private_memory(each) for each in [own, *own.children(recursive=True)])
        total = int(gib * GIB)
        return real()._replace(total=total, used=used, available=max(0, total - used))

    psutil.virtual_memory = virtual_memory


def private_memory(process: psutil.Process) -> int:
    """Return the bytes that would be free if a process ended; 0 where it has."""
    try:
        return int(process.memory_full_info().uss)
    except psutil.Error:
        return 0


if __name__ == "__main__":
    pretend(float(sys.argv[1]))
    sys.argv = sys.argv[2:]
    sys.path.insert(0, str(Path(sys.argv[0]).resolve().parent))
    runpy.run_path(sys.argv[0], run_name="__main__")
