"""Bytes of images that lie in Parquet files, from a process that reads the files in their order.

Nothing here reads Parquet: `python -m storage images` does, which is beside this package wherever
Palate is installed.
"""

from __future__ import annotations

import contextlib
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeAlias

from align.client.child_process import describe_exit
from align.client.trainer import python_environment
from align.contracts.image_references import FrameHead, read_frames
from align.errors import SnapshotError

SILENCE_S = 300.0
"""A reader that has sent nothing for so long hangs: groups of rows are read in seconds."""
END_S = 10.0
WAITING = 4
"""Images that are read ahead."""
Frame: TypeAlias = tuple[FrameHead, bytes]


def reader_command(index: Path) -> list[str]:
    """Return the command that reads the images of an index, named on its standard input."""
    return [sys.executable, "-m", "storage", "images", str(index.resolve()), "--asked"]


def image_frames(
    command: Sequence[str], names: Collection[str], silence_s: float = SILENCE_S
) -> Iterator[Frame]:
    """Yield the frames of a reader that is asked for these images.

    Raises:
        SnapshotError: it dies, hangs, or says something else.
    """
    with tempfile.TemporaryFile() as log, running(command, log) as process:
        assert process.stdin is not None and process.stdout is not None
        asking = threading.Thread(target=ask, args=(process.stdin, names), daemon=True)
        frames: queue.Queue[Frame | Exception | None] = queue.Queue(WAITING)
        reading = threading.Thread(target=read_into, args=(process.stdout, frames), daemon=True)
        asking.start()
        reading.start()
        try:
            while (frame := next_frame(frames, silence_s)) is not None:
                if isinstance(frame, Exception):
                    raise SnapshotError(why_it_ended(process, log)) from frame
                yield frame
        finally:
            # The threads end with its pipes; one that waits for room gets it.
            process.kill()
            while reading.is_alive():
                with contextlib.suppress(queue.Empty):
                    frames.get(timeout=0.05)
            asking.join()


@contextmanager
def running(command: Sequence[str], log: BinaryIO) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process, and end it with the block."""
    process = subprocess.Popen(
        command,
        env=python_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
    )
    try:
        yield process
    finally:
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_S)
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                assert pipe is not None
                pipe.close()


def ask(stdin: BinaryIO, names: Collection[str]) -> None:
    """Write the names of images, one a line."""
    with contextlib.suppress(OSError), stdin:
        stdin.writelines(f"{name}\n".encode() for name in names)


def read_into(stdout: BinaryIO, frames: queue.Queue[Frame | Exception | None]) -> None:
    """Read frames into a queue, then what ended them: None, or an error."""
    try:
        for frame in read_frames(stdout):
            frames.put(frame)
        frames.put(None)
    except (EOFError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        frames.put(error)


def next_frame(
    frames: queue.Queue[Frame | Exception | None], silence_s: float
) -> Frame | Exception | None:
    """Wait for a frame; raises SnapshotError where none comes."""
    try:
        return frames.get(timeout=silence_s)
    except queue.Empty:
        raise SnapshotError(
            f"The process that reads images out of Parquet files has sent nothing for "
            f"{silence_s:g} s and was ended. Look at the disk of the files, then resume the run."
        ) from None


def why_it_ended(process: subprocess.Popen[bytes], log: BinaryIO) -> str:
    """Say in a sentence how the reader ended before its last image."""
    try:
        ended = describe_exit(process.wait(END_S))
    except subprocess.TimeoutExpired:
        ended = "it sent what is no image"
    log.seek(0)
    lines = log.read()[-4000:].decode("utf-8", "replace").strip().splitlines()
    told = f" It said: {lines[-1].strip()}" if lines else ""
    return (
        "The process that reads images out of Parquet files ended before its last image: "
        f"{ended}. Resume the run, which goes on after the images that it has.{told}"
    )
