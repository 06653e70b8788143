"""Parts of the studio that imports use."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from annotate.clock import Monotonic
from annotate.labeling.assignment import PairAssigner
from storage.store import Store


@dataclass(frozen=True, slots=True)
class ImportContext:
    """Parts of the studio that an import reads and writes."""

    store: Store
    assigner: PairAssigner
    model_id: str
    """The model for which votes on imported images count."""
    reserved_prompts: Callable[[], set[str]]
    """Returns the prompts of blind tests, whose images are not imported."""
    chance: random.Random
    clock: Monotonic
