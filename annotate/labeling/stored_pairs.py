"""Stored pairs that lack votes, on their way from the database into the queue.

There may be 100,000 of them, rendered ahead: the queue holds the first ones of each version, and of
the others only the ids, until their turn comes.
"""

import threading
from collections.abc import Callable, Collection, Sequence

from annotate.labeling.leases import Leases
from storage.records import Pair
from storage.store import Store

NEAR_PAIRS = 512
"""Waiting pairs of a version that are held in memory."""


class StoredPairs:
    """Enqueues stored pairs; reads the database without the guard, so that nobody waits for it."""

    def __init__(
        self,
        store: Store,
        model_id: str,
        leases: Leases[Pair],
        guard: threading.Lock,
        stale_pairs: Callable[[], Collection[str]],
    ) -> None:
        self._store, self._model_id = store, model_id
        self._leases, self._guard = leases, guard
        self._stale_pairs = stale_pairs
        self.stale: Collection[str] = ()
        """Pairs of another look, which pages drop."""

    def renew(self, overlap: int) -> None:
        """Enqueue anew what fewer than `overlap` people voted on, but none of another look.

        A pair that is open stays open, whatever its look.
        """
        opened = self._store.pairs.open(self._model_id, overlap)
        shared = self._store.pairs.some([pair.pair_id for pair in opened if pair.asked])
        pairs = {pair.pair_id: pair for pair in shared}
        stale = self._stale_pairs()

        with self._guard:
            self.stale = stale
            self._leases.forget_waiting()
            self._leases.drop_unopened(stale)
            held = self._leases.leased_ids()
            for pair_id, version, asked in opened:
                # A pair that is handed out is enqueued after its vote.
                if pair_id in held:
                    self._leases.note_asked(pair_id, asked)
                elif pair_id not in stale and asked:
                    self._leases.add(pairs[pair_id], asked)
                elif pair_id not in stale:
                    self._leases.add_far(version, pair_id)

    def bring_near(self, pair_ids: Sequence[str] = ()) -> None:
        """Read the pairs whose turn comes soon, and those of these that wait further behind."""
        with self._guard:
            far = self._leases.to_read(pair_ids)
        if far:
            pairs = self._store.pairs.some(far)
            with self._guard:
                self._leases.bring_near(pairs)
