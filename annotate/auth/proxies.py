"""Proxies that are trusted: what they say of a request is believed, of nobody else."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from starlette.types import Scope

from annotate.auth.hosts import DEFAULT_PORTS, Authority, as_authority, as_root_path
from annotate.errors import InvalidRequest

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

TOLD_BY_PROXIES = (
    b"forwarded",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-port",
    b"x-forwarded-prefix",
    b"x-forwarded-proto",
    b"x-real-ip",
)
"""Headers that are dropped where no trusted proxy sent them."""
TOLD_BY_GRADIO = b"x-gradio-server"
"""A header by which a server of Gradio's own says its address; here nobody may."""


def trusts(networks: tuple[Network, ...], scope: Scope) -> bool:
    """Return whether a request came from one of these networks."""
    client = scope.get("client")
    try:
        peer = ipaddress.ip_address(client[0] if client else "")
    except ValueError:
        return False
    if isinstance(peer, ipaddress.IPv6Address) and peer.ipv4_mapped:
        peer = peer.ipv4_mapped
    return any(peer in network for network in networks)


def as_networks(text: str) -> tuple[Network, ...]:
    """Return the addresses in "127.0.0.1, 10.0.0.0/8"; raises InvalidRequest."""
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
    """What a request says of the address that a browser sees."""

    scheme: str
    hosts: tuple[Authority, ...]
    """As the browser's next neighbour was asked for, then as Palate was."""
    by_proxy: bool
    prefix: str = ""
    """The path that the proxy took away; empty where it says nothing."""

    @property
    def origin(self) -> str:
        """The address of the page's host."""
        return f"{self.scheme}://{self.hosts[0]}"


def public_address(scope: Scope, networks: tuple[Network, ...]) -> PublicAddress | None:
    """Return what a request says of its address; None where that makes no sense."""
    by_proxy = trusts(networks, scope)
    named, scheme = values(scope, b"host"), scope.get("scheme", "http").replace("ws", "http")
    if len(named) != 1:
        return None
    if by_proxy:
        named = [*_parts(scope, b"x-forwarded-host"), *named]
        protocols = [*_parts(scope, b"x-forwarded-proto"), scheme]
        scheme = protocols[0].lower().replace("ws", "http")
    hosts = tuple(filter(None, map(as_authority, named)))
    if len(hosts) != len(named) or scheme not in DEFAULT_PORTS:
        return None
    try:
        prefix = as_root_path("".join(values(scope, b"x-forwarded-prefix"))) if by_proxy else ""
    except InvalidRequest:
        return None
    return PublicAddress(scheme, hosts, by_proxy, prefix)


def _parts(scope: Scope, name: bytes) -> Iterator[str]:
    for value in values(scope, name):
        yield from (part.strip() for part in value.split(",") if part.strip())


def without_claims(scope: Scope, by_proxy: bool) -> Scope:
    """Return a request without the headers that whoever sent it may not send."""
    dropped = {TOLD_BY_GRADIO, *(() if by_proxy else TOLD_BY_PROXIES)}
    headers = [pair for pair in scope["headers"] if pair[0] not in dropped]
    return {**scope, "headers": headers}


def below(scope: Scope, root_path: str) -> Scope:
    """Return a request as if a proxy had kept the path below which the page is, as ASGI has it."""
    path = scope["path"]
    raw: bytes = scope.get("raw_path") or path.encode()
    if not root_path or path == root_path or path.startswith(f"{root_path}/"):
        return {**scope, "root_path": root_path}
    placed = {"path": root_path + path, "raw_path": root_path.encode() + raw}
    return {**scope, **placed, "root_path": root_path}


def path_within(scope: Scope) -> str:
    """Return the path of a request without that below which the page is."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
