"""Request guard: allowed hosts, same-origin requests, and the security headers of every answer.

request ── RequestGuard ── SignInMiddleware (if people sign in) ── app

It wraps Gradio from the outside, since Gradio's own middleware answers preflights and lets every
origin read.
"""

import re
from dataclasses import dataclass, field

from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from annotate.auth.hosts import Hosts, Origin, as_origin
from annotate.auth.proxies import (
    Network,
    PublicAddress,
    path_within,
    public_address,
    values,
    with_root_path,
    without_claims,
)

BASE_KEY = "palate_base"
"""Key of the request's scope under which the guard stores the page's URL in the browser."""
LINKED_PAGES = re.compile(r"/(sign-in|welcome|account|report/[^/]+)?")
"""Paths that a link on another site may lead to."""
PAGE_DESTINATIONS = ("document", "iframe", "frame", "")
"""Values of Sec-Fetch-Dest with which a browser loads a page rather than a part of one."""
READ_METHODS = ("GET", "HEAD")
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "media-src 'self' data: blob:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors "
)
"""Gradio's page needs inline scripts and eval; no other server is contacted."""
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
POLICY_VIOLATION = 1008
"""Close code of a web socket that is refused (RFC 6455)."""


@dataclass(frozen=True, slots=True)
class Site:
    """Site at which Palate is served: allowed hosts, trusted proxies and the root path."""

    hosts: Hosts = field(default_factory=Hosts)
    proxies: tuple[Network, ...] = ()
    root_path: str = ""
    """A path such as /palate; empty at the root of a host."""


class RequestGuard:
    """ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app, self._site = app, site
        self._headers = answer_headers(site.hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)

        if scope["type"] == "http":
            send = self._with_headers(send)
        # A whole URL in place of a path is meant for a forward proxy, which Palate is not.
        is_path = scope["path"].startswith("/")
        address = public_address(scope, self._site.proxies) if is_path else None
        if address is None:
            return await refuse(PlainTextResponse(NO_HOST, 400), scope, receive, send)

        root_path = self._site.root_path or address.prefix
        scope = without_claims(with_root_path(scope, root_path), address.by_proxy)
        scope[BASE_KEY] = f"{address.origin}{root_path}/"
        if (refusal := self._refusal(scope, address)) is not None:
            return await refuse(refusal, scope, receive, send)
        if not path_within(scope):
            # The page loads its scripts and images by relative URLs, which need a final slash.
            return await refuse(RedirectResponse(f"{root_path}/", 307), scope, receive, send)
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, address: PublicAddress) -> Response | None:
        """Return the refusal of a request to another host or from another site, or None."""
        for authority in address.hosts:
            if not self._site.hosts.allows(authority.host):
                return PlainTextResponse(REFUSED_HOST.format(host=authority.host), 403)

        origins = values(scope, b"origin")
        if any(not is_own(as_origin(origin), scope, address) for origin in origins):
            return PlainTextResponse(REFUSED_PAGE.format(origin=printable(origins[0])), 403)
        if is_cross_site(scope) and not is_link(scope):
            return PlainTextResponse(REFUSED_PAGE.format(origin="the page's"), 403)
        return None

    def _with_headers(self, send: Send) -> Send:
        """Return a `send` that adds the security headers, unless the app set its own."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                # No page of another site may read an answer, whatever Gradio allows.
                headers = [
                    (name, value)
                    for name, value in message.get("headers", [])
                    if not name.lower().startswith(b"access-control-")
                ]
                present = {name.lower() for name, _ in headers}
                headers += [header for header in self._headers if header[0] not in present]
                message = {**message, "headers": headers}
            await send(message)

        return sending


async def refuse(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request with a refusal, or close a web socket before it opens."""
    if scope["type"] == "websocket":
        return await send({"type": "websocket.close", "code": POLICY_VIOLATION})
    await response(scope, receive, send)


def is_own(origin: Origin | None, scope: Scope, address: PublicAddress) -> bool:
    """Return whether a request's page came from the same address that the request went to."""
    if origin is None:
        return False
    if values(scope, b"sec-fetch-site") == ["same-origin"]:
        # The browser has compared origins already, and no page can set this header. Port and scheme
        # are left out, since a proxy, trusted or not, may have lost them.
        return any(origin.host == authority.host for authority in address.hosts)
    return origin in [as_origin(f"{address.scheme}://{authority}") for authority in address.hosts]


def is_cross_site(scope: Scope) -> bool:
    """Return whether the browser says that a page of another site sent the request."""
    return not set(values(scope, b"sec-fetch-site")) <= {"same-origin", "none"}


def is_link(scope: Scope) -> bool:
    """Return whether a person follows a link to a page, which the linking site cannot read."""
    return (
        scope["type"] == "http"
        and scope["method"] in READ_METHODS
        and values(scope, b"sec-fetch-mode") == ["navigate"]
        and all(dest in PAGE_DESTINATIONS for dest in values(scope, b"sec-fetch-dest"))
        and LINKED_PAGES.fullmatch(path_within(scope)) is not None
    )


def printable(text: str) -> str:
    """Return the first 200 characters of a stranger's text, with all but plain ASCII replaced."""
    return "".join(c if c.isprintable() and c.isascii() else "?" for c in text[:200])


def answer_headers(hosts: Hosts) -> list[tuple[bytes, bytes]]:
    """Return the security headers of every answer; pages of allowed hosts may embed Palate."""
    names = [*hosts.names - {"localhost"}, *(f"*{domain}" for domain in hosts.domains)]
    embedding = [f"{scheme}://{name}:*" for name in sorted(names) for scheme in ("http", "https")]
    headers = {
        "content-security-policy": CONTENT_SECURITY_POLICY + " ".join(["'self'", *embedding]),
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
    }
    if not embedding:
        headers["x-frame-options"] = "SAMEORIGIN"
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
