"""The web server: its sockets, its thread, and how long it waits for somebody who says nothing."""

import errno
import os
import re
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from annotate.errors import PortInUse

PROXY = re.compile(r"(all|http|https|ftp|no)_proxy")
REQUEST_S = 20.0
"""In this time a request has to have said what it wants, and to be gone once it is answered."""
STARTS_WITHIN_S = 60.0
ENDS_WITHIN_S = 5
ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""What listening fails with where a machine lacks a kind of address that a name has."""
ANYWHERE = {"0.0.0.0": "localhost", "::": "::1"}
"""What to open in a browser where no address can be opened."""


@contextmanager
def no_proxies() -> Iterator[None]:
    """Hide the proxies of the environment from what makes http clients as it is imported.

    Gradio does, uses them for nothing here, and fails where it cannot talk to such a proxy.
    """
    hidden = {
        name: os.environ.pop(name) for name in list(os.environ) if PROXY.fullmatch(name.lower())
    }
    try:
        yield
    finally:
        os.environ.update(hidden)


class ImpatientProtocol(H11Protocol):
    """HTTP/1.1 that ends a connection on which half a request came.

    uvicorn waits for the first bytes after an answer only, and for the rest of a body for ever.
    """

    deadline: Any = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Take what came; it does not move the deadline."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request, or for the rest of a body that nobody reads."""
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        super().connection_lost(exc)
        self._stop()

    def _watch(self) -> None:
        unread = self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY
        if self.conn.their_state is not h11.IDLE and not unread:
            self._stop()
        elif self.deadline is None:
            self.deadline = self.loop.call_later(REQUEST_S, self._end)

    def _stop(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    def _end(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


class Server:
    """A web server on a thread of its own."""

    def __init__(self, app: ASGIApp, sockets: Sequence[socket.socket], host: str) -> None:
        self._sockets, self.url = list(sockets), address_of(host, sockets)
        config = uvicorn.Config(
            app,
            http=ImpatientProtocol,
            log_level="warning",
            # Who is behind a proxy is told by Palate itself, from proxies that it trusts.
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=ENDS_WITHIN_S,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="server", daemon=True)

    def start(self) -> None:
        """Serve; returns once somebody is answered."""
        self._thread.start()
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("The web server did not start. Its log above says why.")
            time.sleep(0.005)

    def stop(self) -> None:
        """End every connection and close the sockets."""
        self._server.should_exit = True
        self._thread.join(2 * ENDS_WITHIN_S)
        for one in self._sockets:
            one.close()

    def _run(self) -> None:
        self._server.run(sockets=self._sockets)


def listen(host: str, port: int) -> list[socket.socket]:
    """Listen on every address of a host, port 0 for any that is free; raises PortInUse."""
    found: list[socket.socket] = []
    try:
        for family, address in _addresses(host, port):
            if found and port == 0:
                address = (address[0], found[0].getsockname()[1], *address[2:])
            found += _bound(family, address)
        if not found:
            raise OSError("this machine has no such address")
    except (OSError, ValueError) as error:
        for one in found:
            one.close()
        raise PortInUse(
            f"Cannot listen on {in_url(host)}:{port} ({error}). Choose another --port or --host."
        ) from None
    return found


def _addresses(host: str, port: int) -> list[tuple[int, tuple[Any, ...]]]:
    if not 0 <= port < 65536:
        raise ValueError("a port is a number from 0 to 65535")
    told = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((family, address) for family, _, _, _, address in told))


def _bound(family: int, address: tuple[Any, ...]) -> list[socket.socket]:
    both = address[0] == "::" and socket.has_dualstack_ipv6()
    try:
        one = socket.create_server(address, family=family, backlog=2048, dualstack_ipv6=both)
        # Named as TCP, which asyncio wants to see before it sends small answers at once: otherwise
        # each of them waits 40 ms for the acknowledgement of the one before.
        return [socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, one.detach())]
    except OSError as error:
        if error.errno in ABSENT:
            return []
        raise


def address_of(host: str, sockets: Sequence[socket.socket]) -> str:
    """Return the address of the page, to be opened in a browser on this machine."""
    shown = host.strip("[]")
    return f"http://{in_url(ANYWHERE.get(shown, shown))}:{sockets[0].getsockname()[1]}/"


def in_url(host: str) -> str:
    """Return a host as it stands in an address."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
