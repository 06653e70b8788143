"""A studio with the real sampler and trainer, on a card that holds only one of them.

The card is a double: the sampler's device says that it is full. Everything else is what the app
starts: two processes, of which one ends before the other begins.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
from empty_studio import empty_studio
from running import ENDED

from align.client.run_folder import RunFolder
from align.client.sampler import SamplerProcess
from align.client.trainer import TrainerProcess
from align.contracts.models import ModelInfo
from align.contracts.rendering import SamplerState
from annotate.labeling.new_acts import as_vote
from annotate.service.studio import Studio
from annotate.training.turns import TurnRules
from storage.store import Store

GIB = 2**30


class OnFullCard(SamplerProcess):
    """The sampler, on a card whose memory it has taken."""

    def state(self) -> SamplerState:
        state = super().state()
        if state.state != "ready":
            return state
        return replace(state, device="cuda", memory_total=8 * GIB, memory_used=8 * GIB)


@contextmanager
def one_card(folder: Path, model: ModelInfo, rules: TurnRules, min_ready: int) -> Iterator[Studio]:
    """Open a studio on such a card."""
    with Store(empty_studio(folder / "studio")) as store:
        sampler = OnFullCard(model, store.images_dir, folder / "sampler.log")
        trainer = TrainerProcess(cache=folder / "studio" / "cache")
        options = {"settle_s": 0.0, "watch_s": 0.2, "min_ready": min_ready, "turn_rules": rules}
        studio = Studio(store, sampler, trainer, model, 0, **options)
        studio.start()
        try:
            yield studio
        finally:
            studio.close()
            sampler.stop()


class Labeler:
    """Somebody who votes at random, as fast as pairs come but no faster than `pause_s`."""

    def __init__(self, studio: Studio, pause_s: float = 0.0) -> None:
        self._studio, self._pause_s = studio, pause_s
        self.votes, self.longest_wait_s = 0, 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._label, daemon=True)

    def __enter__(self) -> Labeler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def vote(self, count: int) -> None:
        """Vote on so many pairs, here and now."""
        wanted = self.votes + count
        while self.votes < wanted:
            self._vote_once()

    def _label(self) -> None:
        while not self._stop.is_set():
            self._vote_once()

    def _vote_once(self) -> None:
        began = time.monotonic()
        ahead = self._studio.pairs_ahead("ann", [], 1)["pairs"]
        while not ahead and not self._stop.wait(0.1):
            ahead = self._studio.pairs_ahead("ann", [], 1)["pairs"]
        for pair in ahead:
            self.longest_wait_s = max(self.longest_wait_s, time.monotonic() - began)
            side = random.choice(["left", "right"])
            self._studio.vote(as_vote(pair["pair_id"], side, "ann", uuid.uuid4().hex))
            self.votes += 1
        self._stop.wait(self._pause_s)


class Occupants:
    """Who was on the card, looked at again and again until a run ended."""

    def __init__(self, run: RunFolder, sampler_pid: Path) -> None:
        self._run, self._sampler_pid = run, sampler_pid
        self.seconds = {"trainer": 0.0, "sampler": 0.0, "both": 0.0, "nobody": 0.0}
        self.starts: set[int] = set()

    def look(self, seconds: float) -> None:
        """Count the time since the last look for whoever is there."""
        trainer, sampler = self._trains(), self._renders()
        both = "both" if trainer and sampler else "trainer" if trainer else "sampler"
        self.seconds[both if trainer or sampler else "nobody"] += seconds

    def _trains(self) -> bool:
        status = self._run.stored_status()
        if status.pid is None or not psutil.pid_exists(status.pid):
            return False
        self.starts.add(status.pid)
        return psutil.Process(status.pid).status() != psutil.STATUS_ZOMBIE

    def _renders(self) -> bool:
        return self._sampler_pid.exists()

    def follow(self, studio: Studio, until: Callable[[str], bool]) -> None:
        """Look on until the state of the run is one that is waited for, or it ended."""
        last, run_id = time.monotonic(), self._run.path.name
        while not until(state := studio.run_status(run_id)["state"]) and state not in ENDED:
            time.sleep(0.1)
            now = time.monotonic()
            self.look(now - last)
            last = now
