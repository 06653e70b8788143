"""Requests to the sampler that wait for their replies (no torch here)."""

from __future__ import annotations

import itertools
import queue
from collections.abc import Callable
from typing import Any, TypeVar

from align.errors import SamplerFailed

Message = dict[str, Any]
T = TypeVar("T")


class PendingRequests:
    """Numbers requests and routes each reply to its request; safe to call from any thread."""

    def __init__(self) -> None:
        self._waiting: dict[int, queue.Queue[Message]] = {}
        self._numbers = itertools.count(1)

    def ask(
        self,
        send: Callable[[Message], None],
        request: Message,
        count: int,
        read: Callable[[Message], T],
        on_reply: Callable[[int, T], None] | None,
    ) -> list[T]:
        """Send a request and wait for `count` replies, or fewer where it is preempted.

        `read` parses a reply; `on_reply` gets its index and value as soon as it comes.

        Raises:
            SamplerFailed: the sampler answered with an error, or ended.
        """
        number = next(self._numbers)
        replies: queue.Queue[Message] = queue.Queue()
        # Registered before it is sent: `fail` reaches all that are registered if the process ends.
        self._waiting[number] = replies
        try:
            send({"id": number, **request})
            return _collect(replies, count, read, on_reply)
        finally:
            self._waiting.pop(number, None)

    def deliver(self, message: Message) -> None:
        """Route a reply to its request, if that still waits."""
        replies = self._waiting.get(message["id"])
        if replies is not None:
            replies.put(message)

    def fail(self, reason: str) -> None:
        """Make all waiting requests raise SamplerFailed with this reason."""
        for replies in list(self._waiting.values()):
            replies.put({"error": reason})


def _collect(
    replies: queue.Queue[Message],
    count: int,
    read: Callable[[Message], T],
    on_reply: Callable[[int, T], None] | None,
) -> list[T]:
    done: dict[int, T] = {}
    while len(done) < count:
        reply = replies.get()
        if "error" in reply:
            raise SamplerFailed(reply["error"])
        if "preempted" in reply:
            break

        index = int(reply["index"])
        done[index] = read(reply)
        if on_reply:
            on_reply(index, done[index])
    return [done[index] for index in sorted(done)]
