"""Accounts: sessions, passwords, links to choose a password with, and the first admin."""

import re
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from annotate.auth.passwords import (
    Scrypt,
    check_password,
    hash_token,
    new_token,
)
from annotate.auth.rate_limit import RateLimiter
from annotate.clock import Monotonic
from annotate.errors import SignInRefused
from storage.errors import PersonKnown, StaleLink
from storage.lookalikes import folded
from storage.tables.people import People, Person, Role, check_name
from storage.timestamps import utc_now

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
SESSION_LIFETIME = timedelta(days=30)
SEEN_INTERVAL_S = 600.0
"""Seconds between two records that a person was there: each is a write to the database."""
MAX_HASHES_AT_ONCE = 2
"""Passwords hashed at the same time; each takes 32 MB."""
WRONG_SIGN_IN = "The name or the password is wrong."
SETUP = "setup"
"""The actor that is recorded for what the first admin's set-up changes."""


class Accounts:
    """Accounts of everybody who may sign in; the only writer of `people`; thread-safe.

    Sessions and people are cached in memory, so that a request costs no query. A query that was
    under way while something changed is not cached: `_changes` counts the changes.
    """

    def __init__(
        self,
        people: People,
        clock: Monotonic = time.monotonic,
        now: Callable[[], datetime] = utc_now,
        hashing: Scrypt | None = None,
    ) -> None:
        self.people = people
        self.setup_token: str | None = None
        """Token that makes its holder the first admin; printed in the terminal; None once used."""

        self._limiter, self._clock, self._now = RateLimiter(clock), clock, now
        self._hashing = hashing or Scrypt()
        self._hash_slots = threading.BoundedSemaphore(MAX_HASHES_AT_ONCE)
        self._guard = threading.Lock()
        self._sessions: dict[str, tuple[str, datetime]] | None = None
        """Name and expiry by hashed token, of every session, so that a made-up token costs no
        query either; None until first needed."""
        self._people_cache: dict[str, Person] = {}
        self._last_seen: dict[str, float] = {}
        self._changes = 0

    # Sessions

    def sign_in(self, name: str, password: str, address: str) -> str:
        """Return a session token for a name and its password.

        Raises SignInRefused, with the same text whatever was wrong, or TooManyAttempts.
        """
        self._limiter.begin(folded(name), address)
        person = self.people.find(name)
        usable = person.password if person and person.enabled else None
        # Hashed for unknown names too: the time must not tell which names exist.
        if not self._matches(password, usable) or person is None:
            raise SignInRefused(WRONG_SIGN_IN)

        self._limiter.succeeded(folded(name), address)
        return self._new_session(person.name)

    def sign_out(self, token: str) -> None:
        """Revoke a session token."""
        if TOKEN.fullmatch(token):
            self.people.sign_out(hash_token(token))
        self.clear_cache()

    def person_of_token(self, token: str) -> Person | None:
        """Return the person of a session token; None if it is expired or the person disabled."""
        if not TOKEN.fullmatch(token):
            return None
        session = self._all_sessions().get(hash_token(token))
        if session is None:
            return None
        name, expires = session
        return self.enabled_person(name) if expires > self._now() else None

    def is_cached(self, name: str | None = None) -> bool:
        """Return whether a person, or with None every session, can be looked up without a query."""
        with self._guard:
            return self._sessions is not None if name is None else name in self._people_cache

    def _all_sessions(self) -> dict[str, tuple[str, datetime]]:
        with self._guard:
            sessions, changes = self._sessions, self._changes
        if sessions is not None:
            return sessions

        sessions = self.people.sign_ins()
        known = {person.name: person for person in self.people.all()}
        with self._guard:
            if changes == self._changes:
                self._sessions, self._people_cache = sessions, self._people_cache | known
        return sessions

    def enabled_person(self, name: str) -> Person | None:
        """Return the person of a name; None if they are unknown or disabled."""
        with self._guard:
            person, changes = self._people_cache.get(name), self._changes
        if person is None:
            person = self.people.find(name)
            if person is None:
                return None

            with self._guard:
                if changes == self._changes:
                    self._people_cache[name] = person
        return person if person.enabled else None

    def person_from_proxy(self, name: str) -> Person | None:
        """Return the person whom a proxy names, adding a newcomer as a labeler.

        None if they are disabled. Raises InvalidPerson for a name that nobody may have.
        """
        if self.enabled_person(name) is None and self.people.find(name) is None:
            try:
                self.people.add(name, Role.LABELER, "proxy")
            except PersonKnown:
                pass  # Two requests of one newcomer came at the same time.
            self.clear_cache()
        return self.enabled_person(name)

    def touch_seen(self, name: str) -> bool:
        """Return whether to record that a person was there, at most every SEEN_INTERVAL_S."""
        now = self._clock()
        with self._guard:
            if now - self._last_seen.get(name, -SEEN_INTERVAL_S) < SEEN_INTERVAL_S:
                return False
            self._last_seen[name] = now
            return True

    # Passwords

    def choose_password(self, link: str, password: str, name: str = "") -> str:
        """Use up a link or the set-up token, set a password, and return a session token.

        Raises StaleLink, WeakPassword or InvalidPerson.
        """
        if self.is_setup_token(link):
            return self._first_admin(name, password)
        owner = self.people.link_owner(hash_token(link))
        if owner is None:
            raise StaleLink("This link was used or has expired. Ask an admin for a new one.")

        hashed = self._hash(check_password(password, owner))
        self.people.use_link(hash_token(link), hashed)
        self.clear_cache()
        return self._new_session(owner)

    def change_password(self, name: str, old: str, new: str, address: str) -> str:
        """Replace a password, revoke every session of the person, and return a new one's token.

        Raises SignInRefused, TooManyAttempts or WeakPassword.
        """
        self._limiter.begin_change(folded(name))
        person = self.people.find(name)
        if person is None or not self._matches(old, person.password):
            raise SignInRefused("The present password is wrong.")

        self._limiter.succeeded(folded(name), address)
        hashed = self._hash(check_password(new, name))
        self.people.set_password(name, hashed, name)
        self.clear_cache()
        return self._new_session(name)

    # People

    def add(self, name: str, role: Role, actor: str) -> str:
        """Add a person and return the token of their link; raises InvalidPerson or PersonKnown."""
        return self.new_link(self.people.add(name, role, actor).name, actor, rescue=True)

    def new_link(self, name: str, actor: str, rescue: bool = False) -> str:
        """Return the token of a new link to choose a password; the present password ends.

        `rescue` permits it for the only admin. Raises UnknownPerson or LastAdmin.
        """
        token = new_token()
        self.people.set_link(name, hash_token(token), actor, rescue)
        self.clear_cache()
        return token

    def set_role(self, name: str, role: Role, actor: str) -> None:
        """Make a person a labeler or an admin; raises UnknownPerson or LastAdmin."""
        self.people.set_role(name, role, actor)
        self.clear_cache()

    def set_enabled(self, name: str, enabled: bool, actor: str) -> None:
        """Enable or disable a person; raises UnknownPerson or LastAdmin."""
        self.people.set_enabled(name, enabled, actor)
        self.clear_cache()

    def has_admin(self, passwords: bool = True) -> bool:
        """Return whether an enabled admin exists; with `passwords`, one who has a password."""
        people = self.people.all()
        admins = [person for person in people if person.enabled and person.role is Role.ADMIN]
        return any(admin.password or not passwords for admin in admins)

    def create_setup_token(self) -> str | None:
        """Return a new token that makes the first admin; None once there is an admin."""
        self.setup_token = None if self.has_admin() else new_token()
        return self.setup_token

    def is_setup_token(self, link: str) -> bool:
        """Return whether a link's token is the one that makes the first admin."""
        setup_token = self.setup_token
        # Hashes are compared, so that the time tells nothing about the token.
        return setup_token is not None and hash_token(link) == hash_token(setup_token)

    def clear_cache(self) -> None:
        """Clear the cached sessions and people; a query under way is not cached either."""
        with self._guard:
            self._changes += 1
            self._sessions = None
            self._people_cache.clear()

    def _first_admin(self, name: str, password: str) -> str:
        """Make a person the first admin, and return a session token."""
        name, hashed = check_name(name), self._hash(check_password(password, name))
        with self._guard:
            # Taken under the guard: of two requests at once only one may have it.
            setup_token, self.setup_token = self.setup_token, None
        if setup_token is None:
            raise StaleLink("Somebody else was quicker, and is the first admin.")

        known = self.people.find(name) or self.people.add(name, Role.ADMIN, SETUP)
        self.people.set_role(known.name, Role.ADMIN, SETUP)
        self.people.set_enabled(known.name, True, SETUP)
        self.people.set_password(known.name, hashed, SETUP)
        self.clear_cache()
        return self._new_session(known.name)

    def _new_session(self, name: str) -> str:
        """Store a new session and return its token."""
        token, expires = new_token(), self._now() + SESSION_LIFETIME
        self.people.sign_in(hash_token(token), name, expires)
        with self._guard:
            # A query under way may lack the new session.
            self._changes += 1
            if self._sessions is not None:
                self._sessions = {**self._sessions, hash_token(token): (name, expires)}
        return token

    def _matches(self, password: str, stored: str | None) -> bool:
        with self._hash_slots:
            return self._hashing.matches(password, stored)

    def _hash(self, password: str) -> str:
        with self._hash_slots:
            return self._hashing.hash(password)
