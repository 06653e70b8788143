"""Requests to the sampler that wait for their replies (no torch here)."""

from __future__ import annotations

import itertools
import queue
from collections.abc import Callable
from typing import TypeVar

from align.contracts.rendering import ItemReply, SamplerReply, SamplerRequest
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
