"""Requests to the sampler process, and those that wait for their replies (no torch here)."""

from __future__ import annotations

import itertools
import queue
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from align.contracts.rendering import (
    ItemReply,
    Rendered,
    RenderItem,
    RenderRequest,
    RenderSettings,
    SamplerReply,
    SamplerRequest,
    ScoreRequest,
)
from align.contracts.step_progress import StepProgress
from align.errors import SamplerFailed

T = TypeVar("T")
OnProgress = Callable[[StepProgress], None]


class PendingRequests:
    """Numbers requests and routes each reply to its request; safe to call from any thread."""

    def __init__(self) -> None:
        self._waiting: dict[int, queue.Queue[SamplerReply]] = {}
        self._numbers = itertools.count(1)

    def ask(
        self,
        send: Callable[[SamplerRequest], None],
        request: SamplerRequest,
        count: int,
        read: Callable[[ItemReply], T],
        on_reply: Callable[[int, T], None] | None,
        on_progress: OnProgress | None = None,
    ) -> list[T]:
        """Number a request, send it and wait for `count` replies, or fewer where it is preempted.

        `read` parses a reply; `on_reply` gets its index and value as soon as it comes, and
        `on_progress` what is told of the steps in between.

        Raises:
            SamplerFailed: the sampler answered with an error, or ended.
        """
        number = request["id"] = next(self._numbers)
        replies: queue.Queue[SamplerReply] = queue.Queue()
        # Registered before it is sent: `fail` reaches all that are registered if the process ends.
        self._waiting[number] = replies
        try:
            send(request)
            return _collect(replies, count, read, on_reply, on_progress)
        finally:
            self._waiting.pop(number, None)

    def deliver(self, reply: SamplerReply) -> None:
        """Route a reply to its request, if that still waits."""
        replies = self._waiting.get(reply["id"])
        if replies is not None:
            replies.put(reply)

    def fail(self, reason: str) -> None:
        """Make all waiting requests raise SamplerFailed with this reason."""
        for number, replies in list(self._waiting.items()):
            replies.put({"id": number, "error": reason})


class SamplerRequests(ABC):
    """What a sampler is asked for; every method may be called from any thread."""

    def __init__(self) -> None:
        self._pending = PendingRequests()

    def render(
        self,
        items: Sequence[RenderItem],
        adapters: Sequence[tuple[Path, float]],
        settings: RenderSettings,
        on_image: Callable[[int, Rendered], None] | None = None,
        prefer_throughput: bool = False,
        preemptible: bool = False,
        on_progress: OnProgress | None = None,
        previews: bool = False,
    ) -> list[Rendered]:
        """Render images and wait for them; each is on disk before it is reported.

        Args:
            items: one prompt and seed for each image.
            adapters: files with weights, added up; none is the base alone.
            settings: the same for all images.
            on_image: called with the index and image of each, as it comes.
            prefer_throughput: the last image comes as early as possible, not the first one.
            preemptible: end early, within a denoising step and with the images so far, as soon as
                another request arrives that is not preemptible.
            on_progress: called about once a second where an image takes seconds.
            previews: send small previews along with the progress.

        Raises:
            SamplerFailed: the model cannot be loaded or the process died.
        """
        watched = on_progress is not None
        request = render_request(
            items, adapters, settings, prefer_throughput, preemptible, watched, previews
        )
        pending = self._pending
        return pending.ask(self._send, request, len(items), image_of, on_image, on_progress)

    def score(
        self,
        prompts: Sequence[str],
        images: Sequence[Path],
        adapter: Path,
        settings: RenderSettings,
        on_score: Callable[[int, float], None] | None = None,
    ) -> list[float]:
        """Return the implicit reward of an adapter for each image, relative to its base.

        Only rewards of images of one prompt compare.

        Raises:
            SamplerFailed: the adapter or an image cannot be used, or the process died.
        """
        request = score_request(prompts, images, adapter, settings)
        return self._pending.ask(self._send, request, len(images), score_of, on_score)

    @abstractmethod
    def _send(self, request: SamplerRequest) -> None:
        """Send a request to the process; raises SamplerFailed where there is none."""


def _collect(
    replies: queue.Queue[SamplerReply],
    count: int,
    read: Callable[[ItemReply], T],
    on_reply: Callable[[int, T], None] | None,
    on_progress: OnProgress | None,
) -> list[T]:
    done: dict[int, T] = {}
    while len(done) < count:
        reply = replies.get()
        if "error" in reply:
            raise SamplerFailed(reply["error"])
        if "preempted" in reply:
            break
        if "step" in reply:
            if on_progress:
                on_progress(reply)
            continue

        index = reply["index"]
        done[index] = read(reply)
        if on_reply:
            on_reply(index, done[index])
    return [done[index] for index in sorted(done)]


def image_of(reply: ItemReply) -> Rendered:
    """Return the image of a reply to a request to render."""
    assert "image" in reply
    return reply["image"]


def score_of(reply: ItemReply) -> float:
    """Return the score of a reply to a request to score."""
    assert "score" in reply
    return reply["score"]


def render_request(
    items: Sequence[RenderItem],
    adapters: Sequence[tuple[Path, float]],
    settings: RenderSettings,
    prefer_throughput: bool,
    preemptible: bool,
    progress: bool = False,
    previews: bool = False,
) -> RenderRequest:
    """Build a request for images; `ask` numbers it."""
    return {
        "id": 0,
        "items": list(items),
        "adapters": _files(adapters),
        "settings": settings,
        "prefer_throughput": prefer_throughput,
        "preemptible": preemptible,
        "progress": progress,
        "previews": previews,
    }


def score_request(
    prompts: Sequence[str], images: Sequence[Path], adapter: Path, settings: RenderSettings
) -> ScoreRequest:
    """Build a request for scores; `ask` numbers it."""
    return {
        "id": 0,
        "prompts": list(prompts),
        "images": [str(Path(image).resolve()) for image in images],
        "adapters": _files([(adapter, 1.0)]),
        "settings": settings,
    }


def _files(adapters: Sequence[tuple[Path, float]]) -> list[tuple[str, float]]:
    # The sampler may have another working directory.
    return [(str(Path(path).resolve()), weight) for path, weight in adapters]
