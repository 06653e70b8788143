"""Passwords as scrypt hashes (RFC 7914), and random tokens."""

import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass

from annotate.errors import WeakPassword

MIN_LENGTH, MAX_LENGTH = 10, 200
MIN_DISTINCT_CHARACTERS = 4
MAX_MEMORY_BYTES = 64 * 2**20
"""OpenSSL refuses to hash with more; the defaults of Scrypt need about half of it."""


@dataclass(frozen=True, slots=True)
class Scrypt:
    """Parameters of scrypt; with the defaults a guess costs 32 MB and some tenths of a second."""

    n: int = 2**15
    r: int = 8
    p: int = 3

    def hash(self, password: str) -> str:
        """Return a salted hash, with the parameters that made it."""
        salt = secrets.token_bytes(16)
        return self._encoded(salt, scrypt(password, salt, self.n, self.r, self.p))

    def matches(self, password: str, stored: str | None) -> bool:
        """Return whether a password matches a stored hash.

        Without a hash it takes as long, so that the time does not tell which names exist.
        """
        _, n, r, p, salt, digest = (stored or self._encoded(bytes(16), bytes(32))).split("$")
        found = scrypt(password, bytes.fromhex(salt), int(n), int(r), int(p))
        return hmac.compare_digest(found, bytes.fromhex(digest)) and stored is not None

    def _encoded(self, salt: bytes, digest: bytes) -> str:
        return f"scrypt${self.n}${self.r}${self.p}${salt.hex()}${digest.hex()}"


def check_password(password: str, name: str) -> str:
    """Return a password if it is strong enough; raises WeakPassword."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise WeakPassword(f"Choose a password of {MIN_LENGTH} to {MAX_LENGTH} characters.")
    if password.casefold() == name.casefold() or len(set(password)) < MIN_DISTINCT_CHARACTERS:
        raise WeakPassword("That password is too easy to guess. Choose another one.")
    return password


def new_token() -> str:
    """Return a random token of 43 characters, 256 bits."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Return the SHA-256 of a token, which is all that is stored; a random token needs no salt."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    """Return the scrypt digest of a password, the same for every Unicode form of its letters."""
    normalized = unicodedata.normalize("NFKC", password).encode("utf-8", "replace")
    return hashlib.scrypt(normalized, salt=salt, n=n, r=r, p=p, maxmem=MAX_MEMORY_BYTES, dklen=32)
