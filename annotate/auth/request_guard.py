"""The guard before everything: whose page may ask, by which name, and what every answer says.

Nobody ── Guard ── Gate (with sign-in on) ── app

It stands outside of Gradio, whose own middleware answers preflights and lets every origin read.
"""

import re
from dataclasses import dataclass, field

from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from annotate.auth.hosts import Hosts, Origin, as_origin
from annotate.auth.proxies import (
    Network,
    PublicAddress,
    below,
    path_within,
    public_address,
    values,
    without_claims,
)

BASE_KEY = "palate_base"
"""Where the guard leaves the address of the page as the browser sees it."""
PAGES = re.compile(r"/(sign-in|welcome|account|report/[^/]+)?")
"""What a link on another site may lead to."""
SHOWN_IN = ("document", "iframe", "frame", "")
READING = ("GET", "HEAD")
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "media-src 'self' data: blob:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors "
)
"""Gradio's page compiles its own scripts; it asks nothing of any other server."""
REFUSED_HOST = (
    "Palate does not answer to {host!r}. If that is its name, start it with --allow-host {host}."
)
NO_HOST = (
    "This request does not say which address it is for, or says it twice. Send a path and one "
    "Host header."
)
REFUSED_PAGE = (
    "Another site sent this, so it was refused. If {origin} is Palate's own address, its proxy "
    "has to pass on host and port (Host) and whether it is https (X-Forwarded-Proto), and its own "
    "address has to be one of --proxy-address."
)
CLOSED_SOCKET = 1008


@dataclass(frozen=True, slots=True)
class Site:
    """Where Palate is served: its names, the proxies before it, and the path below which it is."""

    hosts: Hosts = field(default_factory=Hosts)
    proxies: tuple[Network, ...] = ()
    root_path: str = ""
    """A path such as /palate; empty at the root of a host."""


class RequestGuard:
    """An ASGI app around the app."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app, self._site = app, site
        self._headers = answer_headers(site.hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)

        if scope["type"] == "http":
            send = self._sending(send)
        # A path, and no whole address as only a forward proxy is sent.
        told = public_address(scope, self._site.proxies) if scope["path"].startswith("/") else None
        if told is None:
            return await refuse(PlainTextResponse(NO_HOST, 400), scope, receive, send)

        root_path = self._site.root_path or told.prefix
        scope = without_claims(below(scope, root_path), told.by_proxy)
        scope[BASE_KEY] = f"{told.origin}{root_path}/"
        if (refusal := self._refusal(scope, told)) is not None:
            return await refuse(refusal, scope, receive, send)
        if not path_within(scope):
            # Scripts and images are asked for beside the page, so it has to end in a slash.
            return await refuse(RedirectResponse(f"{root_path}/", 307), scope, receive, send)
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, told: PublicAddress) -> Response | None:
        for one in told.hosts:
            if not self._site.hosts.allows(one.host):
                return PlainTextResponse(REFUSED_HOST.format(host=one.host), 403)
        origins = values(scope, b"origin")
        if any(not is_own(as_origin(origin), scope, told) for origin in origins):
            return PlainTextResponse(REFUSED_PAGE.format(origin=printable(origins[0])), 403)
        if from_elsewhere(scope) and not is_link(scope):
            return PlainTextResponse(REFUSED_PAGE.format(origin="the page's"), 403)
        return None

    def _sending(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                # Nobody else's page may read an answer, whatever Gradio says.
                told = [
                    (name, value)
                    for name, value in message.get("headers", [])
                    if not name.lower().startswith(b"access-control-")
                ]
                there = {name.lower() for name, _ in told}
                told += [pair for pair in self._headers if pair[0] not in there]
                message = {**message, "headers": told}
            await send(message)

        return sending


async def refuse(answer: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, or close a web socket before it opens."""
    if scope["type"] == "websocket":
        return await send({"type": "websocket.close", "code": CLOSED_SOCKET})
    await answer(scope, receive, send)


def is_own(origin: Origin | None, scope: Scope, told: PublicAddress) -> bool:
    """Return whether a page came from the very address that the request went to."""
    if origin is None:
        return False
    if values(scope, b"sec-fetch-site") == ["same-origin"]:
        # The browser has compared already, and pages cannot make it say so; a proxy, trusted or
        # not, may have lost the port or the scheme.
        return any(origin.host == one.host for one in told.hosts)
    asked = [as_origin(f"{told.scheme}://{one}") for one in told.hosts]
    return origin in asked


def from_elsewhere(scope: Scope) -> bool:
    """Return whether the browser says that another site's page asked."""
    return not set(values(scope, b"sec-fetch-site")) <= {"same-origin", "none"}


def is_link(scope: Scope) -> bool:
    """Return whether somebody follows a link to a page; the site that it stood on reads nothing."""
    return (
        scope["type"] == "http"
        and scope["method"] in READING
        and values(scope, b"sec-fetch-mode") == ["navigate"]
        and all(shown in SHOWN_IN for shown in values(scope, b"sec-fetch-dest"))
        and PAGES.fullmatch(path_within(scope)) is not None
    )


def printable(text: str) -> str:
    """Return what somebody sent, safe to be shown."""
    return "".join(c if c.isprintable() and c.isascii() else "?" for c in text[:200])


def answer_headers(hosts: Hosts) -> list[tuple[bytes, bytes]]:
    """Return the headers of every answer; an allowed host may show Palate within a page."""
    names = [*hosts.names - {"localhost"}, *(f"*{domain}" for domain in hosts.domains)]
    embedding = [f"{scheme}://{name}:*" for name in sorted(names) for scheme in ("http", "https")]
    told = {
        "content-security-policy": POLICY + " ".join(["'self'", *embedding]),
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
    }
    if not embedding:
        told["x-frame-options"] = "SAMEORIGIN"
    return [(name.encode(), value.encode("latin-1")) for name, value in told.items()]
