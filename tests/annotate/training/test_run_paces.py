"""Plans go by what earlier runs have measured, however they ended."""

from pathlib import Path
from typing import Any

import pytest
from places import ENDLESS, Place, until

from annotate.training.planning.run_paces import RunPaces

pytestmark = pytest.mark.slow


def test_a_cancelled_run_counts_as_one_that_is_done(place: Place) -> None:
    timed: dict[str, dict[str, Any]] = {}
    place.trainer.timing = lambda run_dir: timed.get(run_dir.name)  # type: ignore[method-assign]
    paces = RunPaces(place.store, place.trainer, place.studio._model_id)
    assert paces.measured() == [] and paces.pairs_per_s() is None

    place.label(2)
    done = place.studio.fine_tune({})["run_id"]
    place.reach(done, "done")
    cancelled = place.studio.fine_tune(ENDLESS)["run_id"]
    until(lambda: place.studio.run_detail(cancelled)["step"] > 1)
    place.studio.cancel_run(cancelled)
    place.reach(cancelled, "cancelled")

    timed |= {done: {"forward_s": 1.0}, cancelled: {"forward_s": 2.0}}
    assert [pace["forward_s"] for pace in paces.measured()] == [2.0, 1.0]
    handed: list[Any] = []
    place.trainer.plan, plan = (  # type: ignore[method-assign]
        lambda *args: handed.append(args[5:]) or plan(*args),
        place.trainer.plan,
    )
    place.studio.plan({})
    assert [pace["forward_s"] for pace in handed[-1][0]] == [2.0, 1.0]


def test_a_damaged_run_folder_hides_no_other_runs_pace(place: Place) -> None:
    place.label(2)
    for _ in range(2):
        place.reach(place.studio.fine_tune({})["run_id"], "done")

    def timing(run_dir: Path) -> Any:
        if run_dir.name == "r0002":
            raise ValueError("damaged")
        return {"forward_s": 1.0}

    place.trainer.timing = timing  # type: ignore[method-assign]
    paces = RunPaces(place.store, place.trainer, place.studio._model_id)
    assert [pace["forward_s"] for pace in paces.measured()] == [1.0]
