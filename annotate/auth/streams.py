"""Streamed answers, which end once their reader may read no more."""

import asyncio
import re
from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

STREAMS = re.compile(r"/gradio_api/(heartbeat/[^/]+|queue/data|call/[^/]+(/[^/]+){1,2})")
"""Paths whose answers Gradio streams."""
CHECK_INTERVAL_S = 2.0


async def while_allowed(
    app: ASGIApp,
    scope: Scope,
    receive: Receive,
    send: Send,
    may_go_on: Callable[[], Awaitable[bool]],
) -> None:
    """Answer a request until it is done, or until `may_go_on` returns False.

    A person who is disabled or signs out loses a stream within CHECK_INTERVAL_S.
    """
    began, complete = False, False

    async def sending(message: Message) -> None:
        nonlocal began, complete
        began = True
        is_body = message["type"] == "http.response.body"
        complete = is_body and not message.get("more_body", False)
        await send(message)

    answering = asyncio.ensure_future(app(scope, receive, sending))
    try:
        while not (await asyncio.wait([answering], timeout=CHECK_INTERVAL_S))[0]:
            if not await may_go_on():
                break
    finally:
        # Also where this task is canceled, since the client is gone.
        ended = answering.done()
        answering.cancel()
    if ended:
        return await answering

    await asyncio.wait([answering])
    if began and not complete:
        # Without a last part the server would log the answer as incomplete.
        await send({"type": "http.response.body", "body": b"", "more_body": False})
