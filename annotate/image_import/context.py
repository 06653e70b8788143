"""What imports of folders work with."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from annotate.clock import Monotonic
from annotate.labeling.assignment import PairAssigner
from storage.store import Store


@dataclass(frozen=True, slots=True)
class ImportContext:
    """The parts of the studio that an import reads and writes."""

    store: Store
    assigner: PairAssigner
    model_id: str
    """The model that labels on imported images belong to."""
    kept: Callable[[], set[str]]
    """The prompts that blind tests have for themselves."""
    chance: random.Random
    clock: Monotonic
