"""Requests to the sampler that wait for their replies (no torch here)."""

from __future__ import annotations

import itertools
import queue
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
from align.errors import SamplerFailed

T = TypeVar("T")


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
    ) -> list[T]:
        """Number a request, send it and wait for `count` replies, or fewer where it is preempted.

        `read` parses a reply; `on_reply` gets its index and value as soon as it comes.

        Raises:
            SamplerFailed: the sampler answered with an error, or ended.
        """
        number = request["id"] = next(self._numbers)
        replies: queue.Queue[SamplerReply] = queue.Queue()
        # Registered before it is sent: `fail` reaches all that are registered if the process ends.
        self._waiting[number] = replies
        try:
            send(request)
            return _collect(replies, count, read, on_reply)
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


def _collect(
    replies: queue.Queue[SamplerReply],
    count: int,
    read: Callable[[ItemReply], T],
    on_reply: Callable[[int, T], None] | None,
) -> list[T]:
    done: dict[int, T] = {}
    while len(done) < count:
        reply = replies.get()
        if "error" in reply:
            raise SamplerFailed(reply["error"])
        if "preempted" in reply:
            break

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
) -> RenderRequest:
    """Build a request for images; `ask` numbers it."""
    return {
        "id": 0,
        "items": list(items),
        "adapters": _files(adapters),
        "settings": settings,
        "prefer_throughput": prefer_throughput,
        "preemptible": preemptible,
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
