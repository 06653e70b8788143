"""Prepared pairs: a standing order of pairs to render ahead, for people who label later."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from annotate.errors import AlreadyPreparing
from annotate.rendering.pair_costs import DiskRoom, disk_room
from annotate.rendering.studio_look import StudioLook
from annotate.wording import in_bytes, quantity
from storage.store import Store

RENDERING, DONE, STOPPED = "rendering", "done", "stopped"
"""States of an order, as the store keeps them."""


@dataclass(frozen=True, slots=True)
class PrepareOrder:
    """An order of pairs, with how many were rendered for it; votes use them up."""

    asked: int
    after: int
    """The number of the newest pair when it was placed: later ones are of this order."""
    state: str = RENDERING
    versions: tuple[str, ...] = ()
    """Versions that pairs of this order and earlier ones were rendered with."""
    rendered: int = 0

    @property
    def left(self) -> int:
        """Return how many pairs are still to be rendered."""
        return max(0, self.asked - self.rendered) if self.state == RENDERING else 0


NO_ORDER = PrepareOrder(0, 0, STOPPED)


class PreparedPairs:
    """The newest order of one model, kept with the votes; safe from any thread.

    How many of its pairs were rendered is counted in the store, so that none is rendered twice
    however the app ends.
    """

    def __init__(self, store: Store, model_id: str, look: StudioLook) -> None:
        self._store, self._model_id, self._look = store, model_id, look
        self._setting = f"prepare:{model_id}"
        self._changing = threading.Lock()
        self._order = self._stored()

    @property
    def order(self) -> PrepareOrder:
        """Return the newest order, `NO_ORDER` before the first."""
        return self._order

    @property
    def due(self) -> int:
        """Return how many pairs should be rendered now: the others, while the disk has room."""
        return self._order.left if self.problem is None else 0

    @property
    def problem(self) -> str | None:
        """Return why the order cannot go on, as a sentence; None while it can, or is over."""
        if not self._order.left or self.room().usable:
            return None
        return (
            f"The disk has {in_bytes(self.room().free)} free, and "
            f"{in_bytes(self.room().reserved)} are left for votes and runs. It goes on once there "
            "is more: Versions, Disk says what may be removed."
        )

    def room(self) -> DiskRoom:
        """Return the free disk where the images go."""
        return disk_room(self._store.images_dir)

    @property
    def versions(self) -> tuple[str, ...]:
        """Return the versions whose pairs were prepared, which are shown until they are used."""
        return self._order.versions

    def begin(self, count: int, who: str) -> None:
        """Order so many pairs more than there are; raises AlreadyPreparing."""
        # No pair is stored meanwhile, so each is either before the order or of it.
        with self._look.holding(), self._changing:
            if self._order.left:
                raise AlreadyPreparing(
                    f"{quantity(self._order.asked, 'pair')} were asked for, and "
                    f"{self._order.rendered:,} of them are rendered. Wait for the others, or stop "
                    "that first."
                )
            number = self._store.pairs.newest_number()
            self._keep(PrepareOrder(count, number, versions=self._order.versions), who)

    def stop(self, who: str) -> None:
        """Render no more for the order; what is rendered stays."""
        with self._changing:
            if self._order.state == RENDERING:
                self._keep(replace(self._order, state=STOPPED), who)

    def recount(self) -> None:
        """Count again what was rendered, after the start or a change of the look.

        Pairs of another look that nobody voted on do not count: they are shown to nobody.
        """
        with self._look.holding(), self._changing:
            if self._order.state == RENDERING:
                stale = self._look.stale_pairs()
                count = self._store.pairs.rendered_since(self._model_id, self._order.after, stale)
                self._order = replace(self._order, rendered=count)
                self._finish()

    def note_pair(self, version: str) -> None:
        """Count a pair that was rendered with a version, while the look is held."""
        with self._changing:
            order = self._order
            if order.state != RENDERING:
                return
            self._order = replace(order, rendered=order.rendered + 1)
            if version not in order.versions:
                self._keep(replace(self._order, versions=(*order.versions, version)), "palate")
            self._finish()

    def _finish(self) -> None:
        if not self._order.left:
            self._keep(replace(self._order, state=DONE), "palate")

    def _keep(self, order: PrepareOrder, who: str) -> None:
        stored = {"asked": order.asked, "after": order.after, "state": order.state}
        rendered = {"versions": list(order.versions), "rendered": order.rendered}
        self._store.project_settings.set(self._setting, stored | rendered, who)
        self._order = order

    def _stored(self) -> PrepareOrder:
        stored: Mapping[str, Any] | None = self._store.project_settings.get(self._setting, None)
        if stored is None:
            return NO_ORDER
        counts = (int(stored["asked"]), int(stored["after"]))
        return PrepareOrder(
            *counts, str(stored["state"]), tuple(stored["versions"]), int(stored["rendered"])
        )
