"""A long-lived process that keeps a pipeline warm, spoken to by an app that never imports torch.

Requests and replies are JSON lines over the child's stdin and stdout. When the app dies, however
it dies, the pipe closes and the child ends: no sampler is ever left behind.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from align.errors import SamplerFailed
from align.launch import process_options, python_environment, usable_cores
from align.models import ModelInfo

log = logging.getLogger(__name__)
QUICK_DEATHS = 3
T = TypeVar("T")


@dataclass(frozen=True)
class RenderItem:
    """One picture to draw."""

    prompt: str
    seed: int


@dataclass(frozen=True)
class RenderSettings:
    """How pictures are drawn; sizes in pixels."""

    width: int
    height: int
    steps: int
    guidance: float
    negative_prompt: str
    scheduler: str


@dataclass(frozen=True)
class Rendered:
    """A picture stored at images/ab/<sha256>.png."""

    sha256: str
    width: int
    height: int


@dataclass(frozen=True)
class SamplerState:
    """What the sampler does now."""

    state: str
    """starting, loading, ready, stopped or failed."""
    detail: str = ""
    device: str = "cpu"
    memory_total: int = 0
    memory_used: int = 0


class SamplerProcess:
    """Starts the sampler, sends it pictures to draw and starts it again if it dies."""

    def __init__(
        self,
        model: ModelInfo,
        images_dir: Path,
        log_path: Path,
        python: str = sys.executable,
        turns: Path | None = None,
    ) -> None:
        self._model = model
        self._images_dir = images_dir
        self._log_path = log_path
        self._python = python
        self._turns = turns
        self._child: subprocess.Popen[str] | None = None
        self._state = SamplerState("stopped", "The sampler is not running.")
        self._replies: dict[int, queue.Queue[dict[str, Any]]] = {}
        self._ids = itertools.count(1)
        self._guard = threading.RLock()
        self._deaths = 0

    def start(self) -> None:
        """Start the process if it is not there; returns at once, `state` tells the rest."""
        with self._guard:
            if self._child is not None and self._child.poll() is None:
                return
            self._state = SamplerState("starting", "Starting the image model.")
            with self._log_path.open("ab") as log_file:
                self._child = subprocess.Popen(
                    [self._python, "-m", "align", "serve"],
                    env=python_environment(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log_file,
                    text=True,
                    encoding="utf-8",
                    **process_options(low_priority=False),
                )
            self._send(self._greeting())
            threading.Thread(
                target=self._listen, args=(self._child,), name="sampler", daemon=True
            ).start()

    def _greeting(self) -> dict[str, Any]:
        return {
            "model": self._model.to_json(),
            "images_dir": str(self._images_dir.resolve()),
            "turns": str(self._turns.resolve()) if self._turns else None,
            "threads": usable_cores(),
        }

    def stop(self) -> None:
        """End the process, and free what it holds on the device."""
        with self._guard:
            child, self._child = self._child, None
            self._state = SamplerState("stopped", "The sampler is not running.")
        if child is None:
            return
        try:
            if child.stdin:
                child.stdin.close()
            child.wait(timeout=5)
        except (OSError, subprocess.TimeoutExpired):
            child.kill()
            child.wait()

    def state(self) -> SamplerState:
        """What the sampler does now."""
        return self._state

    def render(
        self,
        items: Sequence[RenderItem],
        adapters: Sequence[tuple[Path, float]],
        settings: RenderSettings,
        on_image: Callable[[int, Rendered], None] | None = None,
        patient: bool = False,
        gives_way: bool = False,
    ) -> list[Rendered]:
        """Draw pictures and wait for them; each is on disk before it is reported.

        `adapters` are added up by their weights; without any the base alone draws. If `patient`,
        all come as soon as they can, else the first ones do. If `gives_way`, the drawing ends
        early, within a denoising step, as soon as something is asked for without it.

        Raises:
            SamplerFailed: the model cannot be loaded or the process died.
        """
        request = {
            "items": [asdict(item) for item in items],
            "adapters": _files(adapters),
            "settings": asdict(settings),
            "patient": patient,
            "gives_way": gives_way,
        }

        def drawn(reply: dict[str, Any]) -> Rendered:
            return Rendered(reply["sha256"], reply["width"], reply["height"])

        return self._ask(request, len(items), drawn, on_image)

    def score(
        self,
        prompts: Sequence[str],
        pictures: Sequence[Path],
        adapter: Path,
        settings: RenderSettings,
        on_score: Callable[[int, float], None] | None = None,
    ) -> list[float]:
        """How much likelier an adapter holds each picture to be than its base does, as numbers.

        Only pictures of one prompt compare.

        Raises:
            SamplerFailed: the adapter or a picture cannot be used, or the process died.
        """
        request = {
            "prompts": list(prompts),
            "pictures": [str(Path(picture).resolve()) for picture in pictures],
            "adapters": _files([(adapter, 1.0)]),
            "settings": asdict(settings),
        }
        return self._ask(request, len(pictures), lambda reply: float(reply["score"]), on_score)

    def _ask(
        self,
        request: dict[str, Any],
        count: int,
        read: Callable[[dict[str, Any]], T],
        on_reply: Callable[[int, T], None] | None,
    ) -> list[T]:
        number = next(self._ids)
        replies: queue.Queue[dict[str, Any]] = queue.Queue()
        try:
            with self._guard:
                self._replies[number] = replies
                self._send({"id": number, **request})
            return _collect(replies, count, read, on_reply)
        finally:
            self._replies.pop(number, None)

    def _send(self, message: dict[str, Any]) -> None:
        child = self._child
        if child is None or child.stdin is None:
            raise SamplerFailed(self._state.detail or "The sampler is not running.")
        try:
            child.stdin.write(json.dumps(message) + "\n")
            child.stdin.flush()
        except OSError:
            raise SamplerFailed("The image model stopped; it is being started again.") from None

    def _listen(self, child: subprocess.Popen[str]) -> None:
        assert child.stdout is not None
        with child.stdout as replies:
            for line in replies:
                self._hear(child, json.loads(line))
        child.wait()
        if child.stdin is not None:
            with contextlib.suppress(OSError):
                child.stdin.close()
        self._mourn(child)

    def _hear(self, child: subprocess.Popen[str], message: dict[str, Any]) -> None:
        if "state" in message:
            if self._child is child:
                self._state = SamplerState(**message)
                self._deaths = 0 if message["state"] == "ready" else self._deaths
        elif message["id"] in self._replies:
            self._replies[message["id"]].put(message)

    def _mourn(self, child: subprocess.Popen[str]) -> None:
        """The process ended: tell whoever waits, and start it again unless that is hopeless."""
        with self._guard:
            stopped = self._child is not child
            for replies in list(self._replies.values()):
                replies.put({"error": "The image model stopped while it was drawing."})
            if stopped:
                return
            self._child = None
            self._deaths += 1
            if self._state.state == "failed":
                return
            if self._deaths >= QUICK_DEATHS:
                detail = f"The image model stopped {self._deaths} times. See {self._log_path}."
                self._state = replace(self._state, state="failed", detail=detail)
                return
            log.warning("the sampler ended with code %s; starting it again", child.returncode)
            self.start()


def _files(adapters: Sequence[tuple[Path, float]]) -> list[list[Any]]:
    return [[str(Path(path).resolve()), weight] for path, weight in adapters]


def _collect(
    replies: queue.Queue[dict[str, Any]],
    count: int,
    read: Callable[[dict[str, Any]], T],
    on_reply: Callable[[int, T], None] | None,
) -> list[T]:
    done: dict[int, T] = {}
    while len(done) < count:
        reply = replies.get()
        if "error" in reply:
            raise SamplerFailed(reply["error"])
        if "gave_way" in reply:
            break
        index = int(reply["index"])
        done[index] = read(reply)
        if on_reply:
            on_reply(index, done[index])
    return [done[index] for index in sorted(done)]
