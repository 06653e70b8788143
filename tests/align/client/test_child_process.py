"""How a process came to its end, in words."""

from __future__ import annotations

import os
import signal
import sys
import threading

import pytest

from align.client.child_process import ChildProcess, describe_exit

pytestmark = pytest.mark.slow

IGNORES_ITS_INPUT = "import time; time.sleep(600)"
CRASHES = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
RAISES = "raise ImportError('libcudart.so.12: cannot open shared object file')"


def started(tmp_path, code: str) -> tuple[ChildProcess, threading.Event]:
    ended = threading.Event()
    command = [sys.executable, "-c", code]
    return ChildProcess(command, tmp_path / "log", lambda *_: None, lambda _: ended.set()), ended


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-signal.SIGKILL if sys.platform != "win32" else 0, "memory ran out"),
        (137, "memory ran out"),
        (-11, "crashed in a library or a driver (SIGSEGV)"),
        (139, "crashed in a library or a driver (SIGSEGV)"),
        (-6, "SIGABRT"),
        (-15, "told to end (SIGTERM)"),
        (1, "ended with code 1"),
        (255, "ended with code 255"),
        (0xC0000005, "crashed in a library or a driver (0xC0000005)"),
    ],
)
def test_exit_codes_are_told_in_words(code, words):
    assert words in describe_exit(code)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_crash_and_the_last_words_of_an_error_are_told(tmp_path):
    child, ended = started(tmp_path, CRASHES)
    assert ended.wait(30) and "SIGSEGV" in child.end_reason()
    (tmp_path / "log").write_text("ValueError: of an earlier process\n", encoding="utf-8")
    child, ended = started(tmp_path, RAISES)
    assert ended.wait(30)
    told = child.end_reason()
    assert told == (
        "it ended with code 1: ImportError: libcudart.so.12: cannot open shared object file"
    )
    child, ended = started(tmp_path, "raise SystemExit(3)")
    assert ended.wait(30) and child.end_reason() == "it ended with code 3"


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_process_that_is_stopped_and_reads_nothing_ends_when_it_is_closed(tmp_path):
    child, ended = started(tmp_path, IGNORES_ITS_INPUT)
    os.kill(child.pid, signal.SIGSTOP)
    # More than a pipe holds: whoever writes it waits.
    writer = threading.Thread(target=raises_pipe, args=(child,))
    writer.start()
    child.close(timeout_s=0.1)
    assert ended.wait(30) and child.returncode == -signal.SIGKILL
    writer.join(30)
    assert not writer.is_alive()


def raises_pipe(child: ChildProcess) -> None:
    with pytest.raises(OSError):
        child.send("x" * 2_000_000 + "\n")
