"""Requests that are too large, too slow or never end, and connections on which half of one came."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from annotate_web import ask, awaited, open_web
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from annotate.errors import PortInUse
from annotate.web import http_server
from annotate.web.http_server import Server, listen
from annotate.web.request_limits import MAX_JSON_DEPTH, BodyLimits, RequestLimits, too_deeply_nested
from storage.tables.people import Role

pytestmark = pytest.mark.slow  # most of it is waiting for what never comes

OWN = ("Host", "127.0.0.1")
JSON = ("Content-Type", "application/json")
SMALL = RequestLimits(json_bytes=1000, upload_bytes=5000, silence_s=0.2, bytes_per_s=10_000)


async def count(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


async def beat(request: Request) -> StreamingResponse:
    async def beats() -> Any:
        while True:
            yield b"beat\n"
            await asyncio.sleep(0.02)

    return StreamingResponse(beats())


def small_app() -> BodyLimits:
    routes = [
        Route("/count", count, methods=["GET", "POST"]),
        Route("/gradio_api/upload", count, methods=["POST"]),
        Route("/beat", beat),
    ]
    return BodyLimits(Starlette(routes=routes), SMALL)


# Large


@pytest.mark.parametrize("told", [True, False], ids=["announced", "unannounced"])
@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/count", 1000, 200),
        ("/count", 1001, 413),
        ("/gradio_api/upload", 5000, 200),
        ("/gradio_api/upload", 5001, 413),
    ],
)
def test_a_body_is_bounded_whether_or_not_it_says_how_long_it_is(path, size, status, told):
    headers = [("Content-Length", str(size))] if told else []
    answer = ask(small_app(), path, [OWN, *headers], method="POST", body=b"x" * size)
    assert answer.status == status
    if status == 413:
        assert "Send at most" in answer.text


@pytest.mark.parametrize("length", ["99999999999999999999999999", "1e9", "-5", "\xb2", "5, 5"])
def test_a_length_that_is_none_counts_nothing(length):
    headers = [OWN, ("Content-Length", length)]
    assert ask(small_app(), "/count", headers, method="POST", body=b"x" * 1001).status == 413


@pytest.mark.slow
@pytest.mark.parametrize("sign_in", ["off", "accounts", "proxy"])
def test_the_real_app_bounds_what_it_is_sent_in_every_mode(tmp_path, sign_in):
    with open_web(tmp_path, sign_in) as web:
        headers = [OWN, JSON, ("X-Forwarded-User", "ada")]
        if web.authenticator is not None:
            accounts = web.authenticator.accounts
            token = accounts.choose_password(
                accounts.add("ada", Role.ADMIN, "test"), "some other words"
            )
            headers.append(("Cookie", f"palate_session={token}"))
        large = json.dumps({"data": [["a prompt"] * 2_000_000]}).encode()
        for path in ("/gradio_api/call/add_prompts", "/gradio_api/queue/join"):
            answer = web.ask(path, headers, method="POST", body=large)
            assert answer.status == 413 and "Send at most" in answer.text


# Deep


def test_depth_is_counted_outside_of_strings():
    assert not too_deeply_nested(b"[" * MAX_JSON_DEPTH + b"]" * MAX_JSON_DEPTH)
    assert too_deeply_nested(b"[" * (MAX_JSON_DEPTH + 1) + b"]" * (MAX_JSON_DEPTH + 1))
    assert too_deeply_nested(b'[{"a":' * MAX_JSON_DEPTH)
    for flat in (b'"' + b"[" * 999 + b'"', b'"\\"' + b"[" * 999 + b'"', b"[]" * 999, b"", b'"'):
        assert not too_deeply_nested(flat)
    assert too_deeply_nested(b'"\\\\"' + b"[" * 999)


# Slow


def slow(chunks: list[bytes], every_s: float) -> int:
    """Send a body in pieces, without an end, and return the status of the answer."""

    async def asked() -> int:
        sent: list[Any] = []
        waiting = list(chunks)

        async def receive() -> Any:
            await asyncio.sleep(every_s if waiting else 60)
            return {"type": "http.request", "body": waiting.pop(), "more_body": True}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/count",
            "headers": [],
            "query_string": b"",
            "root_path": "",
        }
        async with asyncio.timeout(20):
            await small_app()(scope, receive, send)
        return int(sent[0]["status"])

    return awaited(asked())


def test_a_body_that_stops_is_ended():
    assert slow([], 0) == 408
    assert slow([b"half"], 0) == 408


def test_a_body_that_drips_is_ended_however_often_a_byte_comes():
    assert slow([b"x"] * 500, 0.01) == 408


def test_a_body_that_comes_steadily_is_waited_for():
    # Its time grows with what came: in all more than may pass in silence.
    assert slow([b"x" * 500] * 3, 0.06) == 413


@contextmanager
def serving_small(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    monkeypatch.setattr(http_server, "REQUEST_S", 0.3)
    sockets = listen("127.0.0.1", 0)
    server = Server(small_app(), sockets, "127.0.0.1")
    server.start()
    try:
        yield sockets[0].getsockname()
    finally:
        server.stop()


def closes(address: tuple[str, int], *pieces: bytes, every_s: float = 0.0) -> bytes:
    """Send pieces, then wait until the server closes; return what it said."""
    with socket.create_connection(address, timeout=20) as one:
        said = b""
        try:
            for piece in pieces:
                one.sendall(piece)
                time.sleep(every_s)
            while data := one.recv(65536):
                said += data
        except ConnectionError:
            pass
        return said


HALF = b"POST /count HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n"


@pytest.mark.parametrize(
    ("pieces", "every_s"),
    [
        ([], 0.0),
        ([b"GET"], 0.0),
        ([b"GET /count HTTP/1.1\r\nHost: 127.0.0.1\r\n"], 0.0),
        ([HALF], 0.0),
        ([HALF, *[b"A: b\r\n"] * 20], 0.05),
        ([HALF + b"\r\nhalf"], 0.0),
        ([HALF + b"\r\n", *[b"x"] * 20], 0.05),
        ([b"GET /count HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /cou"], 0.0),
        ([b"GET /count HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"GE", b"T"], 0.02),
        ([b"POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"], 0.0),
        ([b"POST /gone HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", *[b"x"] * 8], 0.1),
    ],
)
def test_a_connection_on_which_half_a_request_came_is_closed(monkeypatch, pieces, every_s):
    with serving_small(monkeypatch) as address:
        closes(address, *pieces, every_s=every_s)


def test_whoever_sent_too_much_still_hears_why(monkeypatch):
    with serving_small(monkeypatch) as address:
        large = b"POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n"
        assert b"413" in closes(address, large + b"x" * 3_000_000).split(b"\r\n")[0]


def test_a_stream_goes_on_for_as_long_as_somebody_listens(monkeypatch):
    with serving_small(monkeypatch) as (host, port):
        with httpx.stream("GET", f"http://{host}:{port}/beat") as reply:
            heard = 0
            for _ in reply.iter_raw():
                heard += 1
                if heard > 30:
                    break
        assert heard > 30


# Where it listens


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.parametrize("host", ["::1", "::", "0.0.0.0", "127.0.0.1", "localhost", "[::1]"])
def test_it_listens_on_every_kind_of_address_and_says_where(host):
    if ":" in host and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    sockets = listen(host, 0)
    server = Server(small_app(), sockets, host)
    server.start()
    try:
        assert httpx.get(f"{server.url}count", trust_env=False).text == "0"
        assert ("[" in server.url) == (":" in host)
    finally:
        server.stop()


def test_a_port_that_is_taken_or_is_none_is_refused():
    [taken] = listen("127.0.0.1", 0)
    with taken:
        for port in (taken.getsockname()[1], 70000, -1):
            with pytest.raises(PortInUse, match="--port"):
                listen("127.0.0.1", port)
    for host in ("203.0.113.254", "no-such-host.invalid", "a" * 300, "x y", ""):
        with pytest.raises(PortInUse, match="--host"):
            listen(host, 0)
