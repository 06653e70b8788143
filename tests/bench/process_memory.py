"""Private memory of a tree of processes, by what each of them is and by stage."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

GIB = 2**30
COMMANDS = {
    "serve": "sampler",
    "train": "trainer",
    "export": "converter",
    "import": "converter",
    "send": "converter",
}
"""What the commands of `python -m align` are called here."""


class MemoryWatch:
    """Samples the private memory (USS) of a process and all below it, once a second.

    Private memory is what would be free if a process ended: shared libraries are left out, pages of
    files that a process has open and read alone are not.
    """

    def __init__(self, pid: int, every: float = 1.0) -> None:
        self._root, self._every = psutil.Process(pid), every
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)
        self._stage = ""
        self.peaks: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        """Bytes by stage and kind of process; "all" is the largest sum of one moment."""
        self.seconds: dict[str, float] = {}
        """Of each stage."""
        self.core_seconds: dict[str, float] = {}
        """Processor time of each stage, by which runs on a busy machine compare."""
        self._cpu: dict[int, float] = {}
        """By process, those that have ended included."""

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Sample inside the block."""
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what is seen inside the block to a stage, and print its time and its peaks."""
        began, cpu_before, self._stage = time.monotonic(), self._core_seconds(), name
        try:
            yield
        finally:
            self._sample()
            self.seconds[name] = time.monotonic() - began
            self.core_seconds[name] = self._core_seconds() - cpu_before
            print(self.row(name), flush=True)

    def row(self, stage: str) -> str:
        """Return a stage as a row of the table."""
        peaks = self.peaks[stage]
        cells = [f"{self.seconds[stage]:.0f}", f"{self.core_seconds[stage]:.0f}"]
        kinds = ("app", "sampler", "trainer", "converter", "all")
        cells += [f"{peaks[kind] / GIB:.1f}" if peaks[kind] else "" for kind in kinds]
        return f"| {stage} | " + " | ".join(cells) + " |"

    def _watch(self) -> None:
        while not self._stop.wait(self._every):
            self._sample()

    def _core_seconds(self) -> float:
        with self._lock:
            return sum(self._cpu.values())

    def _sample(self) -> None:
        now: dict[str, int] = defaultdict(int)
        for process in [self._root, *self._root.children(recursive=True)]:
            try:
                used, kind = process.memory_full_info().uss, kind_of(process.cmdline())
                times = process.cpu_times()
            except psutil.Error:
                continue
            with self._lock:
                self._cpu[process.pid] = times.user + times.system
            now[kind] += used
            now["all"] += used
        with self._lock:
            peaks = self.peaks[self._stage]
            for kind, used in now.items():
                peaks[kind] = max(peaks[kind], used)


HEADER = """\
| stage | seconds | processor | app | sampler | trainer | converter | all at once, GiB |
|---|---|---|---|---|---|---|---|"""
"""Seconds, processor time in seconds of a core, and the most private memory in GiB."""


def kind_of(command: list[str]) -> str:
    """Return what a process is, by its command line."""
    if "align" in command:
        return COMMANDS.get(command[command.index("align") + 1], "converter")
    return "app" if "app.py" in command else "other"
