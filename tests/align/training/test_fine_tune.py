"""The training call of the library, with few steps."""

from __future__ import annotations

import gc
import shutil
import weakref

import pytest
from safetensors.torch import load_file

from align.contracts.run_files import RunState
from align.errors import InvalidSettings, ModelNotFound, OtherRun, SnapshotError
from align.training.fine_tune import fine_tune

pytestmark = pytest.mark.slow

SMALL = {
    "steps": 2,
    "train_batch_size": 2,
    "rank": 2,
    "check_prompts": 0,
    "gradient_checkpointing": "none",
    # Where other tests leave little memory, the device would choose another one.
    "base_format": "model",
}


class _Cycle:
    """An object that only the garbage collector frees."""

    def __init__(self) -> None:
        self.me = self


def test_a_call_trains_reports_each_step_and_when_repeated_returns_at_once(tmp_path, make_snapshot):
    snapshot, steps = make_snapshot(4), []
    run = fine_tune(snapshot, tmp_path / "run", on_step=steps.append, beta=80.0, **SMALL)
    assert run.adapter.is_file()
    assert (run.status().state, run.status().result["pairs"]) == (RunState.DONE, 4)
    assert run.read_config().train.kappa == 40.0
    assert [row["step"] for row in steps] == [1, 2] == [row["step"] for row in run.metrics()]

    written = run.adapter.stat().st_mtime_ns
    again = fine_tune(snapshot, tmp_path / "run", on_step=steps.append, beta=80.0, **SMALL)
    assert (again.adapter.stat().st_mtime_ns, len(steps)) == (written, 2)

    with pytest.raises(OtherRun, match="Name a new folder"):
        fine_tune(snapshot, tmp_path / "run", beta=80.0, **SMALL | {"steps": 3})
    with pytest.raises(OtherRun, match="Name a new folder"):
        fine_tune(snapshot, tmp_path / "run", beta=80.0, model="emoji-fast", **SMALL)
    with pytest.raises(SnapshotError, match="is not a snapshot"):
        fine_tune(tmp_path / "mistyped", tmp_path / "run", beta=80.0, **SMALL)

    held = _Cycle()
    seen = weakref.ref(held)
    start, shared = tmp_path / "run", tmp_path / "cache"
    onward = fine_tune(snapshot, tmp_path / "onward", init_from=start, cache=shared, **SMALL)
    assert any((shared / "encoded").iterdir()) and not onward.cache.exists()
    assert onward.read_config().train.init_from == "run"
    assert onward.start.read_bytes() == run.adapter.read_bytes() != onward.adapter.read_bytes()

    del held
    gc.collect()
    assert seen() is None, "what the caller held is never collected"


def test_a_call_that_was_interrupted_goes_on_from_its_checkpoint(tmp_path, make_snapshot, model):
    snapshot, settings = make_snapshot(4), SMALL | {"steps": 4, "checkpoint_every": 1}
    settings |= {"model": model.path}

    def interrupt(row):
        if row["step"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fine_tune(snapshot, tmp_path / "run", on_step=interrupt, **settings)
    run = fine_tune(snapshot, tmp_path / "run", on_step=(resumed := []).append, **settings)
    assert [row["step"] for row in resumed] == [3, 4]
    assert [row["step"] for row in run.metrics()] == [1, 2, 3, 4]

    whole = fine_tune(snapshot, tmp_path / "whole", **settings)
    resumed_weights = load_file(run.adapter)
    assert all(w.equal(resumed_weights[name]) for name, w in load_file(whole.adapter).items())


def test_what_cannot_be_trained_is_refused_before_anything_is_written(tmp_path, make_snapshot):
    snapshot = make_snapshot(2)
    with pytest.raises(InvalidSettings, match="Unknown setting 'step'"):
        fine_tune(snapshot, tmp_path / "run", step=2)
    with pytest.raises(InvalidSettings, match="num_processes"):
        fine_tune(snapshot, tmp_path / "run", num_processes=2)
    with pytest.raises(ModelNotFound, match="There is no file nope"):
        fine_tune(snapshot, tmp_path / "run", init_from="nope")
    shutil.rmtree(snapshot)
    with pytest.raises(SnapshotError, match="is not a snapshot"):
        fine_tune(snapshot, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path, make_snapshot):
    snapshot, kept = make_snapshot(2), tmp_path / "kept"
    kept.mkdir()
    (kept / "letter.txt").write_text("dear")
    with pytest.raises(OtherRun, match=r"such as letter\.txt\. Name a new folder"):
        fine_tune(snapshot, kept, **SMALL)
    for place in (kept / "letter.txt", kept / "letter.txt" / "run"):
        with pytest.raises(OtherRun, match="a file is there"):
            fine_tune(snapshot, place, **SMALL)
    assert [path.name for path in kept.iterdir()] == ["letter.txt"]
