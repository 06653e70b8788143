"""No event is lost that joins Gradio's queue while the stream of its messages is being closed."""

import asyncio
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
from journeys import SLOW_MS
from running import free_port
from starlette.middleware import Middleware

from annotate.web.page import queue_script

pytestmark = pytest.mark.browser

LATE_S = 0.5


class LateClosing:
    """A network on which the word that a stream is closed is late, and other words are not."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def late(message: Any) -> None:
            if b"close_stream" in message.get("body", b""):
                await asyncio.sleep(LATE_S)
            await send(message)

        await self.app(scope, receive, late)


@pytest.fixture
def two_buttons(chromium: Any) -> Iterator[str]:
    """A page of two buttons that each say once more."""
    with gr.Blocks(analytics_enabled=False) as page:
        for name in ("first", "second"):
            said = gr.Textbox(elem_id=f"{name}-said")
            button = gr.Button(name, elem_id=name)
            button.click(lambda text: f"{text}!", said, said, show_progress="hidden")
    _, url, _ = page.launch(
        server_port=free_port(),
        prevent_thread_lock=True,
        quiet=True,
        head=queue_script(),
        app_kwargs={"middleware": [Middleware(LateClosing)]},
    )
    yield url
    page.close(verbose=False)


def test_an_event_that_joins_while_the_stream_closes_is_answered(
    two_buttons: str, page: Any
) -> None:
    page.goto(two_buttons)
    for turn in range(1, 4):
        for name in ("first", "second"):
            page.locator(f"#{name}").click(timeout=SLOW_MS)
            page.wait_for_function(
                "([name, text]) => document.querySelector("
                "`#${name}-said :is(textarea, input)`).value === text",
                arg=[name, "!" * turn],
                timeout=20_000,
            )
