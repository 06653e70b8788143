"""Entry point of the sampler process, before torch is imported: its import may fail, too."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from typing import IO

from align.client.imports import without_collections
from align.client.load_errors import model_load_error
from align.contracts.rendering import SamplerMessage, SamplerState, read_greeting, to_line
from align.errors import AlignError, ModelUnavailable
from align.sampling.heartbeat import HeartbeatSender


class ReplyStream:
    """Replies to the app: JSON lines, written one at a time from any thread."""

    def __init__(self, replies: IO[bytes]) -> None:
        # Without a buffer: one that a thread writes to when the interpreter ends would abort it.
        self._replies = replies
        self._writing = threading.Lock()

    def send(self, message: SamplerMessage) -> None:
        """Write one message as a line."""
        with self._writing:
            left = memoryview(to_line(message).encode())
            while left:
                left = left[self._replies.write(left) :]


def main() -> None:
    """Load a model and answer requests from stdin until it closes."""
    replies = ReplyStream(_claim_stdout())
    line = sys.stdin.readline()
    if not line:
        return
    greeting = read_greeting(line)
    model = greeting["model"]
    heartbeat = HeartbeatSender(replies.send, greeting["heartbeat_interval_s"], model.load_path)
    try:
        # Torch may be broken, or a driver that it loads.
        with without_collections():
            from align.sampling.server import answer_requests, load  # noqa: PLC0415

        loaded = load(model, replies, greeting["threads"])
    except Exception as error:
        replies.send(failure(model.name, error))
        return
    answer_requests(loaded, replies, heartbeat, greeting)


def failure(name: str, error: Exception) -> SamplerState:
    """Return the failed state, with the reason in one sentence, and print it to the log."""
    known = error if isinstance(error, AlignError) else model_load_error(name, error)
    print(known, file=sys.stderr, flush=True)
    if sys.flags.dev_mode:
        traceback.print_exception(error)
    return SamplerState("failed", str(known), passing=isinstance(known, ModelUnavailable))


def _claim_stdout() -> IO[bytes]:
    """Return the real stdout for replies, and redirect what libraries print to stderr."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return replies
