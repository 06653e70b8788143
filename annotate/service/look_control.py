"""Look control: shows the look of the studio, and lets a change reach everything rendered."""

from annotate.labeling.assignment import PairAssigner
from annotate.labeling.best_worst import QuadAssigner
from annotate.rendering.pair_pool import PairPool
from annotate.rendering.prepared_pairs import PreparedPairs
from annotate.rendering.studio_look import StudioLook
from annotate.validation import as_settings
from annotate.views.look import LookView


class LookControl:
    """The look of a studio, as pages and programs see and change it."""

    def __init__(
        self,
        look: StudioLook,
        assigner: PairAssigner,
        best_worst: QuadAssigner,
        pool: PairPool,
        prepared: PreparedPairs,
    ) -> None:
        self._look, self._pool, self._prepared = look, pool, prepared
        self._assigner, self._best_worst = assigner, best_worst

    def view(self) -> LookView:
        """Return the look that images are rendered with, and what may be chosen."""
        return self._look.view()

    def change(self, settings: object, who: str) -> LookView:
        """Change settings of the look, None for the model's own, and return the look.

        Ready pairs of another look are dropped, those that are open stay, and new ones are
        rendered. Nothing is changed if a setting cannot be used. Raises InvalidRequest, or what the
        converter raises about a LoRA.
        """
        before = self._look.current
        view = self._look.change(as_settings(settings), who)
        if self._look.current != before:
            self._assigner.renew()
            self._best_worst.renew()
            self._pool.requests.forget_pace()
            # What is left of an order is rendered in the new look.
            self._prepared.recount()
            self._pool.wake()
        return view
