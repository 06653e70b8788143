"""Passwords as scrypt hashes, and tokens that nobody guesses."""

import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass

from annotate.errors import WeakPassword

SHORTEST, LONGEST = 10, 200
MEMORY = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Scrypt:
    """What a guess costs: about 32 MB, and some tenths of a second."""

    n: int = 2**15
    r: int = 8
    p: int = 3

    def hash(self, password: str) -> str:
        """Return a salted hash with the settings that made it."""
        salt = secrets.token_bytes(16)
        return self._told(salt, scrypt(password, salt, self.n, self.r, self.p))

    def matches(self, password: str, stored: str | None) -> bool:
        """Whether a password is the one that was hashed; takes as long where there is none."""
        kept = stored or self._told(bytes(16), bytes(32))
        _, n, r, p, salt, digest = kept.split("$")
        found = scrypt(password, bytes.fromhex(salt), int(n), int(r), int(p))
        return hmac.compare_digest(found, bytes.fromhex(digest)) and stored is not None

    def _told(self, salt: bytes, digest: bytes) -> str:
        return f"scrypt${self.n}${self.r}${self.p}${salt.hex()}${digest.hex()}"


def check_password(password: str, name: str) -> str:
    """Return a password that may be used; raises WeakPassword."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPassword(f"Choose a password of {SHORTEST} to {LONGEST} characters.")
    if password.casefold() == name.casefold() or len(set(password)) < 4:
        raise WeakPassword("That password is too easy to guess. Choose another one.")
    return password


def new_token() -> str:
    """Return 43 random characters."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Return what is kept of a token; it is random, so one round is enough."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    """Return scrypt's digest of a password, the same for every spelling of its letters."""
    plain = unicodedata.normalize("NFKC", password).encode("utf-8", "replace")
    return hashlib.scrypt(plain, salt=salt, n=n, r=r, p=p, maxmem=MEMORY, dklen=32)
