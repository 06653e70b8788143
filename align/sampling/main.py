"""Where the sampler process begins: before torch is imported, which can fail as loading can."""

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


class Wire:
    """The way back to the app: one JSON line at a time, from any thread."""

    def __init__(self, replies: IO[bytes]) -> None:
        # Without a buffer: one that a thread writes to when the interpreter ends would abort it.
        self._replies = replies
        self._writing = threading.Lock()

    def say(self, message: dict[str, Any]) -> None:
        """Write one message."""
        with self._writing:
            left = memoryview(json.dumps(message).encode() + b"\n")
            while left:
                left = left[self._replies.write(left) :]

    def tell(self, state: SamplerState) -> None:
        """Say what the sampler does now."""
        self.say(asdict(state))


def main() -> None:
    """Load a model and answer requests from stdin until it closes."""
    wire = Wire(_claim_stdout())
    greeting = json.loads(sys.stdin.readline() or "null")
    if greeting is None:
        return
    model = ModelInfo(**greeting["model"])
    heartbeat = HeartbeatSender(wire.say, float(greeting["heartbeat_interval_s"]), model.load_path)
    try:
        # Torch may be broken, or a driver that it loads.
        from align.sampling.server import answer_requests, load  # noqa: PLC0415

        loaded = load(model, wire, int(greeting["threads"]))
    except Exception as error:
        wire.tell(failure(model.name, error))
        return
    answer_requests(loaded, wire, heartbeat, greeting)


def failure(name: str, error: Exception) -> SamplerState:
    """Put into one sentence, for the app and for the log, why there is no model."""
    known = error if isinstance(error, AlignError) else model_load_error(name, error)
    print(known, file=sys.stderr, flush=True)
    if sys.flags.dev_mode:
        traceback.print_exception(error)
    return SamplerState("failed", str(known), passing=isinstance(known, ModelUnavailable))


def _claim_stdout() -> IO[bytes]:
    """Keep the real stdout for replies; whatever libraries print goes to stderr."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return replies
