"""Pool target: how many pairs to keep ready, by how fast people vote and what a run leaves."""

from collections.abc import Callable

from annotate.labeling.rate_meter import RateMeter

MIN_READY_PAIRS, MAX_READY_PAIRS = 24, 96
"""Bounds of the pairs to keep ready; in between it is what labelers vote on in a minute."""
READY_DURING_RUN = 10
"""With so many ready, a run on the same device goes before more: it gets slower by every image."""

READY_BESIDE_WINNERS = 4


class PoolTarget:
    """Number of pairs to keep ready; one thread asks for requests, any may read the rest."""

    def __init__(
        self,
        votes: RateMeter,
        somebody_labels: Callable[[], bool],
        min_ready: int = MIN_READY_PAIRS,
        pairs_due: Callable[[], int] = lambda: 0,
    ) -> None:
        """Keep `min_ready` pairs ready at least while no run needs the device.

        `pairs_due` returns how many more were asked for by number.
        """
        self._votes, self._somebody_labels, self._pairs_due = votes, somebody_labels, pairs_due
        self.min_ready = min_ready
        self.run_shares_device = False
        """Whether a run is under way on the device that renders, or about to start there."""
        self.beside_winners = False
        """Whether images are slow and somebody keeps winners, who soon wants one image: a pair
        that is under way would hold it up."""
        self._filling = True

    @property
    def pairs(self) -> int:
        """Return the number of pairs to keep ready now: a minute's worth, within bounds.

        Beside a run it is ten at most, and none while nobody labels: it has the device to itself.
        """
        if not self.run_shares_device:
            return self._minutes_worth()
        return min(READY_DURING_RUN, self._minutes_worth()) if self._somebody_labels() else 0

    def first_request(self, ready: int) -> int:
        """Return the size of a version's first request, which is to come quickly: one pair or 0."""
        self._filling = True
        return min(1, max(0, self.pairs - ready))

    def next_request(self, ready: int, whole: int) -> int:
        """Return the pairs of the next request, `whole` at most; 0 while enough are ready.

        A full pool waits until a whole request is missing: images cost less by the dozen. Beside a
        run any missing pair is worth a whole request, for the same reason.
        """
        target = self.pairs
        missing = target - ready
        # However full the pool is; but a run goes first.
        due = 0 if self.run_shares_device else self._pairs_due()
        if due:
            return max(1, min(whole, max(due, missing)))

        whole = max(1, min(whole, target))
        if self.run_shares_device:
            self._filling = True
            return whole if missing > 0 else 0
        self._filling = missing > 0 and (self._filling or missing >= whole)
        return min(missing, whole) if self._filling else 0

    def _minutes_worth(self) -> int:
        most = READY_BESIDE_WINNERS if self.beside_winners else MAX_READY_PAIRS
        return min(most, max(self.min_ready, self._votes.count_within(60.0)))
