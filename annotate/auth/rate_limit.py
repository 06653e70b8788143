"""Rate limit of sign-in attempts.

Wrong passwords slow down the address that sends them and the name that they are for, but lock
nobody out: any name can be tried once a minute from anywhere, an address from which its person
signed in before is not slowed down by what others send, and neither is a person who is signed in.
"""

import ipaddress
import math
import threading
from collections import OrderedDict, deque

from annotate.auth.hosts import as_authority
from annotate.clock import Monotonic
from annotate.errors import TooManyAttempts
from annotate.wording import quantity

PER_NAME_AND_ADDRESS = (5, 300.0)
"""Attempts, and the seconds within which they are counted; the same for the next two."""
PER_ADDRESS = (30, 300.0)
PER_CHANGE = (5, 300.0)
FREE_PER_NAME, NAME_WINDOW_S = 20, 3600.0
"""Attempts of a name, from anywhere, that are not slowed down, and the window in seconds."""
ATTEMPTS_PER_DOUBLING, MAX_WAIT_S = 10, 60.0
"""After so many more attempts the wait for a name doubles, from 1 s up to the maximum."""
MAX_KEYS = 10_000
MAX_TRUSTED = 10_000
MAX_KEY_LENGTH = 64

Key = tuple[str, str, str]
"""Kind of limit, name and network; empty what the kind does not use."""


class RateLimiter:
    """Limiter of sign-in attempts. Each is counted before its outcome is known, so that many at
    once count too; thread-safe.
    """

    def __init__(self, clock: Monotonic) -> None:
        self._clock = clock
        self._attempts: dict[Key, deque[float]] = {}
        """Times of the newest attempts by key."""
        self._trusted: OrderedDict[tuple[str, str], None] = OrderedDict()
        """Name and network of those who signed in, the newest last."""
        self._guard = threading.Lock()

    def begin(self, name: str, address: str) -> None:
        """Count an attempt to sign in; raises TooManyAttempts."""
        name, network = cut(name), network_of(address)
        both, by_network, by_name = (
            ("both", name, network),
            ("from", "", network),
            ("name", name, ""),
        )

        with self._guard:
            wait_s = self._wait_s(both, *PER_NAME_AND_ADDRESS)
            if (name, network) in self._trusted:
                self._count(wait_s, both)
            else:
                network_wait_s = self._wait_s(by_network, *PER_ADDRESS)
                wait_s = max(wait_s, network_wait_s, self._name_wait_s(by_name))
                self._count(wait_s, both, by_network, by_name)

    def begin_change(self, name: str) -> None:
        """Count an attempt to change one's own password; raises TooManyAttempts."""
        key = ("change", cut(name), "")
        with self._guard:
            self._count(self._wait_s(key, *PER_CHANGE), key)

    def succeeded(self, name: str, address: str) -> None:
        """Forget a person's failures from an address, and trust the address for their name."""
        name, network = cut(name), network_of(address)
        with self._guard:
            self._attempts.pop(("both", name, network), None)
            self._attempts.pop(("change", name, ""), None)
            # Of the limits shared with others only this attempt is taken back.
            for key in (("from", "", network), ("name", name, "")):
                if self._attempts.get(key):
                    self._attempts[key].pop()

            self._trusted[name, network] = None
            self._trusted.move_to_end((name, network))
            while len(self._trusted) > MAX_TRUSTED:
                self._trusted.popitem(last=False)

    def _wait_s(self, key: Key, limit: int, window_s: float) -> float:
        """Return the seconds until an attempt is within `limit` per `window_s`."""
        times, now = self._attempts.get(key, deque()), self._clock()
        recent = [moment for moment in times if moment > now - window_s]
        return recent[-limit] + window_s - now if len(recent) >= limit else 0.0

    def _name_wait_s(self, key: Key) -> float:
        """Return the seconds until a name may be tried from an address that is not trusted."""
        times, now = self._attempts.get(key, deque()), self._clock()
        recent = [moment for moment in times if moment > now - NAME_WINDOW_S]
        excess = len(recent) - FREE_PER_NAME
        if excess < 0:
            return 0.0
        return recent[-1] + min(MAX_WAIT_S, 2.0 ** (excess // ATTEMPTS_PER_DOUBLING)) - now

    def _count(self, wait_s: float, *keys: Key) -> None:
        """Count an attempt under every key; raises TooManyAttempts if there is a wait."""
        if wait_s > 0:
            in_minutes = quantity(math.ceil(wait_s / 60), "minute")
            wait = quantity(math.ceil(wait_s), "second") if wait_s < 60 else in_minutes
            raise TooManyAttempts(f"Too many tries. Wait {wait}, then try again.")

        self._make_room()
        for key in keys:
            times = self._attempts.setdefault(key, deque(maxlen=KEPT_TIMES[key[0]]))
            times.append(self._clock())

    def _make_room(self) -> None:
        """Forget old keys; of the others keep those with the most attempts.

        So a flood of made-up names or addresses, each tried once, does not push out a name that is
        tried again and again.
        """
        if len(self._attempts) < MAX_KEYS:
            return

        since = self._clock() - NAME_WINDOW_S
        fresh = [
            (key, times) for key, times in self._attempts.items() if times and times[-1] > since
        ]
        fresh.sort(key=lambda entry: (len(entry[1]), entry[1][-1]), reverse=True)
        self._attempts = dict(fresh[: MAX_KEYS // 2])


KEPT_TIMES = {
    "both": PER_NAME_AND_ADDRESS[0],
    "from": PER_ADDRESS[0],
    "name": FREE_PER_NAME + 10 * ATTEMPTS_PER_DOUBLING,
    "change": PER_CHANGE[0],
}
"""Times that are kept by kind of limit; more change no wait."""


def cut(text: str) -> str:
    """Shorten a name or an address, which a stranger may send at any length."""
    return text[:MAX_KEY_LENGTH]


def network_of(address: str) -> str:
    """Return the network that one person usually holds: a /64 of IPv6, or one IPv4 address.

    A text that is no address is returned as it is, shortened.
    """
    # Some proxies append the port of the connection, which differs from one to the next.
    authority = as_authority(address.strip())
    try:
        found = ipaddress.ip_address(authority.host if authority else address.strip())
    except ValueError:
        return cut(address)
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.IPv6Network((int(found), 64), strict=False))
    return str(found)
