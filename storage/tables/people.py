"""People who may sign in, and their sign-ins; of passwords, links and tokens only hashes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from storage.database import Cursor, Database, Row
from storage.errors import InvalidPerson, LastAdmin, PersonKnown, StaleLink, UnknownPerson
from storage.lookalikes import folded, is_unseen, scripts_of, skeleton
from storage.text import has_controls
from storage.timestamps import Clock

LONGEST_NAME = 64
LINK_LASTS = timedelta(days=7)
"""The life of a link to choose a password."""

SELECT = """
SELECT name, role, access, secret_kind, secret, secret_since, seen, created FROM current_people
"""
VOTES = "SELECT annotator, count(*) FROM current_votes GROUP BY annotator"
SHOWN = """
SELECT 1 FROM votes JOIN pairs USING (pair_id)
WHERE annotator = $name AND $image IN (pairs.left_image, pairs.right_image)
UNION ALL
SELECT 1 FROM rankings JOIN quads USING (quad_id)
WHERE annotator = $name AND list_contains(images, $image)
LIMIT 1
"""


class Role(StrEnum):
    """The role of a person: labelers vote, admins may do everything."""

    LABELER = "labeler"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Person:
    """A person who may sign in, as of now."""

    name: str
    role: Role
    enabled: bool
    password: str | None
    """The hash of the password; None before one was chosen."""
    link: str | None
    """The hash of a link to choose a password with, until it is used."""
    seen: datetime | None
    created: datetime


class People:
    """All people of a studio; a change is one more row, and the newest one counts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def all(self) -> list[Person]:
        """Return all people, the disabled ones too, by name."""
        return [person(row) for row in self._database.read(SELECT + "ORDER BY folded")]

    def find(self, name: str) -> Person | None:
        """Return the person of this name, however it is capitalized, or None."""
        rows = self._database.read(SELECT + "WHERE folded = ?", [folded(name)])
        return person(rows[0]) if rows else None

    def votes(self) -> dict[str, int]:
        """Count the current votes of every annotator."""
        return {name: count for name, count in self._database.read(VOTES)}

    def was_shown(self, name: str, image_id: str) -> bool:
        """Return True if a person ever voted on a pair or four images with this image."""
        return bool(self._database.read(SHOWN, {"name": name, "image": image_id}))

    def add(self, name: str, role: Role, who: str) -> Person:
        """Add a person who may sign in; raises InvalidPerson or PersonKnown."""
        name = check_name(name)

        def insert(cursor: Cursor) -> None:
            if cursor.execute("SELECT 1 FROM people WHERE folded = ?", [folded(name)]).fetchone():
                raise PersonKnown(f"There is a person named {name} already. Take another name.")
            require_own_looks(cursor, name)
            row = [name, folded(name), self._clock()]
            cursor.execute("INSERT INTO people (name, folded, created) VALUES (?, ?, ?)", row)
            self._append(cursor, name, "role", role, who)
            self._append(cursor, name, "access", "open", who)

        self._database.write(insert)
        return self._known(name)

    def set_role(self, name: str, role: Role, who: str) -> None:
        """Make a person a labeler or an admin; raises UnknownPerson or LastAdmin."""
        self._change(name, "role", role, who, leaves_admin=role != Role.ADMIN)

    def set_enabled(self, name: str, enabled: bool, who: str) -> None:
        """Let a person sign in or no longer; raises UnknownPerson or LastAdmin."""
        value = "open" if enabled else "closed"
        self._change(name, "access", value, who, leaves_admin=not enabled, ends=not enabled)

    def set_password(self, name: str, password: str, who: str) -> None:
        """Store the hash of a new password and end every sign-in; raises UnknownPerson."""
        self._change(name, "password", password, who, ends=True)

    def set_link(self, name: str, link: str, who: str, rescue: bool = False) -> None:
        """Store the hash of a link in place of a password and end every sign-in.

        Raises UnknownPerson, and LastAdmin unless `rescue` lets the last admin in again.
        """
        self._change(name, "link", link, who, leaves_admin=not rescue, ends=True)

    def use_link(self, link: str, password: str) -> Person:
        """Replace a link by a password, both as hashes, once; raises StaleLink."""

        def use(cursor: Cursor) -> str:
            owner = self._owner(cursor, link)
            if owner is None:
                raise StaleLink("This link was used or has expired. Ask an admin for a new one.")
            self._append(cursor, owner, "password", password, owner)
            return owner

        return self._known(self._database.write(use))

    def link_owner(self, link: str) -> str | None:
        """Return the name that a link was made for, by its hash; None once it is stale."""
        return self._database.write(lambda cursor: self._owner(cursor, link))

    def record_seen(self, name: str) -> None:
        """Record that a person was active now."""
        self._database.write(lambda cursor: self._append(cursor, name, "seen", "", name))

    def sign_in(self, token: str, name: str, expires: datetime) -> None:
        """Record the hash of the token that a person signed in with."""
        row = [token, name, expires, self._clock()]
        self._database.write(
            lambda cursor: cursor.execute(
                "INSERT INTO sign_ins (token_hash, name, expires, created) VALUES (?, ?, ?, ?)", row
            )
        )

    def sign_out(self, token: str) -> None:
        """Revoke a token by its hash."""
        self._database.write(
            lambda cursor: cursor.execute(
                "INSERT INTO sign_outs VALUES (?, ?) ON CONFLICT DO NOTHING", [token, self._clock()]
            )
        )

    def sign_ins(self) -> dict[str, tuple[str, datetime]]:
        """Return (name, expiry) of every valid token, by its hash."""
        rows = self._database.read(
            "SELECT token_hash, name, expires FROM current_sign_ins WHERE expires > ?",
            [self._clock()],
        )
        return {token: (name, expires) for token, name, expires in rows}

    def _change(
        self,
        name: str,
        kind: str,
        value: str,
        who: str,
        leaves_admin: bool = False,
        ends: bool = False,
    ) -> None:
        """Append a change in one transaction with the checks and revocations that go with it."""
        known = self._known(name).name

        def append(cursor: Cursor) -> None:
            if leaves_admin:
                require_other_admin(cursor, known)
            self._append(cursor, known, kind, value, who)
            if ends:
                cursor.execute(
                    "INSERT INTO sign_outs SELECT token_hash, ? FROM current_sign_ins "
                    "WHERE name = ?",
                    [self._clock(), known],
                )

        self._database.write(append)

    def _append(self, cursor: Cursor, name: str, kind: str, value: str, who: str) -> None:
        cursor.execute(
            "INSERT INTO person_changes (name, kind, value, who, created) VALUES (?, ?, ?, ?, ?)",
            [name, kind, value, who, self._clock()],
        )

    def _owner(self, cursor: Cursor, link: str) -> str | None:
        row = cursor.execute(
            "SELECT name FROM current_people WHERE secret_kind = 'link' AND secret = ? "
            "AND secret_since > ? AND access = 'open'",
            [link, self._clock() - LINK_LASTS],
        ).fetchone()
        return row[0] if row else None

    def _known(self, name: str) -> Person:
        found = self.find(name)
        if found is None:
            raise UnknownPerson(f"Nobody is named {name!r}. Settings, People lists everybody.")
        return found


