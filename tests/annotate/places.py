"""An open studio as the tests of annotate see it."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil
from annotate_converter import CopyingConverter
from annotate_doubles import ChildTrainer, PaintingSampler

from annotate.labeling.new_acts import as_vote
from annotate.service.studio import Studio
from storage.store import Store

PATIENCE_S = 60.0
ENDLESS = {"steps": 100_000}


def until(condition: Callable[[], Any]) -> Any:
    """Return what the condition says as soon as it says something true."""
    deadline, pause = time.monotonic() + PATIENCE_S, 0.005
    while not (said := condition()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(pause)
        # Conditions ask the database: those that take long are not to keep a core busy meanwhile.
        pause = min(0.05, 1.3 * pause)
    return said


@dataclass
class Place:
    """An open studio and the parts that it was given."""

    studio: Studio
    store: Store
    sampler: PaintingSampler
    trainer: ChildTrainer
    converter: CopyingConverter

    def label(self, count: int, verdict: str = "left", annotator: str = "ann") -> None:
        """Vote on the next pairs."""
        for _ in range(count):
            pair = until(lambda: self.studio.pairs_ahead(annotator, [], 1)["pairs"])[0]
            key = random.randbytes(8).hex()
            self.studio.vote(as_vote(pair["pair_id"], verdict, annotator, key))

    def state(self, run_id: str) -> str:
        """Where a run stands."""
        return str(self.studio.run_status(run_id)["state"])

    def reach(self, run_id: str, state: str) -> dict[str, Any]:
        """Wait until a run is in a state, and return its status."""
        until(lambda: self.state(run_id) == state)
        return self.studio.run_status(run_id)

    def run_ids(self) -> list[str]:
        """All runs, newest first."""
        return [run["run_id"] for run in self.studio.runs()]

    def starts(self, run_id: str) -> int:
        """How often a trainer began to work on a run."""
        return self.trainer.starts(self.store.run_dir(run_id))

    def trainer_process(self, run_id: str) -> psutil.Process:
        """The process that works on a run."""
        file = self.store.run_dir(run_id) / "starts.txt"
        until(lambda: file.exists() and file.read_text("utf-8").endswith("\n"))
        return psutil.Process(int(file.read_text("utf-8").split()[-1]))

    def close(self) -> None:
        """Close the app; a trainer goes on."""
        self.studio.close()
        self.store.close()


Open = Callable[..., Place]
