"""Answers that go on for as long as somebody may hear them."""

import asyncio
import re
from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

STREAMS = re.compile(r"/gradio_api/(heartbeat/[^/]+|queue/data|call/[^/]+(/[^/]+){1,2})")
"""What Gradio answers in pieces, and leaves open."""
ASKED_EVERY_S = 2.0


async def while_allowed(
    app: ASGIApp,
    scope: Scope,
    receive: Receive,
    send: Send,
    may_go_on: Callable[[], Awaitable[bool]],
) -> None:
    """Answer a request until it is done, or until whoever asked may hear no more."""
    began, over = False, False

    async def sending(message: Message) -> None:
        nonlocal began, over
        began = True
        over = message["type"] == "http.response.body" and not message.get("more_body", False)
        await send(message)

    answering = asyncio.ensure_future(app(scope, receive, sending))
    try:
        while not (await asyncio.wait([answering], timeout=ASKED_EVERY_S))[0]:
            if not await may_go_on():
                break
    finally:
        ended = answering.done()
        answering.cancel()
    if ended:
        return await answering

    await asyncio.wait([answering])
    if began and not over:
        await send({"type": "http.response.body", "body": b"", "more_body": False})
