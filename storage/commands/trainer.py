"""The trainer as a process: `python -m align`, which plans a run, prepares it, and trains it.

It is told by its files how far it is, as whoever watches a run is told.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from align.contracts.durations import in_words
from align.contracts.errors import Conflict, Unavailable
from align.contracts.run_files import RunState
from storage.errors import StorageError

CHECKOUT = Path(__file__).resolve().parents[2]
LOOK_S = 0.5
LINE_S = 10.0
"""Between two lines of one phase where nobody looks at a terminal."""


class TrainerFailed(StorageError, Unavailable):
    """A process of the trainer did not do what it was started for."""


class OtherRun(StorageError, Conflict):
    """A run folder holds a run on other data, or something else."""


def align(arguments: Sequence[str]) -> str:
    """Run a command of the trainer that is over at once, and return what it printed.

    Raises TrainerFailed with the sentence that it ended with.
    """
    command = [sys.executable, "-m", "align", *arguments]
    ended = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    if ended.returncode:
        lines = ended.stderr.strip().splitlines() or [f"it ended with code {ended.returncode}"]
        raise TrainerFailed(lines[-1].removeprefix("align: "))
    return ended.stdout


def environment() -> dict[str, str]:
    """Return the environment for a process that must find Palate from any folder."""
    paths = [str(CHECKOUT), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
    }


def train(run_dir: Path) -> int:
    """Train the run in a folder and print how far it is; return the exit code.

    Ctrl+C stops it after its step, with a checkpoint; once more, at once.
    """
    with (run_dir / "log.txt").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "align", "train", str(run_dir.resolve())],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **apart(),
        )
    with ended_with(child):
        follow(child, run_dir)
    return tell_end(child.returncode, run_dir)


def apart() -> dict[str, Any]:
    """Return options for a process that Ctrl+C does not reach: it is asked to stop instead."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0}


@contextlib.contextmanager
def ended_with(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a process with this one, also where this one is told to end."""

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), end) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
        if child.poll() is None:
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(10)
            child.kill()
            child.wait()


def follow(child: subprocess.Popen[bytes], run_dir: Path) -> None:
    """Print how far a run is until its process has ended."""
    line, stopping = ProgressLine(), False
    while True:
        try:
            ended = child.poll() is not None
            line.show(progress_of(run_dir))
            if ended:
                line.end()
                return
            time.sleep(LOOK_S)
        except KeyboardInterrupt:
            line.end()
            if stopping:
                return
            stopping = True
            (run_dir / "pause").touch()
            print("Stopping after this step. Press Ctrl+C once more to stop at once.", flush=True)


def progress_of(run_dir: Path) -> str:
    """Return in words how far a run is; empty where it has not begun to tell."""
    status = read_status(run_dir)
    if status.get("state") != RunState.RUNNING:
        return ""
    phase = str(status.get("phase", ""))
    if phase == "training" and (row := last_metrics(run_dir)):
        accuracy = round(100 * float(row.get("rewards/accuracies", 0)))
        phase = f"step {row['step']} of {status['steps']}, loss {row['loss']:.4f}"
        phase += f", {accuracy} % of its pairs ordered as they were chosen"
    left = status.get("eta_s")
    return f"{phase}, {in_words(float(left))} left" if left else phase


def read_status(run_dir: Path) -> dict[str, Any]:
    """Return status.json of a run; nothing before there is one."""
    try:
        found = json.loads((run_dir / "status.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def last_metrics(run_dir: Path) -> dict[str, Any] | None:
    """Return the metrics of the newest step; None before the first."""
    try:
        with (run_dir / "metrics.jsonl").open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 8_192))
            lines = file.read().split(b"\n")[:-1]
        row = json.loads(lines[-1])
    except (OSError, ValueError, IndexError):
        return None
    return row if isinstance(row, dict) and {"step", "loss"} <= row.keys() else None


def tell_end(code: int | None, run_dir: Path) -> int:
    """Print how a run has ended; return the exit code."""
    status = read_status(run_dir)
    if status.get("state") == RunState.DONE and code == 0:
        result = status.get("result") or {}
        if learned := learned_line(result):
            print(learned)
        if advice := result.get("advice"):
            print(advice)
        print(f"The adapter is {run_dir / result.get('adapter', 'adapter.safetensors')}.")
        print(f"Look at it: palate sample images --prompts FILE --with {shlex.quote(str(run_dir))}")
        return 0

    if status.get("state") == RunState.FAILED and status.get("error"):
        print(f"palate: {status['error']}", file=sys.stderr)
        return 1
    if code is not None and code < 0 and -code not in (signal.SIGINT, signal.SIGTERM):
        told = "the memory may have run out" if -code == 9 else f"see {run_dir / 'log.txt'}"
        print(f"palate: The trainer was ended by signal {-code}; {told}.", file=sys.stderr)
    at = f" at step {status['step']}" if status.get("step") else ""
    print(f"Stopped{at}. Go on with: palate train {shlex.quote(str(run_dir))}")
    return 0 if status.get("state") == RunState.PAUSED else 1


def learned_line(result: Mapping[str, Any]) -> str:
    """Return how many pairs a run learned from, where it left some out; empty where it did not."""
    left_out: Mapping[str, int] = result.get("left_out") or {}
    told = ", ".join(f"{count:,} {why.replace('_', ' ')}" for why, count in left_out.items())
    pairs = result.get("pairs", 0)
    return f"It learned from {pairs:,} pairs. Left out: {told}." if told else ""


class ProgressLine:
    """One line of a terminal that is written over, or a line now and then in a file."""

    def __init__(self) -> None:
        self._over = sys.stdout.isatty()
        self._text, self._told_at = "", 0.0

    def show(self, text: str) -> None:
        """Show a text in place of the last one."""
        if not text or text == self._text:
            return
        if self._over:
            print(f"\r{text:{len(self._text)}}", end="", flush=True)
        elif time.monotonic() - self._told_at < LINE_S:
            return
        else:
            print(text, flush=True)
        self._text, self._told_at = text, time.monotonic()

    def end(self) -> None:
        """End the line."""
        if self._over and self._text:
            print(flush=True)
        self._text = ""
