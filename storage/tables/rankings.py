"""Rankings of quads: which of four images is the best and which the worst."""

from storage.act_log import RANKING, append, receipt_of, standing
from storage.acts import ActReceipt, NewRanking
from storage.aggregates.counts import RunningCounts
from storage.database import Cursor
from storage.errors import AlreadyVoted
from storage.settling import Settling
from storage.tables.quads import require_quad
from storage.timestamps import Clock


class Rankings:
    """All rankings; an undo is one more row, and a ranking it names is not current."""

    def __init__(self, counts: RunningCounts, settling: Settling, clock: Clock) -> None:
        self._counts, self._settling, self._clock = counts, settling, clock

    def record(self, ranking: NewRanking) -> ActReceipt:
        """Record a ranking, or a skip, once per key; raises UnknownQuad, AlreadyVoted, InvalidKey.

        Returns once it is on the disk.
        """
        now = self._clock()

        def insert(cursor: Cursor) -> tuple[ActReceipt, str]:
            quad, base = require_quad(cursor, ranking.quad_id)
            if earlier := receipt_of(cursor, RANKING, ranking.key):
                return earlier, base

            who = ranking.annotator
            if standing(cursor, RANKING, quad.quad_id, who) is not None:
                raise AlreadyVoted(
                    f"{who!r} has already ranked {quad.quad_id!r}. Undo that ranking first to "
                    "change it."
                )
            best, worst = ranking.chosen(quad)
            row = {
                "base": base,
                "quad_id": quad.quad_id,
                "annotator": who,
                "best": best,
                "worst": worst,
                "response_ms": ranking.response_ms,
            }
            return append(cursor, RANKING, ranking, now, row), base

        receipt, _ = self._counts.write(insert, then=lambda done: self._count(*done, ranking))
        return receipt

    def _count(self, receipt: ActReceipt, base: str, ranking: NewRanking) -> None:
        """Take a committed ranking into the counts in memory; a duplicate was counted before."""
        if not receipt.duplicate:
            self._settling.note(RANKING, receipt.row_id)
            self._counts.add_ranking(base, ranking.best is not None, ranking.annotator)
