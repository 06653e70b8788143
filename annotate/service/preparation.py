"""Preparation: pairs rendered ahead by number, for people who label later."""

from dataclasses import replace

from annotate.errors import InvalidRequest
from annotate.labeling.assignment import PairAssigner
from annotate.rendering.pair_costs import DiskRoom, PairBytes, pair_bytes
from annotate.rendering.pair_pool import PairPool
from annotate.rendering.prepared_pairs import DONE, STOPPED, PreparedPairs, PrepareOrder
from annotate.rendering.studio_look import StudioLook
from annotate.validation import as_pair_count
from annotate.views.pair_rendering import PreparedPairsView, PrepareEstimate, ReadyOfVersion
from annotate.wording import in_bytes, in_time, quantity
from storage.store import Store

MAX_PREPARED = 100_000
"""Pairs of one order."""
NONE, PAUSED = "none", "paused"
"""States beside those of an order: there was none yet, and something has the image model."""


class Preparation:
    """The order of pairs to prepare, as pages and programs see and change it."""

    def __init__(
        self,
        store: Store,
        model_id: str,
        prepared: PreparedPairs,
        pool: PairPool,
        assigner: PairAssigner,
        look: StudioLook,
    ) -> None:
        self._store, self._model_id, self._prepared = store, model_id, prepared
        self._pool, self._assigner, self._look = pool, assigner, look

    def view(self) -> PreparedPairsView:
        """Return how far the order is, what a pair costs, and what is ready."""
        order, costs, room = self._prepared.order, self._pair_bytes(), self._room()
        paused, seconds = self._pool.pause_reason, self._seconds_per_pair()
        state = order.state if order.asked else NONE
        state = PAUSED if order.left and paused else state
        eta_s = order.left * seconds if order.left and seconds else None

        return {
            "state": state,
            "asked": order.asked,
            "rendered": order.rendered,
            "message": message(order, state, paused, eta_s),
            "eta_s": eta_s,
            "seconds_per_pair": seconds,
            "bytes_per_pair": costs.bytes,
            "bytes_measured": costs.measured,
            "free_bytes": room.free,
            "reserved_bytes": room.reserved,
            "max_pairs": min(MAX_PREPARED, room.usable // costs.bytes),
            "ready": None if self._assigner.mixed else self._ready(),
        }

    def estimate(self, count: object) -> PrepareEstimate:
        """Return what preparing so many pairs takes, and why it is refused, if it would be."""
        pairs = as_pair_count(count, MAX_PREPARED)
        costs, seconds = self._pair_bytes(), self._seconds_per_pair()
        taken = pairs * costs.bytes
        size = f"about {in_bytes(taken)} of disk{'' if costs.measured else ', by the pixels'}"
        take = f"{quantity(pairs, 'pair')} {'takes' if pairs == 1 else 'take'}"
        if seconds:
            told = f"{take} about {in_time(pairs * seconds)} and {size}."
        else:
            told = f"{take} {size}. How long is not measured now."
        return {
            "pairs": pairs,
            "seconds": pairs * seconds if seconds else None,
            "bytes": taken,
            "message": told,
            "refusal": self._refusal(pairs, costs),
        }

    def begin(self, count: object, who: str) -> PreparedPairsView:
        """Order pairs, and return how far that is.

        Raises InvalidRequest for a number that cannot be used or that the disk does not hold, and
        AlreadyPreparing.
        """
        pairs = as_pair_count(count, MAX_PREPARED)
        if refusal := self._refusal(pairs, self._pair_bytes()):
            raise InvalidRequest(refusal)
        self._prepared.begin(pairs, who)
        self._pool.wake()
        return self.view()

    def stop(self, who: str) -> PreparedPairsView:
        """Render no more of the order; what is rendered stays ready."""
        self._prepared.stop(who)
        return self.view()

    @property
    def _blind(self) -> bool:
        """Return whether images are rendered only in place of pairs that are no blind test's.

        Each figure that every new image changes would then give away which pairs are the test's.
        """
        return self._assigner.mixed is not None and not self._prepared.order.left

    def _seconds_per_pair(self) -> float | None:
        return None if self._blind else self._pool.requests.pace.seconds_per_pair

    def _pair_bytes(self) -> PairBytes:
        costs = pair_bytes(self._store, self._model_id, self._look.current)
        return replace(costs, bytes=coarse(costs.bytes)) if self._blind else costs

    def _room(self) -> DiskRoom:
        room = self._prepared.room()
        return replace(room, free=coarse(room.free)) if self._blind else room

    def _ready(self) -> list[ReadyOfVersion]:
        counts = self._assigner.ready_by_version().items()
        return [{"version": version, "ready": ready} for version, ready in counts]

    def _refusal(self, pairs: int, costs: PairBytes) -> str | None:
        """Return why the disk does not hold so many pairs; None if it does."""
        room = self._room()
        if pairs * costs.bytes <= room.usable:
            return None
        most = room.usable // costs.bytes
        advice = f"Ask for {most:,} at most, or free" if most else "Free"
        return (
            f"{quantity(pairs, 'pair')} take about {in_bytes(pairs * costs.bytes)} of disk. "
            f"{in_bytes(room.free)} are free, of which {in_bytes(room.reserved)} are left for "
            f"votes and runs. {advice} some under Versions, Disk."
        )


def coarse(size: int) -> int:
    """Return a size in two digits, rounded down, which a few more images do not change."""
    unit: int = 10 ** max(0, len(str(size)) - 2)
    return size // unit * unit


def message(order: PrepareOrder, state: str, paused: str | None, eta_s: float | None) -> str:
    """Return how far an order is, in a sentence."""
    if state == NONE:
        return "No pairs were asked for yet."
    if state == DONE:
        return f"{order.asked:,} asked for, all rendered."

    so_far = f"{order.asked:,} asked for, {order.rendered:,} rendered"
    if state == STOPPED:
        return f"{so_far}, then stopped."
    if state == PAUSED:
        return f"{so_far}. Paused: {paused}"
    if eta_s is None:
        return f"{so_far}. How long the others take is not measured yet."
    return f"{so_far}: about {in_time(eta_s)} to go."
