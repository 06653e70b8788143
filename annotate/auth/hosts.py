"""Allowed hosts: the names and addresses that Palate answers to, against DNS rebinding.

A page of another site cannot choose the address that a browser connects to, but it can choose the
name: with a DNS server of its own it lets evil.example point to 127.0.0.1, and from then on has
the same origin as Palate. Only the Host header tells the two apart.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from annotate.errors import InvalidRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

DEFAULT_PORTS = {"http": 80, "https": 443}
AUTHORITY = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_-][a-z0-9._-]{0,252})(?::([0-9]{1,5}))?")
ROOT_PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")
NAME = re.compile(r"(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")

MAX_PATH_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Authority:
    """Host and port of a URL: the host in lower case without brackets, the port if it is given."""

    host: str
    port: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Origin of a page; its port is always given."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Hosts:
    """The names and addresses that Palate answers to."""

    names: frozenset[str] = frozenset({"localhost"})
    domains: tuple[str, ...] = ()
    """Domains whose every subdomain is allowed; each begins with a dot."""
    addresses: frozenset[Address] = frozenset()
    every_address: bool = False
    """Listening on every address of the machine; then all of them are allowed."""

    def allows(self, host: str) -> bool:
        """Return whether a host, in the form of `Authority.host`, is allowed."""
        address = as_address(host)
        if address is None:
            # endswith needs something to compare with, and no host ends in a NUL.
            return host in self.names or host.endswith(self.domains or ("\0",))

        # No DNS server can make an address point elsewhere, so those that Palate listens on are
        # safe. Whoever forwards another address has to name it.
        return self.every_address or address.is_loopback or address in self.addresses


def as_authority(text: str) -> Authority | None:
    """Parse a Host header; None for one that no browser sends."""
    found = AUTHORITY.fullmatch(text.lower())
    if found is None:
        return None
    host, port = found[1].strip("[]"), found[2]
    if found[1].startswith("[") and as_address(host) is None:
        return None
    if port is not None and not 0 < int(port) < 65536:
        return None
    return Authority(host, None if port is None else int(port))


def as_origin(text: str) -> Origin | None:
    """Parse an Origin header; None for `null` and whatever is no http or https origin."""
    scheme, separator, remainder = text.lower().partition("://")
    authority = as_authority(remainder) if separator and scheme in DEFAULT_PORTS else None
    if authority is None:
        return None
    return Origin(scheme, authority.host, authority.port or DEFAULT_PORTS[scheme])


def as_address(text: str) -> Address | None:
    """Parse an IP address; None for a name, and for an address with a zone."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return None if address.scope_id else address.ipv4_mapped or address
    return address


def allowed_hosts(named: Iterable[str], bound: Iterable[str] = (), own: str = "") -> Hosts:
    """Return the allowed hosts.

    Args:
        named: Values of --allow-host, each one or several names separated by commas.
        bound: Addresses that Palate listens on.
        own: The value of --host.

    Raises InvalidRequest for what is no name of a host.
    """
    texts = [part.strip() for text in named for part in text.split(",")]
    hosts = [_as_name(text) for text in texts if text]
    if own and as_address(own) is None:
        hosts.append(_as_name(own))

    listening = [address for text in bound if (address := as_address(text))]
    literal = [address for host in hosts if (address := as_address(host))]
    names = [host for host in hosts if as_address(host) is None]
    return Hosts(
        frozenset({"localhost", *(name for name in names if name[0] != "*")}),
        tuple(name[1:] for name in names if name[0] == "*"),
        frozenset([*listening, *literal]),
        any(address.is_unspecified for address in listening),
    )


def as_root_path(text: str) -> str:
    """Return the path below which a proxy serves the page, empty for none.

    Raises InvalidRequest.
    """
    path = text.strip().rstrip("/")
    path = f"/{path}" if path and not path.startswith("/") else path
    if len(path) > MAX_PATH_LENGTH or ROOT_PATH.fullmatch(path) is None:
        raise InvalidRequest(f"{text!r} is no path to serve the page at. Write one like /palate.")
    return path


def _as_name(text: str) -> str:
    """Return a host name in the form in which browsers send it; raises InvalidRequest."""
    name = text.strip("[]").removesuffix(".").lower()
    if as_address(name) is not None:
        return name
    try:
        # Browsers send names with other letters than these in Punycode.
        name = name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if NAME.fullmatch(name) is None:
        raise InvalidRequest(
            f"{text!r} is no name of a host. Write one like palate.example or *.palate.example, "
            "without http:// and without a port."
        )
    return name
