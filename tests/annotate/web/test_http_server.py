"""The web server listens, and says in a sentence when it cannot."""

import asyncio
import socket

import pytest
from annotate_web import awaited

from annotate.web.http_server import listen


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_small_answers_are_sent_at_once_on_every_connection(host: str) -> None:
    async def quick() -> bool:
        told = asyncio.get_running_loop().create_future()

        def seen(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted = writer.get_extra_info("socket")
            told.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listening = listen(host, 0)
        servers = [await asyncio.start_server(seen, sock=one) for one in listening]
        _, writer = await asyncio.open_connection(host, listening[0].getsockname()[1])
        found = bool(await told)
        writer.close()
        for server in servers:
            server.close()
        return found

    assert awaited(quick())
