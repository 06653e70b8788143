"""Who sent a request: by which address it came, and whose it is."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from annotate.auth.accounts import Accounts
from annotate.auth.proxies import Network, trusts
from annotate.errors import InvalidRequest
from storage.errors import InvalidPerson
from storage.tables.people import Person

COOKIE = "palate_session"
SCOPE_KEY = "palate_person"
"""Where the gate leaves who is asking, for everything behind it."""
READING = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Authenticator:
    """How people are known: by accounts of Palate's own, or by a header that a proxy sets."""

    accounts: Accounts
    proxies: tuple[Network, ...]
    """Addresses whose word is taken for who asks, and from where, and how safely."""
    header: str | None = None
    """The header in which a proxy names the person; None with accounts."""

    def person(self, request: Request) -> Person | None:
        """Return who asks; None for a stranger. The first time, this asks the database."""
        if self.header is None:
            return self.accounts.person_of_token(token_of(request))
        name = self._named(request)
        try:
            return None if name is None else self.accounts.person_from_proxy(name)
        except InvalidPerson:
            return None

    def is_cached(self, request: Request) -> bool:
        """Whether the database need not be asked who this is."""
        name = None if self.header is None else self._named(request)
        return self.accounts.is_cached(name) or (self.header is not None and name is None)

    def _named(self, request: Request) -> str | None:
        """Return whom a trusted proxy names; None for nobody, or for two people."""
        if self.header is None or not self.by_proxy(request):
            return None
        # A header that is sent twice may be joined by a comma on its way.
        named = [
            part for value in request.headers.getlist(self.header) for part in value.split(",")
        ]
        return _decoded(named[0]) if len(named) == 1 and named[0].strip() else None

    def by_proxy(self, request: Request) -> bool:
        """Whether a proxy that is trusted sent this."""
        return trusts(self.proxies, request.scope)

    def address(self, request: Request) -> str:
        """Return where a request came from, as far as can be told."""
        peer = request.client.host if request.client else "?"
        passed_on = request.headers.get("x-forwarded-for", "")
        return passed_on.rsplit(",", 1)[-1].strip() or peer if self.by_proxy(request) else peer

    def secure(self, request: Request) -> bool:
        """Whether a browser came by https."""
        if self.by_proxy(request) and (told := request.headers.get("x-forwarded-proto")):
            return told.split(",", 1)[0].strip().lower() == "https"
        return request.url.scheme == "https"


def token_of(request: Request) -> str:
    """Return what the session cookie holds; empty without one."""
    return request.cookies.get(COOKIE, "")


def scope_of(request: Any) -> Any:
    """Return the scope of Starlette's request, or of the one that Gradio wraps around it."""
    return getattr(request, "request", request).scope


def asker(request: Any) -> Person | None:
    """Return who sent a request that came through the gate; None where there is no gate."""
    person: Person | None = scope_of(request).get(SCOPE_KEY)
    return person


def name_of(request: Any, otherwise: str) -> str:
    """Return the name of whoever sent a request, or another one where nobody signs in."""
    person = asker(request)
    return person.name if person else otherwise


def as_header(name: str) -> str:
    """Return the name of a header; raises InvalidRequest."""
    if not name or not all(c.isascii() and (c.isalnum() or c in "-_") for c in name):
        raise InvalidRequest(f"{name!r} is no name of a header. Write one like X-Forwarded-User.")
    return name


def _decoded(value: str) -> str:
    """Return a header's text: Starlette reads Latin-1, proxies send UTF-8."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value
