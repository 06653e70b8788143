"""Identity of a request: the person who sent it, the address it came from, and its scheme."""

from dataclasses import dataclass
from typing import Protocol

from starlette.requests import HTTPConnection, Request
from starlette.types import Scope

from annotate.auth.accounts import Accounts
from annotate.auth.proxies import Network, trusts
from annotate.errors import InvalidRequest
from storage.errors import InvalidPerson
from storage.tables.people import Person

COOKIE = "palate_session"
SCOPE_KEY = "palate_person"
"""Key of the request's scope under which the sign-in middleware stores the person."""
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Authenticator of requests: by a session cookie, or by a header that a proxy sets."""

    accounts: Accounts
    proxies: tuple[Network, ...]
    """Addresses that are trusted to say who sent a request, from where, and by which scheme."""
    header: str | None = None
    """The header in which a proxy names the person; None with accounts."""

    def person(self, request: Request) -> Person | None:
        """Return who sent a request, None for a stranger; may query the database."""
        if self.header is None:
            return self.accounts.person_of_token(token_of(request))
        name = self._named(request)
        try:
            return None if name is None else self.accounts.person_from_proxy(name)
        except InvalidPerson:
            return None

    def is_cached(self, request: Request) -> bool:
        """Return whether `person` needs no query for this request."""
        name = None if self.header is None else self._named(request)
        return self.accounts.is_cached(name) or (self.header is not None and name is None)

    def _named(self, request: Request) -> str | None:
        """Return the name that a trusted proxy sends; None for no name, and for more than one."""
        if self.header is None or not self.by_proxy(request):
            return None
        # A header that is sent twice may arrive as one, joined by a comma.
        named = [
            part for value in request.headers.getlist(self.header) for part in value.split(",")
        ]
        return _decoded(named[0]) if len(named) == 1 and named[0].strip() else None

    def by_proxy(self, request: Request) -> bool:
        """Return whether a trusted proxy sent this request."""
        return trusts(self.proxies, request.scope)

    def address(self, request: Request) -> str:
        """Return the address of the client, as far as can be known.

        Of X-Forwarded-For only the last entry counts: the trusted proxy wrote it, and whatever
        comes before may be made up.
        """
        peer = request.client.host if request.client else "?"
        if not self.by_proxy(request):
            return peer
        forwarded = request.headers.get("x-forwarded-for", "")
        return forwarded.rsplit(",", 1)[-1].strip() or peer

    def secure(self, request: Request) -> bool:
        """Return whether the browser uses https."""
        if self.by_proxy(request) and (scheme := request.headers.get("x-forwarded-proto")):
            return scheme.split(",", 1)[0].strip().lower() == "https"
        return request.url.scheme == "https"


def token_of(request: Request) -> str:
    """Return the token in the session cookie; empty without one."""
    return request.cookies.get(COOKIE, "")


class WrappedRequest(Protocol):
    """Gradio's wrapper around a request, named here since rooms below the page know no Gradio."""

    @property
    def request(self) -> Request | None:
        """Return the request itself."""


AnyRequest = HTTPConnection | WrappedRequest


def scope_of(request: AnyRequest) -> Scope:
    """Return the ASGI scope of a request, wrapped or not."""
    inner = request if isinstance(request, HTTPConnection) else request.request
    assert inner is not None, "Gradio makes requests without one only outside of a server"
    return inner.scope


def asker(request: AnyRequest) -> Person | None:
    """Return who sent a request, as the sign-in middleware found; None without sign-in."""
    person: Person | None = scope_of(request).get(SCOPE_KEY)
    return person


def name_of(request: AnyRequest, otherwise: str) -> str:
    """Return the name of the person who sent a request, or `otherwise` without sign-in."""
    person = asker(request)
    return person.name if person else otherwise


def as_header(name: str) -> str:
    """Return a valid name of a header; raises InvalidRequest."""
    if not name or not all(c.isascii() and (c.isalnum() or c in "-_") for c in name):
        raise InvalidRequest(f"{name!r} is no name of a header. Write one like X-Forwarded-User.")
    return name


def _decoded(value: str) -> str:
    """Decode a header again: Starlette decodes Latin-1, but proxies send UTF-8."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value
