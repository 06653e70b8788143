"""Passwords as scrypt hashes, and tokens that nobody guesses."""

import hashlib
import hmac
import secrets
import unicodedata

from annotate.errors import WeakPassword

SHORTEST, LONGEST = 10, 200
N, R, P = 2**15, 8, 3
"""About 32 MB and a tenth of a second or more: what a guess costs."""
MEMORY = 64 * 2**20
NOBODY = f"scrypt${N}${R}${P}${'00' * 16}${'00' * 32}"
"""What a password is compared with where nobody has the name, so that both take as long."""


def hash_password(password: str) -> str:
    """Return a salted hash with the settings that made it."""
    salt = secrets.token_bytes(16)
    return f"scrypt${N}${R}${P}${salt.hex()}${_scrypt(password, salt, N, R, P).hex()}"


def matches(password: str, stored: str | None) -> bool:
    """Whether a password is the one that was hashed; takes as long where there is none."""
    _, n, r, p, salt, digest = (stored or NOBODY).split("$")
    found = _scrypt(password, bytes.fromhex(salt), int(n), int(r), int(p))
    return hmac.compare_digest(found, bytes.fromhex(digest)) and stored is not None


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


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    plain = unicodedata.normalize("NFKC", password).encode("utf-8", "replace")
    return hashlib.scrypt(plain, salt=salt, n=n, r=r, p=p, maxmem=MEMORY, dklen=32)
