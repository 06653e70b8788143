"""A long-lived process that keeps a pipeline warm, spoken to by an app that never imports torch.

Requests and replies are JSON lines over the child's stdin and stdout. When the app dies, however
it dies, the pipe closes and the child ends: no sampler is ever left behind.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from align.client.child_process import ChildProcess, end_orphan, record_process
from align.client.models import ModelInfo
from align.client.render_items import Rendered, RenderItem, RenderSettings, SamplerState
from align.client.replies import PendingRequests
from align.client.trainer import usable_cores
from align.client.watchdog import Heartbeat, Timeouts, Watchdog, usage_of
from align.errors import SamplerFailed

log = logging.getLogger(__name__)
QUICK_DEATHS = 3
NOT_RUNNING = "The sampler is not running."
INTERRUPTED = "The image model stopped while it was drawing."


class SamplerProcess:
    """Starts the sampler, sends it images to draw and starts it again if it dies.

    A model that cannot be loaded is tried again by itself where that may help, ever more rarely,
    and at once by `retry`.
    """

    def __init__(
        self,
        model: ModelInfo,
        images_dir: Path,
        log_path: Path,
        python: str = sys.executable,
        cpu_lock: Path | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._model = model
        self._images_dir = images_dir
        self._log_path = log_path
        self._noted = log_path.with_suffix(".pid")
        self._python = python
        self._cpu_lock = cpu_lock
        self._timeouts = timeouts or Timeouts()
        self._child: ChildProcess | None = None
        self._state = SamplerState("stopped", NOT_RUNNING)
        self._pending = PendingRequests()
        self._heartbeat = Heartbeat()
        self._watchdog = Watchdog(self._timeouts, from_hub=False)
        self._guard = threading.RLock()
        self._deaths = 0
        self._failures = 0
        self._due: float | None = None
        self._last_failure = ""
        self._watch: threading.Event | None = None

    def start(self) -> None:
        """Start the process if it is not there; returns at once, `state` tells the rest."""
        with self._guard:
            if self._child is not None:
                return
            if self._watch is None:
                if end_orphan(self._noted):
                    log.warning("An image model that an earlier app left behind was ended.")
                self._watch = threading.Event()
                threading.Thread(
                    target=self._keep, args=(self._watch,), name="sampler watch", daemon=True
                ).start()
            self._spawn()

    def _spawn(self) -> None:
        self._due = None
        self._state = SamplerState("starting", "Starting the image model.")
        from_hub = not Path(self._model.load_path).exists()
        self._heartbeat, self._watchdog = Heartbeat(), Watchdog(self._timeouts, from_hub)
        command = [self._python, "-m", "align", "serve"]
        self._child = ChildProcess(command, self._log_path, self._hear, self._mourn)
        record_process(self._noted, self._child.pid)
        with contextlib.suppress(OSError):
            self._child.send(self._greeting())

    def retry(self) -> None:
        """Load the model again now, if it could not be loaded; returns at once."""
        with self._guard:
            if self._state.state == "failed":
                self._deaths = self._failures = 0
                self.start()

    def _greeting(self) -> dict[str, Any]:
        return {
            "model": self._model.to_json(),
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
            self._due = None
            if self._watch is not None:
                self._watch.set()
                self._watch = None
            self._pending.fail(INTERRUPTED)
        if child is not None:
            child.close()
            self._noted.unlink(missing_ok=True)

    def state(self) -> SamplerState:
        """What the sampler does now."""
        state, due = self._state, self._due
        return replace(state, retry_s=max(0.0, due - time.monotonic())) if due else state

    def render(
        self,
        items: Sequence[RenderItem],
        adapters: Sequence[tuple[Path, float]],
        settings: RenderSettings,
        on_image: Callable[[int, Rendered], None] | None = None,
        prefer_throughput: bool = False,
        preemptible: bool = False,
    ) -> list[Rendered]:
        """Draw images and wait for them; each is on disk before it is reported.

        `adapters` are added up by their weights; without any the base alone draws. If
        `prefer_throughput`, all come as soon as they can, else the first ones do. If `preemptible`,
        the drawing ends early, within a denoising step, as soon as something is asked for without
        it.

        Raises:
            SamplerFailed: the model cannot be loaded or the process died.
        """
        request = {
            "items": [asdict(item) for item in items],
            "adapters": _files(adapters),
            "settings": asdict(settings),
            "prefer_throughput": prefer_throughput,
            "preemptible": preemptible,
        }

        def drawn(reply: dict[str, Any]) -> Rendered:
            return Rendered(reply["sha256"], reply["width"], reply["height"])

        return self._pending.ask(self._send, request, len(items), drawn, on_image)

    def score(
        self,
        prompts: Sequence[str],
        images: Sequence[Path],
        adapter: Path,
        settings: RenderSettings,
        on_score: Callable[[int, float], None] | None = None,
    ) -> list[float]:
        """How much likelier an adapter holds each image to be than its base does, as numbers.

        Only images of one prompt compare.

        Raises:
            SamplerFailed: the adapter or an image cannot be used, or the process died.
        """
        request = {
            "prompts": list(prompts),
            "images": [str(Path(image).resolve()) for image in images],
            "adapters": _files([(adapter, 1.0)]),
            "settings": asdict(settings),
        }

        def scored(reply: dict[str, Any]) -> float:
            return float(reply["score"])

        return self._pending.ask(self._send, request, len(images), scored, on_score)

    def _send(self, message: dict[str, Any]) -> None:
        child = self._child
        if child is None:
            raise SamplerFailed(self._state.detail or NOT_RUNNING)
        try:
            child.send(message)
        except OSError:
            raise SamplerFailed("The image model stopped; it is being started again.") from None

    def _hear(self, child: ChildProcess, message: dict[str, Any]) -> None:
        if "state" in message:
            with self._guard:
                if self._child is child:
                    self._take(child, SamplerState(**message))
        elif "heartbeat" in message:
            self._feel(child, message)
        else:
            if "error" not in message:
                # Only what is drawn shows that it can: it may die of each request.
                self._deaths = self._failures = 0
            self._pending.deliver(message)

    def _feel(self, child: ChildProcess, message: dict[str, Any]) -> None:
        with self._guard:
            if self._child is not child:
                return
            self._heartbeat = Heartbeat(self._heartbeat.count + 1, **message["heartbeat"])
            if self._state.state == "loading" and message["downloaded"]:
                so_far = f"{message['downloaded'] / 1e9:.1f} GB so far"
                detail = f"Downloading {self._model.name}: {so_far}."
                self._state = replace(self._state, detail=detail)

    def _take(self, child: ChildProcess, state: SamplerState) -> None:
        self._state = state
        if state.state == "failed":
            # The process has no more to say; it may take seconds to end.
            self._child = None
            threading.Thread(target=child.close, name="sampler end", daemon=True).start()
            self._fail(state)

    def _mourn(self, child: ChildProcess) -> None:
        """The process ended: start it again, at once or later, unless that was expected."""
        with self._guard:
            if self._child is child:
                self._child = None
                self._go_on(child)

    def _go_on(self, child: ChildProcess) -> None:
        self._deaths += 1
        how = child.how_it_ended()
        if self._deaths < QUICK_DEATHS:
            told = f"The image model stopped: {how}. It is being started again."
            log.warning("%s", told)
            child.note(told)
            self._pending.fail(INTERRUPTED)
            self.start()
            self._state = replace(self._state, detail=f"The image model starts again: {how}.")
            return
        doing = "was loaded" if self._state.state in ("starting", "loading") else "was at work"
        detail = f"{self._model.name} stopped {self._deaths} times while it {doing}: {how}."
        child.note(detail)
        self._deaths = 0
        self._fail(replace(self._state, state="failed", detail=detail, passing=True))

    def _fail(self, state: SamplerState) -> None:
        """Say once why there is no image model, and when it is tried again."""
        timeouts = self._timeouts
        self._failures += 1
        pause = min(
            timeouts.longest_retry_s, timeouts.first_retry_s * 2 ** min(10, self._failures - 1)
        )
        self._due = time.monotonic() + pause if state.passing else None
        if state.detail != self._last_failure:
            log.error("%s", state.detail)
        self._last_failure = state.detail
        self._state = state
        self._pending.fail(state.detail)

    def _keep(self, stopped: threading.Event) -> None:
        """Start the process again once that is due, and end one that hangs, until told to stop."""
        looked = time.monotonic()
        while not stopped.wait(self._timeouts.check_interval_s):
            now, before = time.monotonic(), looked
            looked = now
            with self._guard:
                if self._due is not None and now >= self._due:
                    self.start()
                child = self._child
                why = self._why_it_hangs(child, now - before) if child else None
            if child and why:
                # Without the guard: what is killed is mourned on another thread.
                child.kill(why)

    def _why_it_hangs(self, child: ChildProcess, elapsed: float) -> str | None:
        on_cpu = self._state.device == "cpu"
        return self._watchdog.look(self._heartbeat, usage_of(child.pid), on_cpu, elapsed)


def _files(adapters: Sequence[tuple[Path, float]]) -> list[list[Any]]:
    return [[str(Path(path).resolve()), weight] for path, weight in adapters]
