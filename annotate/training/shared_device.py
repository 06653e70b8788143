"""Device shared by sampler and trainer: the sampler holds back, and stops where both do not fit."""

from align.contracts.models import ModelInfo
from annotate.interfaces import Sampler, Trainer
from annotate.rendering.pair_pool import PairPool
from storage.store import Store


class SharedDevice:
    """Device of sampler and trainer; called only by the thread that holds the runs' lock."""

    def __init__(
        self, store: Store, sampler: Sampler, trainer: Trainer, model: ModelInfo, pool: PairPool
    ) -> None:
        self._store, self._sampler, self._trainer = store, sampler, trainer
        self._model, self._pool = model, pool
        self._both_fit: bool | None = None
        """Whether sampler and trainer fit together; None until the sampler is ready."""

    def expect_run(self) -> None:
        """Render few pairs from now on: a run is about to start."""
        self._pool.target.run_shares_device = True

    def make_room(self, run_id: str) -> None:
        """Stop the sampler for a run if both do not fit.

        Decided once per run, as soon as the sampler is ready and its device known.
        """
        self.expect_run()
        sampler = self._sampler.state()
        if self._both_fit is not None or sampler.state != "ready":
            return

        on_cpu = sampler.device == "cpu"
        self._both_fit = on_cpu or not self._trainer.needs_sampler_stopped(self._model, sampler)
        if not self._both_fit:
            run_dir = self._store.run_dir(run_id)
            reason = f"The image model makes room for run {run_id}; new pairs come after it."
            self._pool.suspend(reason, lambda: self._trainer.status(run_dir).eta_s)

    def free(self) -> None:
        """Let the sampler go on after a run."""
        self._both_fit = None
        self._pool.target.run_shares_device = False
        self._pool.resume()
