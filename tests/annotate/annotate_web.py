"""The real web app in this process, asked without a network: any header, any client, any socket."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

from annotate_converter import CopyingConverter
from annotate_doubles import ChildTrainer, PaintingSampler, small_model
from empty_studio import empty_studio
from places import Place

from annotate.auth.accounts import Accounts
from annotate.auth.hosts import allowed_hosts
from annotate.auth.identity import Authenticator
from annotate.auth.passwords import Scrypt
from annotate.auth.request_guard import Site
from annotate.service.studio import Studio
from annotate.web.http_server import Server, listen
from annotate.web.page import WebApp, build_app
from storage.store import Store

LOCAL = (ipaddress.ip_network("127.0.0.1"),)
QUICK = Scrypt(n=16, r=1, p=1)
"""Hashes that cost nothing, for tests that sign in a lot."""
STARTED = {
    "prompts": ["a <b>cat</b>", "a dog", "a fox"],
    "settle_s": 0.0,
    "watch_s": 0.1,
    "min_ready": 8,
}
HERE, AWAY = ("127.0.0.1", 50000), ("10.9.8.7", 50000)
"""A client whose word counts where proxies are LOCAL, and one whose does not."""

Headers = list[tuple[str, str]]
Result = TypeVar("Result")


@dataclass
class Web:
    """A studio and the web app around it."""

    place: Place
    authenticator: Authenticator | None
    whole: WebApp

    def ask(self, path: str, headers: Headers, **how: Any) -> Answer:
        """Ask as a web server would that got this request."""
        return ask(self.whole.app, path, headers, **how)


@dataclass
class Answer:
    """What came back; a refused web socket has the status 403, as uvicorn gives it."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def readable_elsewhere(self) -> bool:
        """Whether a browser would let another site's page read it."""
        return any(name.startswith("access-control-") for name in self.headers)


@contextmanager
def answering(web: Web) -> Iterator[str]:
    """Serve a web app at an address of this machine."""
    server = Server(web.whole.app, listen("127.0.0.1", 0), "127.0.0.1")
    server.start()
    try:
        yield server.url
    finally:
        web.whole.end_streams()
        server.stop()


@contextmanager
def open_web(
    folder: Path,
    sign_in: str = "off",
    proxies: Any = LOCAL,
    header: str | None = None,
    **site: Any,
) -> Iterator[Web]:
    """Open a studio and build its web app."""
    store = Store(empty_studio(folder / "studio"))
    trainer, painter = ChildTrainer(), PaintingSampler(store.images_dir)
    converter = CopyingConverter()
    model = small_model(name="secretmodel", identity="secretmodel-0123456789ab")
    studio = Studio(store, painter, trainer, model, 0, converter=converter, **STARTED)
    place = Place(studio, store, painter, trainer, converter)
    studio.start()
    studio.accounts = Accounts(store.people, hashing=QUICK)
    named_by = (header or "X-Forwarded-User") if sign_in == "proxy" else None
    authenticator = None if sign_in == "off" else Authenticator(studio.accounts, proxies, named_by)
    site.setdefault("hosts", allowed_hosts((), ["127.0.0.1"]))
    try:
        yield Web(
            place,
            authenticator,
            build_app(studio, authenticator, Site(proxies=proxies, **site)),
        )
    finally:
        place.close()
        trainer.end()


def ask(
    app: Any,
    path: str,
    headers: Headers,
    method: str = "GET",
    body: bytes = b"",
    client: tuple[str, int] | None = HERE,
    kind: str = "http",
    scheme: str = "http",
) -> Answer:
    """Send one request, headers as they are, and return the answer."""
    target, _, query = path.partition("?")
    scope = {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": unquote(target),
        "raw_path": target.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
        "client": client,
        "server": ("127.0.0.1", 7860),
        "state": {},
        "subprotocols": [],
    }
    return awaited(_answered(app, scope, body))


def awaited(work: Coroutine[Any, Any, Result]) -> Result:
    """Return what a coroutine gives, from a thread of its own.

    A browser that another test has open keeps a loop running in this one.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _answered(app: Any, scope: Any, body: bytes) -> Answer:
    first = "websocket.connect" if scope["type"] == "websocket" else "http.request"
    waiting = [{"type": first, "body": body, "more_body": False}]
    sent: list[Any] = []
    over = asyncio.Event()

    async def receive() -> Any:
        if waiting:
            return waiting.pop()
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        if not message.get("more_body", False) and message["type"] != "http.response.start":
            over.set()

    async with asyncio.timeout(30):
        await app(scope, receive, send)
    if sent[0]["type"].startswith("websocket."):
        return Answer(101 if sent[0]["type"] == "websocket.accept" else 403, {}, b"")
    told = {name.decode().lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], told, b"".join(one.get("body", b"") for one in sent[1:]))
