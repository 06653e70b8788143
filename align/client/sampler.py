"""Sampler process: keeps a pipeline loaded, for an app that never imports torch.

Requests and replies are JSON lines over the child's stdin and stdout. When the app dies, however
it dies, the pipe closes and the child ends: no sampler is left behind.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from align.client.catalog.hub_cache import downloading
from align.client.child_process import ChildProcess, end_orphan, record_process
from align.client.planning.rendering_time import expected_image_s
from align.client.replies import SamplerRequests
from align.client.trainer import usable_cores
from align.client.watchdog import Heartbeat, Timeouts, Watchdog, usage_of
from align.contracts.models import ModelInfo
from align.contracts.rendering import (
    HeartbeatMessage,
    RenderSettings,
    SamplerGreeting,
    SamplerRequest,
    SamplerState,
    read_message,
    to_line,
)
from align.errors import SamplerFailed

log = logging.getLogger(__name__)
MAX_CRASHES = 3
"""Crashes in a row, without an image between them, that count as a failure."""
NOT_RUNNING = "The sampler is not running."
INTERRUPTED = "The image model stopped while it was rendering."


class SamplerProcess(SamplerRequests):
    """Starts the sampler, sends it requests and starts it again if it dies.

    A model that cannot be loaded is tried again where that may help, at growing intervals, and at
    once by `retry`.
    """

    def __init__(
        self,
        model: ModelInfo,
        images_dir: Path,
        log_path: Path,
        python: str = sys.executable,
        cpu_lock: Path | None = None,
        timeouts: Timeouts | None = None,
        on_ready: Callable[[], None] = lambda: None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`on_ready` is called each time the model has loaded; `environment` adds variables."""
        super().__init__()
        self._model, self._on_ready = model, on_ready
        self._images_dir, self._cpu_lock = images_dir, cpu_lock
        self._log_path, self._pid_path = log_path, log_path.with_suffix(".pid")
        self._python, self._environment = python, environment
        self._timeouts = timeouts or Timeouts()

        self._child: ChildProcess | None = None
        self._state = SamplerState("stopped", NOT_RUNNING)
        self._heartbeat = Heartbeat()
        self._watchdog = Watchdog(self._timeouts, from_hub=False)
        self._guard = threading.RLock()
        self._crashes = self._failures = 0
        self._retry_at: float | None = None
        self._last_failure = ""
        self._stop_watching: threading.Event | None = None

    def start(self) -> None:
        """Start the process unless it runs; returns at once, `state` tells how far it is."""
        with self._guard:
            if self._child is not None:
                return
            if self._stop_watching is None:
                if end_orphan(self._pid_path):
                    log.warning("An image model that an earlier app left behind was ended.")
                self._stop_watching = stop = threading.Event()
                threading.Thread(
                    target=self._watch, args=(stop,), name="sampler watch", daemon=True
                ).start()
            self._spawn()

    def _spawn(self) -> None:
        self._retry_at = None
        self._state = SamplerState("starting", "Starting the image model.")
        from_hub = not Path(self._model.load_path).exists()
        self._heartbeat, self._watchdog = Heartbeat(), Watchdog(self._timeouts, from_hub)
        command = [self._python, "-m", "align", "serve"]
        calls = (self._on_line, self._on_end, self._environment)
        self._child = ChildProcess(command, self._log_path, *calls)
        record_process(self._pid_path, self._child.pid)
        # A process that ended at once is noticed by `_on_end`.
        with contextlib.suppress(OSError):
            self._child.send(to_line(self._greeting()))

    def retry(self) -> None:
        """Load the model again now, if it could not be loaded; returns at once."""
        with self._guard:
            if self._state.state == "failed":
                self._crashes = self._failures = 0
                self.start()

    def _greeting(self) -> SamplerGreeting:
        return {
            "model": self._model,
            "images_dir": str(self._images_dir.resolve()),
            "cpu_lock": str(self._cpu_lock.resolve()) if self._cpu_lock else None,
            "threads": usable_cores(),
            "heartbeat_interval_s": self._timeouts.heartbeat_interval_s,
        }

    def stop(self) -> None:
        """End the process, and free what it holds on the device."""
        with self._guard:
            child, self._child = self._child, None
            self._state = SamplerState("stopped", NOT_RUNNING)
            self._retry_at = None
            if self._stop_watching is not None:
                self._stop_watching.set()
                self._stop_watching = None
            self._pending.fail(INTERRUPTED)

        # Closing may take seconds, in which others ask for the state.
        if child is not None:
            child.close()
            self._pid_path.unlink(missing_ok=True)

    def expected_image_s(self, settings: RenderSettings) -> float | None:
        """Return the seconds that an image should take; None where nobody can tell."""
        return expected_image_s(self._model, settings, self._state, usable_cores())

    def state(self) -> SamplerState:
        """Return the sampler's state, with the seconds until a retry where one is due."""
        state, retry_at = self._state, self._retry_at
        if not retry_at:
            return state
        return replace(state, retry_s=max(0.0, retry_at - time.monotonic()))

    def _send(self, request: SamplerRequest) -> None:
        child = self._child
        if child is None:
            raise SamplerFailed(self._state.detail or NOT_RUNNING)
        try:
            child.send(to_line(request))
        except OSError:
            raise SamplerFailed("The image model stopped; it is being started again.") from None

    def _on_line(self, child: ChildProcess, line: str) -> None:
        try:
            message = read_message(line)
        except ValueError:
            # A process that is killed may leave half a line.
            return

        if isinstance(message, SamplerState):
            self._on_state(child, message)
        elif "heartbeat" in message:
            self._on_heartbeat(child, message)
        else:
            if "error" not in message and "step" not in message:
                # A model that loads may still crash at every request: only a result resets.
                self._crashes = self._failures = 0
            self._pending.deliver(message)

    def _on_heartbeat(self, child: ChildProcess, message: HeartbeatMessage) -> None:
        with self._guard:
            if self._child is not child:
                return
            work = message["heartbeat"]
            self._heartbeat = Heartbeat(self._heartbeat.count + 1, work["phase"], work["work"])
            if self._state.state == "loading" and message["downloaded"]:
                detail = downloading(self._model, message["downloaded"])
                self._state = replace(self._state, detail=detail)

    def _on_state(self, child: ChildProcess, state: SamplerState) -> None:
        with self._guard:
            if self._child is not child:
                return
            # It says so again where memory gets short.
            loaded = state.state == "ready" and self._state.state != "ready"
            self._state = state
            if state.state == "failed":
                # It may take seconds to end, and its messages no longer matter.
                self._child = None
                threading.Thread(target=child.close, name="sampler end", daemon=True).start()
                self._fail(state)
        if loaded:
            self._on_ready()

    def _on_end(self, child: ChildProcess) -> None:
        """Start the process again, at once or later, unless its end was expected."""
        with self._guard:
            if self._child is child:
                self._child = None
                self._restart_or_fail(child)

    def _restart_or_fail(self, child: ChildProcess) -> None:
        self._crashes += 1
        reason = child.end_reason()
        if self._crashes < MAX_CRASHES:
            sentence = f"The image model stopped: {reason}. It is being started again."
            log.warning("%s", sentence)
            child.append_to_log(sentence)
            self._pending.fail(INTERRUPTED)
            self.start()
            self._state = replace(self._state, detail=f"The image model starts again: {reason}.")
            return

        doing = "was loaded" if self._state.state in ("starting", "loading") else "was at work"
        detail = f"{self._model.name} stopped {self._crashes} times while it {doing}: {reason}."
        child.append_to_log(detail)
        self._crashes = 0
        self._fail(replace(self._state, state="failed", detail=detail, passing=True))

    def _fail(self, state: SamplerState) -> None:
        """Set the failed state, schedule the retry and fail all pending requests."""
        self._failures += 1
        pause = self._timeouts.pause_after(self._failures)
        self._retry_at = time.monotonic() + pause if state.passing else None

        # Every retry may fail alike, for hours: once in the log is enough.
        if state.detail != self._last_failure:
            log.error("%s", state.detail)
        self._last_failure = state.detail
        self._state = state
        self._pending.fail(state.detail)

    def _watch(self, stop: threading.Event) -> None:
        """Start the process again when a retry is due, and kill one that hangs, until `stop`."""
        checked = time.monotonic()
        while not stop.wait(self._timeouts.check_interval_s):
            now, before = time.monotonic(), checked
            checked = now
            with self._guard:
                if self._retry_at is not None and now >= self._retry_at:
                    self.start()
                child = self._child
                reason = self._hang_reason(child, now - before) if child else None
            if child and reason:
                # Without the guard, which `_on_end` takes on the child's thread.
                child.kill(reason)

    def _hang_reason(self, child: ChildProcess, elapsed: float) -> str | None:
        on_cpu = self._state.device == "cpu"
        return self._watchdog.check(self._heartbeat, usage_of(child.pid), on_cpu, elapsed)
