"""Entry point of the sampler process, before torch is imported: its import may fail, too."""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from dataclasses import asdict
from typing import IO, Any

from align.client.load_errors import model_load_error
from align.client.models import ModelInfo
from align.client.render_items import SamplerState
from align.errors import AlignError, ModelUnavailable
from align.sampling.heartbeat import HeartbeatSender


class ReplyStream:
    """Replies to the app: JSON lines, written one at a time from any thread."""

    def __init__(self, replies: IO[bytes]) -> None:
        # Without a buffer: one that a thread writes to when the interpreter ends would abort it.
        self._replies = replies
        self._writing = threading.Lock()

    def send(self, message: dict[str, Any]) -> None:
        """Write one message as a line."""
        with self._writing:
            left = memoryview(json.dumps(message).encode() + b"\n")
            while left:
                left = left[self._replies.write(left) :]

    def send_state(self, state: SamplerState) -> None:
        """Write the sampler's state."""
        self.send(asdict(state))


def main() -> None:
    """Load a model and answer requests from stdin until it closes."""
    replies = ReplyStream(_claim_stdout())
    greeting = json.loads(sys.stdin.readline() or "null")
    if greeting is None:
        return
    model = ModelInfo(**greeting["model"])
    heartbeat = HeartbeatSender(
        replies.send, float(greeting["heartbeat_interval_s"]), model.load_path
    )
    try:
        # Torch may be broken, or a driver that it loads.
        from align.sampling.server import answer_requests, load  # noqa: PLC0415

        loaded = load(model, replies, int(greeting["threads"]))
    except Exception as error:
        replies.send_state(failure(model.name, error))
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
