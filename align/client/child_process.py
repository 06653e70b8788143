"""A process that is spoken to in JSON lines, and how it came to its end (no torch here)."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from align.client.run_folder import process_lives
from align.client.trainer import process_options, python_environment
from align.files import read_json, write_json

CLOSING_S = 5.0
"""What a process gets to end by itself before it is killed."""
KILLED_S = 10.0
"""A killed process that is there after so long waits in the kernel, for a disk or a driver."""
WINDOWS_CRASH = 0xC0000000
"""Exit codes of Windows from here on are of a fault, not of the program's choosing."""

Message = dict[str, Any]


class ChildProcess:
    """Runs a command whose standard input and output are JSON lines.

    `on_message` hears each line and `on_end` that the process is gone, on a thread of the child's.
    When this process dies, however it dies, the pipe closes and a child that reads it ends.
    """

    def __init__(
        self,
        command: Sequence[str],
        log_path: Path,
        on_message: Callable[[ChildProcess, Message], None],
        on_end: Callable[[ChildProcess], None],
    ) -> None:
        self._on_message, self._on_end = on_message, on_end
        self._writing = threading.Lock()
        self._told = threading.Lock()
        self._log_path = log_path
        self._why = ""
        with log_path.open("ab") as log_file:
            self._log_start = log_file.tell()
            self._process = subprocess.Popen(
                command,
                env=python_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log_file,
                text=True,
                encoding="utf-8",
                **process_options(low_priority=False),
            )
        threading.Thread(target=self._listen, name="sampler", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """What it ended with; None while it runs."""
        return self._process.poll()

    def send(self, message: Message) -> None:
        """Write one line; raises OSError where nobody reads any more."""
        assert self._process.stdin is not None
        with self._writing:
            try:
                self._process.stdin.write(json.dumps(message) + "\n")
                self._process.stdin.flush()
            except ValueError:
                raise BrokenPipeError("the pipe is closed") from None

    def close(self, patience_s: float = CLOSING_S) -> None:
        """Let the process end, and end it where it does not."""
        # A process that stands still reads nothing: whoever writes waits, and so would closing.
        if self._writing.acquire(timeout=1.0):
            try:
                self._close_stdin()
            finally:
                self._writing.release()
        else:
            self.kill()
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self, why: str = "") -> None:
        """End the process now, also one that was stopped; `on_end` is told in any case."""
        self._why = why
        self._process.kill()
        try:
            self._process.wait(KILLED_S)
        except subprocess.TimeoutExpired:
            self._end()

    def note(self, sentence: str) -> None:
        """Add to the log what the process could not say itself."""
        with contextlib.suppress(OSError), self._log_path.open("a", encoding="utf-8") as log:
            log.write(f"{sentence}\n")

    def how_it_ended(self) -> str:
        """Say in words why it was killed, or what it ended with and its own last words."""
        code = self._process.poll()
        if self._why:
            return self._why
        if code is None:
            return "it cannot even be killed, since it waits for a disk or a driver"
        words = _last_line(self._log_path, self._log_start) if code > 0 else ""
        return in_words(code) + (f": {words}" if words else "")

    def _close_stdin(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as replies:
            for line in replies:
                # A process that is killed may leave half a line.
                with contextlib.suppress(json.JSONDecodeError):
                    self._on_message(self, json.loads(line))
        self._process.wait()
        self._close_stdin()
        self._end()

    def _end(self) -> None:
        if self._told.acquire(blocking=False):
            self._on_end(self)


def in_words(code: int) -> str:
    """Say what an exit code means to a person."""
    if code >= WINDOWS_CRASH:
        return f"it crashed in a library or a driver (0x{code:08X})"
    number = -code if code < 0 else code - 128
    if code >= 0 and not (code > 128 and _signal_name(number)):
        return f"it ended with code {code}"
    name = _signal_name(number)
    if name == "SIGKILL":
        return "the system killed it (SIGKILL), probably because the memory ran out"
    if name in ("SIGTERM", "SIGINT", "SIGHUP"):
        return f"it was told to end ({name})"
    return f"it crashed in a library or a driver ({name or f'signal {number}'})"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""


def _last_line(log_path: Path, start: int) -> str:
    """The last line that was logged from `start` on: of a traceback, the error."""
    try:
        with log_path.open("rb") as file:
            file.seek(start)
            lines = file.read()[-20_000:].decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def record_process(file: Path, pid: int) -> None:
    """Note in `file` which process runs for the app."""
    with contextlib.suppress(psutil.Error, OSError):
        write_json(file, {"pid": pid, "started": psutil.Process(pid).create_time()})


def end_orphan(file: Path) -> bool:
    """End the process that an earlier app noted, if it is still there; returns whether it was."""
    try:
        noted = read_json(file) or {}
        pid, started = int(noted["pid"]), float(noted["started"])
        if not process_lives(pid, started):
            return False
        psutil.Process(pid).kill()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, psutil.Error):
        return False
    return True
