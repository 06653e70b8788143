"""Run the web server: sockets, thread, and timeouts for silent connections."""

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

PROXY_VARIABLE = re.compile(r"(all|http|https|ftp|no)_proxy")
REQUEST_S = 20.0
"""Time for a request to arrive in full, and for a connection to close after the answer."""
STARTS_WITHIN_S = 60.0
STOPS_WITHIN_S = 5
ADDRESS_ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""Errors of listening where a machine lacks a kind of address (IPv6, say) that a name has."""
WILDCARD_HOSTS = {"0.0.0.0": "localhost", "::": "::1"}
"""Hosts to open in a browser in place of addresses that only mean "listen everywhere"."""


@contextmanager
def no_proxies() -> Iterator[None]:
    """Hide the proxies of the environment from modules that make HTTP clients at import.

    Gradio makes one that is used for nothing here, and fails on a proxy that it cannot talk to.
    """
    hidden = {
        name: os.environ.pop(name)
        for name in list(os.environ)
        if PROXY_VARIABLE.fullmatch(name.lower())
    }
    try:
        yield
    finally:
        os.environ.update(hidden)


class ImpatientProtocol(H11Protocol):
    """HTTP/1.1 that closes a connection on which only half a request came.

    uvicorn times out only the wait for a next request; it waits for the rest of a body forever.
    """

    deadline: Any = None

    def connection_made(self, transport: Any) -> None:
        """Start the deadline of the first request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Process received bytes; they do not move the deadline."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Start the deadline of the next request, or of the rest of an unread body."""
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the deadline."""
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
    """A uvicorn server on a thread of its own."""

    def __init__(self, app: ASGIApp, sockets: Sequence[socket.socket], host: str) -> None:
        self._sockets, self.url = list(sockets), address_of(host, sockets)
        config = uvicorn.Config(
            app,
            http=ImpatientProtocol,
            log_level="warning",
            # Palate itself reads the client's address, and from trusted proxies alone.
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=STOPS_WITHIN_S,
        )
        self._server = uvicorn.Server(config)
        # A daemon, so that a server that does not stop cannot keep the app from ending.
        self._thread = threading.Thread(target=self._run, name="server", daemon=True)

    def start(self) -> None:
        """Serve; return once requests are answered. Raises RuntimeError after STARTS_WITHIN_S."""
        self._thread.start()
        deadline = time.monotonic() + STARTS_WITHIN_S
        # uvicorn has no event to wait on, only a flag.
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("The web server did not start. Its log above says why.")
            time.sleep(0.005)

    def stop(self) -> None:
        """End every connection and close the sockets."""
        self._server.should_exit = True
        self._thread.join(2 * STOPS_WITHIN_S)
        for sock in self._sockets:
            sock.close()

    def _run(self) -> None:
        self._server.run(sockets=self._sockets)


def listen(host: str, port: int) -> list[socket.socket]:
    """Listen on every address of a host, port 0 for any that is free; raises PortInUse."""
    found: list[socket.socket] = []

    try:
        for family, address in _addresses(host, port):
            # With port 0 the first socket chooses, and the others take the same.
            if found and port == 0:
                address = (address[0], found[0].getsockname()[1], *address[2:])
            found += _bind(family, address)
        if not found:
            raise OSError("this machine has no such address")
    except (OSError, ValueError) as error:
        for sock in found:
            sock.close()
        raise PortInUse(
            f"Cannot listen on {in_url(host)}:{port} ({error}). Choose another --port or --host."
        ) from None
    return found


def _addresses(host: str, port: int) -> list[tuple[int, tuple[Any, ...]]]:
    if not 0 <= port < 65536:
        raise ValueError("a port is a number from 0 to 65535")
    infos = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((family, address) for family, _, _, _, address in infos))


def _bind(family: int, address: tuple[Any, ...]) -> list[socket.socket]:
    both = address[0] == "::" and socket.has_dualstack_ipv6()
    try:
        bound = socket.create_server(address, family=family, backlog=2048, dualstack_ipv6=both)
        # asyncio sets TCP_NODELAY only on sockets whose protocol is TCP by name. Without it each
        # small answer waits 40 ms for the acknowledgment of the one before.
        return [socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, bound.detach())]
    except OSError as error:
        if error.errno in ADDRESS_ABSENT:
            return []
        raise


def address_of(host: str, sockets: Sequence[socket.socket]) -> str:
    """Return the URL of the page for a browser on this machine."""
    shown = host.strip("[]")
    return f"http://{in_url(WILDCARD_HOSTS.get(shown, shown))}:{sockets[0].getsockname()[1]}/"


def in_url(host: str) -> str:
    """Return a host as it is written in a URL, IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
