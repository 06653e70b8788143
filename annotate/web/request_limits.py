"""Limit the size, the slowness and the JSON nesting of request bodies."""

import asyncio
import re
from dataclasses import dataclass

import numpy as np
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

UPLOADS = re.compile(r"(/[^?]*)?/gradio_api/upload/?")
"""The path for files; all others take JSON and small forms."""
JSON_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
MAX_JSON_DEPTH = 64
"""Each level costs a stack frame in code that walks JSON; nothing of Palate's nests deeper."""
DEPTH_CHANGES = np.zeros(256, np.int32)
DEPTH_CHANGES[[*b"[{"]], DEPTH_CHANGES[[*b"]}"]] = 1, -1


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Limits on the size (bytes) and the pace (bytes/s) of a body."""

    json_bytes: int = 16 * 2**20
    """A hundred thousand prompts of usual length are 10 MB."""
    upload_bytes: int = 4 * 2**30
    """The largest adapters are 2 GB."""
    silence_s: float = 30.0
    """Seconds of silence that are allowed at first."""
    bytes_per_s: int = 4096
    """The least average pace from then on; a slow phone is faster."""


class BodyLimits:
    """An ASGI app that ends requests whose body is too large or too slow."""

    def __init__(self, app: ASGIApp, limits: RequestLimits | None = None) -> None:
        self._app, self._limits = app, limits or RequestLimits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count its body as it is read."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        limits = self._limits
        most = limits.upload_bytes if UPLOADS.fullmatch(scope["path"]) else limits.json_bytes
        if _content_length(scope) > most:
            return await _refuse(too_large(most), scope, receive, send)

        response = _Response(send)
        body = _Body(receive, most, limits, response)
        try:
            await self._app(scope, body.receive, response.send)
        except HTTPException as refusal:
            if not response.started:
                await _refuse(refusal, scope, receive, send)


class _Response:
    """A response that knows if it started; from then on a request can be dropped, not refused."""

    def __init__(self, send: Send) -> None:
        self._send, self.started = send, False

    async def send(self, message: Message) -> None:
        self.started = True
        await self._send(message)


class _Body:
    def __init__(
        self, receive: Receive, most: int, limits: RequestLimits, response: _Response
    ) -> None:
        self._receive, self._most, self._limits, self._response = receive, most, limits, response
        self._received, self._complete = 0, False
        self._started_at: float | None = None

    async def receive(self) -> Message:
        """Return the next message; raises HTTPException 413 for too much, 408 for too slow."""
        if self._complete:
            # The next message is the disconnect, which may come as late as it likes.
            return await self._receive()

        now = asyncio.get_running_loop().time()
        self._started_at = now if self._started_at is None else self._started_at
        allowed = self._limits.silence_s + self._received / self._limits.bytes_per_s
        try:
            async with asyncio.timeout_at(self._started_at + allowed):
                message = await self._receive()
        except TimeoutError:
            return self._ended(HTTPException(408, "The rest of this request did not come in time."))

        self._received += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._received > self._most:
            return self._ended(too_large(self._most))
        return message

    def _ended(self, refusal: HTTPException) -> Message:
        if self._response.started:
            return {"type": "http.disconnect"}
        raise refusal


async def _refuse(refusal: HTTPException, scope: Scope, receive: Receive, send: Send) -> None:
    # The rest of the body is never read, so the connection cannot serve another request.
    headers = {**(refusal.headers or {}), "Connection": "close"}
    answer = PlainTextResponse(refusal.detail, refusal.status_code, headers)
    await answer(scope, receive, send)


def too_large(most: int) -> HTTPException:
    """Return the HTTPException for a body of more than `most` bytes."""
    return HTTPException(413, f"This is too much at once. Send at most {most:,} bytes.")


def _content_length(scope: Scope) -> int:
    values = [value for name, value in scope["headers"] if name == b"content-length"]
    # Python parses no integers of thousands of digits, and no body has 10^20 bytes.
    return max((int(value) for value in values if value.isdigit() and len(value) < 20), default=0)


def too_deeply_nested(body: bytes) -> bool:
    """Return whether JSON is nested deeper than MAX_JSON_DEPTH, without parsing it."""
    # Brackets inside strings nest nothing. By numpy, since a body may have 16 MB.
    outside_strings = np.frombuffer(JSON_STRINGS.sub(b"", body), np.uint8)
    return bool(np.cumsum(DEPTH_CHANGES[outside_strings]).max(initial=0) > MAX_JSON_DEPTH)


async def read_body(request: Request) -> bytes:
    """Return the whole body, within the limits of `BodyLimits`."""
    return b"".join([chunk async for chunk in request.stream()])
