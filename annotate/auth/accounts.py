"""Accounts: signing in and out, links to choose a password with, and the first admin."""

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
LASTS = timedelta(days=30)
SEEN_EVERY_S = 600.0
AT_ONCE = 2
"""Passwords hashed at once; each takes 32 MB."""
WRONG = "The name or the password is wrong."
SETUP = "setup"


class Accounts:
    """Everybody who may come in; the only writer of `people`, and safe from any thread."""

    def __init__(
        self,
        people: People,
        clock: Monotonic = time.monotonic,
        now: Callable[[], datetime] = utc_now,
        hashing: Scrypt | None = None,
    ) -> None:
        self.people = people
        self.setup_token: str | None = None
        """What makes the first admin, while there is none; printed where the app was started."""
        self._tries, self._clock, self._now = RateLimiter(clock), clock, now
        self._hashing, self._turns = hashing or Scrypt(), threading.BoundedSemaphore(AT_ONCE)
        self._guard = threading.Lock()
        self._tokens: dict[str, tuple[str, datetime]] | None = None
        """Every sign-in, so that a token of nobody's costs no search; None until it is asked."""
        self._known: dict[str, Person] = {}
        self._seen: dict[str, float] = {}
        self._changes = 0

    # Coming in

    def sign_in(self, name: str, password: str, address: str) -> str:
        """Return a token for a name and its password.

        Raises SignInRefused, the same whatever was wrong, or TooManyAttempts.
        """
        self._tries.begin(folded(name), address)
        person = self.people.find(name)
        usable = person.password if person and person.enabled else None
        if not self._matches(password, usable) or person is None:
            raise SignInRefused(WRONG)
        self._tries.succeeded(folded(name), address)
        return self._let_in(person.name)

    def sign_out(self, token: str) -> None:
        """Make a token worth nothing."""
        if TOKEN.fullmatch(token):
            self.people.sign_out(hash_token(token))
        self.clear_cache()

    def person_of_token(self, token: str) -> Person | None:
        """Return whose token it is, as long as they may come in."""
        if not TOKEN.fullmatch(token):
            return None
        held = self._sign_ins().get(hash_token(token))
        return self.enabled_person(held[0]) if held and held[1] > self._now() else None

    def is_cached(self, name: str | None = None) -> bool:
        """Whether a person, or the holder of any token, is known without asking the database."""
        with self._guard:
            return self._tokens is not None if name is None else name in self._known

    def _sign_ins(self) -> dict[str, tuple[str, datetime]]:
        with self._guard:
            tokens, changes = self._tokens, self._changes
        if tokens is not None:
            return tokens

        tokens = self.people.sign_ins()
        known = {person.name: person for person in self.people.all()}
        with self._guard:
            if changes == self._changes:
                self._tokens, self._known = tokens, self._known | known
        return tokens

    def enabled_person(self, name: str) -> Person | None:
        """Return the person of a name, as long as they may come in."""
        with self._guard:
            known, changes = self._known.get(name), self._changes
        if known is None:
            known = self.people.find(name)
            if known is None:
                return None
            with self._guard:
                if changes == self._changes:
                    self._known[name] = known
        return known if known.enabled else None

    def person_from_proxy(self, name: str) -> Person | None:
        """Return the person whom a proxy names, a labeler where nobody knew them.

        Raises InvalidPerson.
        """
        if self.enabled_person(name) is None and self.people.find(name) is None:
            try:
                self.people.add(name, Role.LABELER, "proxy")
            except PersonKnown:
                pass  # Two requests of one newcomer came at the same time.
            self.clear_cache()
        return self.enabled_person(name)

    def touch_seen(self, name: str) -> bool:
        """Whether it is time to record that a person was there."""
        now = self._clock()
        with self._guard:
            if now - self._seen.get(name, -SEEN_EVERY_S) < SEEN_EVERY_S:
                return False
            self._seen[name] = now
            return True

    # Passwords

    def choose_password(self, link: str, password: str, name: str = "") -> str:
        """Use a link, or what makes the first admin, and return a token to be signed in with.

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
        return self._let_in(owner)

    def change_password(self, name: str, old: str, new: str, address: str) -> str:
        """Put a new password in place of the old one, end every sign-in, and return a token.

        Raises SignInRefused, TooManyAttempts or WeakPassword.
        """
        self._tries.begin_change(folded(name))
        person = self.people.find(name)
        if person is None or not self._matches(old, person.password):
            raise SignInRefused("The present password is wrong.")
        self._tries.succeeded(folded(name), address)
        hashed = self._hash(check_password(new, name))
        self.people.set_password(name, hashed, name)
        self.clear_cache()
        return self._let_in(name)

    # People

    def add(self, name: str, role: Role, who: str) -> str:
        """Add a person and return what their link ends in; raises InvalidPerson or PersonKnown."""
        return self.new_link(self.people.add(name, role, who).name, who, rescue=True)

    def new_link(self, name: str, who: str, rescue: bool = False) -> str:
        """Make a link that lets a person choose a password; the one they have ends.

        Raises UnknownPerson or LastAdmin.
        """
        token = new_token()
        self.people.set_link(name, hash_token(token), who, rescue)
        self.clear_cache()
        return token

    def set_role(self, name: str, role: Role, who: str) -> None:
        """Make a person a labeler or an admin; raises UnknownPerson or LastAdmin."""
        self.people.set_role(name, role, who)
        self.clear_cache()

    def set_enabled(self, name: str, enabled: bool, who: str) -> None:
        """Let a person in, or no more; raises UnknownPerson or LastAdmin."""
        self.people.set_enabled(name, enabled, who)
        self.clear_cache()

    def has_admin(self, passwords: bool = True) -> bool:
        """Whether somebody can come in who may let others in; with `passwords` by one."""
        admins = [one for one in self.people.all() if one.enabled and one.role is Role.ADMIN]
        return any(one.password or not passwords for one in admins)

    def create_setup_token(self) -> str | None:
        """Return what makes the first admin; None once there is one."""
        self.setup_token = None if self.has_admin() else new_token()
        return self.setup_token

    def is_setup_token(self, link: str) -> bool:
        """Whether a link is the one that makes the first admin."""
        wanted = self.setup_token
        return wanted is not None and hash_token(link) == hash_token(wanted)

    def clear_cache(self) -> None:
        """Look everything up anew; what is being looked up right now is not kept either."""
        with self._guard:
            self._changes += 1
            self._tokens = None
            self._known.clear()

    def _first_admin(self, name: str, password: str) -> str:
        name, hashed = check_name(name), self._hash(check_password(password, name))
        with self._guard:
            taken, self.setup_token = self.setup_token, None
        if taken is None:
            raise StaleLink("Somebody else was quicker, and is the first admin.")
        known = self.people.find(name) or self.people.add(name, Role.ADMIN, SETUP)
        self.people.set_role(known.name, Role.ADMIN, SETUP)
        self.people.set_enabled(known.name, True, SETUP)
        self.people.set_password(known.name, hashed, SETUP)
        self.clear_cache()
        return self._let_in(known.name)

    def _let_in(self, name: str) -> str:
        token, expires = new_token(), self._now() + LASTS
        self.people.sign_in(hash_token(token), name, expires)
        with self._guard:
            # What is being read right now may lack it.
            self._changes += 1
            if self._tokens is not None:
                self._tokens = {**self._tokens, hash_token(token): (name, expires)}
        return token

    def _matches(self, password: str, stored: str | None) -> bool:
        with self._turns:
            return self._hashing.matches(password, stored)

    def _hash(self, password: str) -> str:
        with self._turns:
            return self._hashing.hash(password)
