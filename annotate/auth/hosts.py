"""Which names Palate answers to: what a Host or an Origin says, and whether that is one of them.

A page of another site cannot choose the address that a browser connects to, but it can choose the
name: with a DNS server of its own it lets evil.example point to 127.0.0.1, and from then on is of
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

LONGEST_PATH = 200


@dataclass(frozen=True, slots=True)
class Authority:
    """A host, in lower case and without brackets, and the port if one is named."""

    host: str
    port: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a page came from; its port is always named."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Hosts:
    """The names and addresses that Palate answers to."""

    names: frozenset[str] = frozenset({"localhost"})
    domains: tuple[str, ...] = ()
    """Every name below these is allowed; each begins with a dot."""
    addresses: frozenset[Address] = frozenset()
    every_address: bool = False
    """Listening on every address of the machine, of which nobody knows all names."""

    def allows(self, host: str) -> bool:
        """Return whether a host, as `Authority` holds it, is one of them."""
        address = as_address(host)
        if address is None:
            return host in self.names or host.endswith(self.domains or ("\0",))

        # An address cannot be made to point elsewhere. What is not listened on is refused anyway:
        # whoever forwards another address names it.
        return self.every_address or address.is_loopback or address in self.addresses


def as_authority(text: str) -> Authority | None:
    """Return what a Host header says; None for one that no browser sends."""
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
    """Return what an Origin header says; None for `null` and whatever is no http address."""
    scheme, separator, rest = text.lower().partition("://")
    told = as_authority(rest) if separator and scheme in DEFAULT_PORTS else None
    return None if told is None else Origin(scheme, told.host, told.port or DEFAULT_PORTS[scheme])


def as_address(text: str) -> Address | None:
    """Return an IP address; None for a name, and for an address in any but its usual form."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return None if address.scope_id else address.ipv4_mapped or address
    return address


def allowed_hosts(named: Iterable[str], bound: Iterable[str] = (), own: str = "") -> Hosts:
    """Return the hosts of --allow-host, of addresses that are listened on, and of --host.

    Raises InvalidRequest for what is no name.
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
    if len(path) > LONGEST_PATH or ROOT_PATH.fullmatch(path) is None:
        raise InvalidRequest(f"{text!r} is no path to serve the page at. Write one like /palate.")
    return path


def _as_name(text: str) -> str:
    """Return a name as browsers send it; raises InvalidRequest."""
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
