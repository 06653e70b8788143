"""Queue of the sampler's requests, those that somebody waits for first (no torch here)."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

from align.contracts.rendering import SamplerRequest, read_request
from align.errors import AlignError


class Preempted(AlignError):
    """The current request gives way to one that somebody waits for."""


class InputClosed(AlignError):
    """The app has closed the input, so nobody waits for any request."""


class Inbox:
    """Reads JSON lines on a thread of its own, so that a running request can be preempted.

    Requests with `preemptible` come after all without it. The queue ends with the lines, whatever
    still waits: the app that asked is gone.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._waiting: list[SamplerRequest] = []
        self._open = True
        self._changed = threading.Condition()
        threading.Thread(target=self._read, args=(lines,), name="inbox", daemon=True).start()

    def __iter__(self) -> Iterator[SamplerRequest]:
        while (request := self._next()) is not None:
            yield request

    def check(self, request: SamplerRequest) -> None:
        """Raise Preempted or InputClosed where this request is not to be continued."""
        with self._changed:
            if not self._open:
                raise InputClosed
            if _preemptible(request) and not all(map(_preemptible, self._waiting)):
                raise Preempted

    def _next(self) -> SamplerRequest | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or not self._open)
            if not self._open:
                return None
            # A stable sort: requests of one kind keep the order in which they came.
            self._waiting.sort(key=_preemptible)
            return self._waiting.pop(0)

    def _read(self, lines: Iterable[str]) -> None:
        try:
            for line in lines:
                self._put(read_request(line))
        finally:
            with self._changed:
                self._open = False
                self._changed.notify()

    def _put(self, request: SamplerRequest) -> None:
        with self._changed:
            self._waiting.append(request)
            self._changed.notify()


def _preemptible(request: SamplerRequest) -> bool:
    return bool(request.get("preemptible"))
