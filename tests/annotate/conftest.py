"""A studio with a real store, real threads, and quick stand-ins for the two other processes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from annotate_converter import CopyingConverter
from annotate_doubles import ChildTrainer, PaintingSampler, small_model
from empty_studio import empty_studio
from places import Open, Place

from align.contracts.models import ModelInfo
from annotate.service.studio import Studio
from storage.store import Store


@pytest.fixture
def min_ready() -> int:
    """Pairs to keep ready: fewer than the app does, since they are painted anew for every test."""
    return 8


@pytest.fixture
def open_place(tmp_path: Path, min_ready: int) -> Iterator[Open]:
    """Open a studio, again and again if a test wants to; the folder stays the same."""
    places: list[Place] = []

    def open_one(
        sampler: Callable[[Path], PaintingSampler] = PaintingSampler,
        trainer: ChildTrainer | None = None,
        model: ModelInfo | None = None,
        **options: Any,
    ) -> Place:
        store = Store(empty_studio(tmp_path / "studio"))
        trainer, painter = trainer or ChildTrainer(), sampler(store.images_dir)
        chosen = {"train_every": 0, "settle_s": 0.0, "watch_s": 0.1, "min_ready": min_ready}
        converter = CopyingConverter()
        studio = Studio(
            store, painter, trainer, model or small_model(), converter=converter, **chosen | options
        )
        places.append(Place(studio, store, painter, trainer, converter))
        studio.start()
        return places[-1]

    yield open_one
    for place in places:
        place.close()
        place.trainer.end()


@pytest.fixture
def place(open_place: Open) -> Place:
    """A studio in which runs start only when somebody asks."""
    return open_place()
