"""Whose request is next, and when one is left."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator

import pytest

from align.sampling.inbox import Inbox, InputClosed, Preempted


class Wire:
    """Lines that come when the test sends them."""

    def __init__(self) -> None:
        self._lines: queue.Queue[str | None] = queue.Queue()

    def send(self, **request: object) -> None:
        self._lines.put(json.dumps(request) + "\n")

    def close(self) -> None:
        self._lines.put(None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines.get, None)


def overtaken(inbox: Inbox, request: dict) -> bool:
    try:
        inbox.check(request)
    except Preempted:
        return True
    return False


def until_overtaken(inbox: Inbox, request: dict) -> None:
    while not overtaken(inbox, request):
        threading.Event().wait(0.005)


def test_what_is_preemptible_comes_after_all_else_and_otherwise_the_first_is_first():
    wire = Wire()
    inbox = Inbox(wire)
    wire.send(id=1)
    requests = iter(inbox)
    assert next(requests)["id"] == 1
    pool = {"id": 2, "preemptible": True}
    for request in (pool, {"id": 3}, {"id": 4, "preemptible": True}, {"id": 5}):
        wire.send(**request)
    wire.send(id=6)
    while len(inbox._waiting) < 5:
        threading.Event().wait(0.005)
    assert [next(requests)["id"] for _ in range(5)] == [3, 5, 6, 2, 4]


def test_only_what_is_preemptible_is_overtaken_and_only_by_what_does_not():
    wire = Wire()
    inbox = Inbox(wire)
    wire.send(id=1, preemptible=True)
    pool = next(iter(inbox))
    wire.send(id=2, preemptible=True)
    assert not overtaken(inbox, pool)
    wire.send(id=3, preemptible=False)
    until_overtaken(inbox, pool)
    assert not overtaken(inbox, {"id": 4})


def test_when_the_lines_end_the_work_ends_whatever_waits():
    wire = Wire()
    inbox = Inbox(wire)
    wire.send(id=1)
    first = next(iter(inbox))
    wire.send(id=2)
    wire.close()
    while inbox._open:
        threading.Event().wait(0.005)
    assert list(inbox) == []
    with pytest.raises(InputClosed):
        inbox.check(first)
