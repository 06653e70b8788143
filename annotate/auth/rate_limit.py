"""How often somebody may try to sign in.

Wrong passwords slow down the address that sends them and the name that they are for, and shut
nobody out for good: a name is tried at least once a minute from anywhere, an address from which
its person came in before is not slowed down by what others send, and neither is who is signed in.
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
PER_ADDRESS = (30, 300.0)
PER_CHANGE = (5, 300.0)
FREE_PER_NAME, NAME_FADES_S = 20, 3600.0
"""So many tries of a name within an hour are not slowed down, wherever they come from."""
DOUBLES, SLOWEST_S = 10, 60.0
"""After so many more the wait for a name doubles, from a second up to the slowest."""
MOST_KEYS = 10_000
MOST_KNOWN = 10_000
LONGEST_KEY = 64

Key = tuple[str, str, str]


class RateLimiter:
    """Counts tries before their outcome is known, so that many at once count too."""

    def __init__(self, clock: Monotonic) -> None:
        self._clock = clock
        self._past: dict[Key, deque[float]] = {}
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._guard = threading.Lock()

    def begin(self, name: str, address: str) -> None:
        """Count a try to sign in; raises TooManyAttempts."""
        name, network = cut(name), network_of(address)
        both, there, named = ("both", name, network), ("from", "", network), ("name", name, "")
        with self._guard:
            wait = self._wait(both, *PER_NAME_AND_ADDRESS)
            if (name, network) in self._known:
                self._count(wait, both)
            else:
                wait = max(wait, self._wait(there, *PER_ADDRESS), self._pace(named))
                self._count(wait, both, there, named)

    def begin_change(self, name: str) -> None:
        """Count a try of somebody signed in to change their password; raises TooManyAttempts."""
        key = ("change", cut(name), "")
        with self._guard:
            self._count(self._wait(key, *PER_CHANGE), key)

    def succeeded(self, name: str, address: str) -> None:
        """Forget a person's failures from an address, and remember that they come from there."""
        name, network = cut(name), network_of(address)
        with self._guard:
            self._past.pop(("both", name, network), None)
            self._past.pop(("change", name, ""), None)
            for key in (("from", "", network), ("name", name, "")):
                if self._past.get(key):
                    self._past[key].pop()
            self._known[name, network] = None
            self._known.move_to_end((name, network))
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)

    def _wait(self, key: Key, most: int, within: float) -> float:
        past, now = self._past.get(key, deque()), self._clock()
        recent = [moment for moment in past if moment > now - within]
        return recent[-most] + within - now if len(recent) >= most else 0.0

    def _pace(self, key: Key) -> float:
        """How long until a name may be tried again from an address that it did not come from."""
        past, now = self._past.get(key, deque()), self._clock()
        recent = [moment for moment in past if moment > now - NAME_FADES_S]
        more = len(recent) - FREE_PER_NAME
        return recent[-1] + min(SLOWEST_S, 2.0 ** (more // DOUBLES)) - now if more >= 0 else 0.0

    def _count(self, wait: float, *keys: Key) -> None:
        if wait > 0:
            minutes = math.ceil(wait / 60)
            told = quantity(math.ceil(wait), "second") if wait < 60 else quantity(minutes, "minute")
            raise TooManyAttempts(f"Too many tries. Wait {told}, then try again.")
        self._make_room()
        for key in keys:
            self._past.setdefault(key, deque(maxlen=LENGTHS[key[0]])).append(self._clock())

    def _make_room(self) -> None:
        """Forget what is old; of the rest, first what was tried least, so that no flood of made-up
        names or addresses hides what is tried again and again.
        """
        if len(self._past) < MOST_KEYS:
            return
        since = self._clock() - NAME_FADES_S
        fresh = [(key, past) for key, past in self._past.items() if past and past[-1] > since]
        fresh.sort(key=lambda one: (len(one[1]), one[1][-1]), reverse=True)
        self._past = dict(fresh[: MOST_KEYS // 2])


LENGTHS = {
    "both": PER_NAME_AND_ADDRESS[0],
    "from": PER_ADDRESS[0],
    "name": FREE_PER_NAME + 10 * DOUBLES,
    "change": PER_CHANGE[0],
}


def cut(text: str) -> str:
    """Return what is kept of a name or an address that may be of any length."""
    return text[:LONGEST_KEY]


def network_of(address: str) -> str:
    """Return what one person holds of addresses: a /64 of IPv6, one of IPv4, else the text."""
    # Some proxies write the port of the connection behind it, and each connection has another one.
    told = as_authority(address.strip())
    try:
        found = ipaddress.ip_address(told.host if told else address.strip())
    except ValueError:
        return cut(address)
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.IPv6Network((int(found), 64), strict=False))
    return str(found)
