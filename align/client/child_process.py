"""Child processes: lines over their pipes, and how they ended (no torch here)."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from align.client.run_folder import process_lives
from align.client.trainer import process_options, python_environment
from align.files import read_json, write_json

CLOSE_TIMEOUT_S = 5.0
"""Time for a process to end by itself before it is killed."""
KILL_TIMEOUT_S = 10.0
"""A killed process that is there after so long waits in the kernel, for a disk or a driver."""
WINDOWS_FAULT = 0xC0000000
"""On Windows, exit codes from here on are of a fault, not of the program's choosing."""


class ChildProcess:
    """A command that reads lines from its standard input and writes lines to its output.

    A thread calls `on_line` with each line, and `on_end` once the process is gone. When this
    process dies, however it dies, the pipe closes and a child that reads it ends.
    """

    def __init__(
        self,
        command: Sequence[str],
        log_path: Path,
        on_line: Callable[[ChildProcess, str], None],
        on_end: Callable[[ChildProcess], None],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it, with the variables of `environment` beside this process's own."""
        self._on_line, self._on_end = on_line, on_end
        self._write_lock = threading.Lock()
        self._ended = threading.Lock()
        self._log_path = log_path
        self._kill_reason = ""

        with log_path.open("ab") as log_file:
            self._log_start = log_file.tell()
            self._process = subprocess.Popen(
                command,
                env=python_environment(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log_file,
                text=True,
                encoding="utf-8",
                **process_options(low_priority=False),
            )
        threading.Thread(target=self._read_lines, name="sampler", daemon=True).start()

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Return the exit code; None while it runs."""
        return self._process.poll()

    def send(self, line: str) -> None:
        """Write a line, which ends in a line break.

        Raises:
            OSError: the process reads no more.
        """
        assert self._process.stdin is not None
        with self._write_lock:
            try:
                self._process.stdin.write(line)
                self._process.stdin.flush()
            except ValueError:
                raise BrokenPipeError("the pipe is closed") from None

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Close the pipe, and kill the process if it does not end within the timeout."""
        # A stopped process reads nothing: a writer blocks with the lock, and so would this.
        if self._write_lock.acquire(timeout=1.0):
            try:
                self._close_stdin()
            finally:
                self._write_lock.release()
        else:
            self.kill()

        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self, reason: str = "") -> None:
        """End the process now, also one that was stopped; `on_end` is called in any case."""
        self._kill_reason = reason
        self._process.kill()
        try:
            self._process.wait(KILL_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._end()

    def append_to_log(self, sentence: str) -> None:
        """Add a sentence about the process to its log."""
        with contextlib.suppress(OSError), self._log_path.open("a", encoding="utf-8") as log:
            log.write(f"{sentence}\n")

    def end_reason(self) -> str:
        """Return in words why it was killed, or its exit code and the last line of its log."""
        code = self._process.poll()
        if self._kill_reason:
            return self._kill_reason
        if code is None:
            return "it cannot even be killed, since it waits for a disk or a driver"
        last_line = _last_line(self._log_path, self._log_start) if code > 0 else ""
        return describe_exit(code) + (f": {last_line}" if last_line else "")

    def _close_stdin(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def _read_lines(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as replies:
            for line in replies:
                self._on_line(self, line)
        self._process.wait()
        self._close_stdin()
        self._end()

    def _end(self) -> None:
        # Both the reading thread and `kill` come here, and `on_end` is called once.
        if self._ended.acquire(blocking=False):
            self._on_end(self)


def describe_exit(code: int) -> str:
    """Return in words what an exit code means."""
    if code >= WINDOWS_FAULT:
        return f"it crashed in a library or a driver (0x{code:08X})"
    # A shell reports a signal as 128 and its number, Popen as the negative number.
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
    """Return the last line that was logged from `start` on: of a traceback, the error."""
    try:
        with log_path.open("rb") as file:
            file.seek(start)
            lines = file.read()[-20_000:].decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def record_process(file: Path, pid: int) -> None:
    """Write the id and start time of the app's process to `file`."""
    with contextlib.suppress(psutil.Error, OSError):
        write_json(file, {"pid": pid, "started": psutil.Process(pid).create_time()})


def end_orphan(file: Path) -> bool:
    """Kill the process that an earlier app recorded, if it still runs; return whether it did.

    A sampler ends when its pipe closes, but not while it is stopped or hangs. If the app is killed
    then, the orphan would keep the device's memory from the next sampler.
    """
    try:
        record = read_json(file) or {}
        pid, started = int(record["pid"]), float(record["started"])
        if not process_lives(pid, started):
            return False
        psutil.Process(pid).kill()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, psutil.Error):
        return False
    return True
