"""Trusted proxies: only they may say, in headers, which address and scheme the browser used."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from starlette.types import Scope

from annotate.auth.hosts import DEFAULT_PORTS, Authority, as_authority, as_root_path
from annotate.errors import InvalidRequest

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PROXY_HEADERS = (
    b"forwarded",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-port",
    b"x-forwarded-prefix",
    b"x-forwarded-proto",
    b"x-real-ip",
)
"""Headers that are dropped from a request which no trusted proxy sent."""
GRADIO_HEADER = b"x-gradio-server"
"""Header by which Gradio's Node server says its address; always dropped, as there is none."""


def trusts(networks: tuple[Network, ...], scope: Scope) -> bool:
    """Return whether a request came from an address in one of these networks."""
    client = scope.get("client")
    try:
        peer = ipaddress.ip_address(client[0] if client else "")
    except ValueError:
        return False
    if isinstance(peer, ipaddress.IPv6Address) and peer.ipv4_mapped:
        peer = peer.ipv4_mapped
    return any(peer in network for network in networks)


def as_networks(text: str) -> tuple[Network, ...]:
    """Parse networks such as "127.0.0.1, 10.0.0.0/8"; raises InvalidRequest."""
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise InvalidRequest(
            f"{error}. Write addresses of proxies like 127.0.0.1,10.0.0.0/8."
        ) from None


def values(scope: Scope, name: bytes) -> list[str]:
    """Return every value of a header."""
    return [value.decode("latin-1").strip(" \t") for key, value in scope["headers"] if key == name]


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """Public address of the page, as the browser sees it, by what a request's headers say."""

    scheme: str
    hosts: tuple[Authority, ...]
    """The host that the browser named, then those that each proxy named to the next."""
    by_proxy: bool
    prefix: str = ""
    """The path that the proxy removed; empty if it says nothing."""

    @property
    def origin(self) -> str:
        """Scheme and host of the page, such as https://palate.example."""
        return f"{self.scheme}://{self.hosts[0]}"


def public_address(scope: Scope, networks: tuple[Network, ...]) -> PublicAddress | None:
    """Return the public address that a request's headers give; None if they contradict HTTP."""
    by_proxy = trusts(networks, scope)
    names, scheme = values(scope, b"host"), scope.get("scheme", "http").replace("ws", "http")
    if len(names) != 1:
        return None

    if by_proxy:
        names = [*_parts(scope, b"x-forwarded-host"), *names]
        schemes = [*_parts(scope, b"x-forwarded-proto"), scheme]
        scheme = schemes[0].lower().replace("ws", "http")
    hosts = tuple(filter(None, map(as_authority, names)))
    if len(hosts) != len(names) or scheme not in DEFAULT_PORTS:
        return None

    try:
        prefix = as_root_path("".join(values(scope, b"x-forwarded-prefix"))) if by_proxy else ""
    except InvalidRequest:
        return None
    return PublicAddress(scheme, hosts, by_proxy, prefix)


def _parts(scope: Scope, name: bytes) -> Iterator[str]:
    """Return the comma-separated parts of every value of a header."""
    for value in values(scope, name):
        yield from (part.strip() for part in value.split(",") if part.strip())


def without_claims(scope: Scope, by_proxy: bool) -> Scope:
    """Return a request's scope without the headers that its sender may not set."""
    dropped = {GRADIO_HEADER, *(() if by_proxy else PROXY_HEADERS)}
    headers = [pair for pair in scope["headers"] if pair[0] not in dropped]
    return {**scope, "headers": headers}


def with_root_path(scope: Scope, root_path: str) -> Scope:
    """Return a request's scope with `root_path` set, and part of the path, as ASGI wants it.

    Some proxies remove the path below which they serve the page, others keep it.
    """
    path = scope["path"]
    raw: bytes = scope.get("raw_path") or path.encode()
    if not root_path or path == root_path or path.startswith(f"{root_path}/"):
        return {**scope, "root_path": root_path}
    paths = {"path": root_path + path, "raw_path": root_path.encode() + raw}
    return {**scope, **paths, "root_path": root_path}


def path_within(scope: Scope) -> str:
    """Return the path of a request below the path at which the page is served."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
