"""What a request may bring: so many bytes, within so much time, nested so deep."""

import asyncio
import re
from dataclasses import dataclass

import numpy as np
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

UPLOADS = re.compile(r"(/[^?]*)?/gradio_api/upload/?")
"""Where files are sent to; everything else takes JSON and small forms."""
JSON_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
MAX_JSON_DEPTH = 64
"""So deep may JSON be nested: each level takes a frame of what walks through it."""
DEPTH_CHANGES = np.zeros(256, np.int32)
DEPTH_CHANGES[[*b"[{"]], DEPTH_CHANGES[[*b"]}"]] = 1, -1


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """How large and how slow a body may be."""

    json_bytes: int = 16 * 2**20
    """A hundred thousand prompts of common length are 10 MB."""
    upload_bytes: int = 4 * 2**30
    """The largest adapters have 2 GB."""
    silence_s: float = 30.0
    """So long nothing may come."""
    bytes_per_s: int = 4096
    """So fast a body has to come from then on, on average; a slow phone is faster."""


class BodyLimits:
    """An ASGI app around the app; ends requests whose body is too large or too slow."""

    def __init__(self, app: ASGIApp, limits: RequestLimits | None = None) -> None:
        self._app, self._limits = app, limits or RequestLimits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; its body is counted as it is read."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        limits = self._limits
        most = limits.upload_bytes if UPLOADS.fullmatch(scope["path"]) else limits.json_bytes
        if _announced(scope) > most:
            return await _refuse(too_large(most), scope, receive, send)

        answer = _Answer(send)
        body = _Body(receive, most, limits, answer)
        try:
            await self._app(scope, body.receive, answer.send)
        except HTTPException as refusal:
            if not answer.began:
                await _refuse(refusal, scope, receive, send)


class _Answer:
    """Whether an answer began; afterwards a request can be dropped, but not refused any more."""

    def __init__(self, send: Send) -> None:
        self._send, self.began = send, False

    async def send(self, message: Message) -> None:
        self.began = True
        await self._send(message)


class _Body:
    def __init__(self, receive: Receive, most: int, limits: RequestLimits, answer: _Answer) -> None:
        self._receive, self._most, self._limits, self._answer = receive, most, limits, answer
        self._seen, self._whole = 0, False
        self._began: float | None = None

    async def receive(self) -> Message:
        """Return what came next; raises HTTPException for too much, or too slow."""
        if self._whole:
            # What comes now is that the browser has gone, and that may take as long as it likes.
            return await self._receive()

        now = asyncio.get_running_loop().time()
        self._began = now if self._began is None else self._began
        allowed = self._limits.silence_s + self._seen / self._limits.bytes_per_s
        try:
            async with asyncio.timeout_at(self._began + allowed):
                message = await self._receive()
        except TimeoutError:
            return self._ended(HTTPException(408, "The rest of this request did not come in time."))

        self._seen += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._seen > self._most:
            return self._ended(too_large(self._most))
        return message

    def _ended(self, refusal: HTTPException) -> Message:
        if self._answer.began:
            return {"type": "http.disconnect"}
        raise refusal


async def _refuse(refusal: HTTPException, scope: Scope, receive: Receive, send: Send) -> None:
    headers = {**(refusal.headers or {}), "Connection": "close"}
    answer = PlainTextResponse(refusal.detail, refusal.status_code, headers)
    await answer(scope, receive, send)


def too_large(most: int) -> HTTPException:
    """Return what refuses a body that is too large."""
    return HTTPException(413, f"This is too much at once. Send at most {most:,} bytes.")


def _announced(scope: Scope) -> int:
    told = [value for name, value in scope["headers"] if name == b"content-length"]
    return max((int(value) for value in told if value.isdigit() and len(value) < 20), default=0)


def too_deeply_nested(body: bytes) -> bool:
    """Return whether JSON is nested deeper than anything of Palate's is, without parsing it."""
    outside_strings = np.frombuffer(JSON_STRINGS.sub(b"", body), np.uint8)
    return bool(np.cumsum(DEPTH_CHANGES[outside_strings]).max(initial=0) > MAX_JSON_DEPTH)


async def read_body(request: Request) -> bytes:
    """Return the whole body, as far as `BodyLimits` lets it in."""
    return b"".join([chunk async for chunk in request.stream()])