def person(row: Row) -> Person:
    """Build a person from a row of SELECT."""
    name, role, access, kind, secret, _, seen, created = row
    return Person(
        name,
        Role(role),
        access == "open",
        secret if kind == "password" else None,
        secret if kind == "link" else None,
        seen,
        created,
    )


def check_name(name: str) -> str:
    """Return a person's name; raises InvalidPerson."""
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME or has_controls(name) or not name.isprintable():
        raise InvalidPerson(
            f"{name[:LONGEST_NAME]!r} is not a name. Use 1 to {LONGEST_NAME} characters of plain "
            "text."
        )

    if any(map(is_unseen, name)) or not skeleton(name):
        raise InvalidPerson(f"{name!r} holds characters that nobody sees. Leave them out.")
    if len(scripts_of(name)) > 1:
        raise InvalidPerson(
            f"{name!r} mixes letters of two scripts that look alike. Write it in one of them."
        )
    return name


def require_own_looks(cursor: Cursor, name: str) -> None:
    """Raise InvalidPerson for a name that looks like somebody else's."""
    looks = skeleton(name)
    for (other,) in cursor.execute("SELECT name FROM people").fetchall():
        if skeleton(other) == looks:
            raise InvalidPerson(
                f"{name!r} looks like {other!r}, who is here already. Take a name that nobody "
                "takes for theirs."
            )


def require_other_admin(cursor: Cursor, name: str) -> None:
    """Raise LastAdmin if no other admin could sign in: with a password, if any has one."""
    rows = cursor.execute(SELECT + "WHERE role = 'admin' AND access = 'open'").fetchall()
    admins = [person(row) for row in rows]
    able = [admin for admin in admins if admin.password] or admins
    if {admin.name for admin in able} == {name}:
        raise LastAdmin(f"{name} is the only admin who can sign in. Make somebody else one first.")
