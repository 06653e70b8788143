"""Metrics go to a tracker where a run asks for one, and no tracker ever ends a run."""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import replace
from importlib import import_module, invalidate_caches
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from align.client.config import PRESETS, configure
from align.contracts.run_files import RunState
from align.errors import InvalidSettings
from align.training.fine_tune import fine_tune
from align.training.tracking.tracked_steps import TrackedSteps

pytestmark = pytest.mark.slow

ROW = {"step": 3, "loss": 0.5, "rewards/margins": 0.1, "pairs_per_s": None, "eta_s": 9.0}
FAKE = """
import json, pathlib
def note(**told):
    with open({log!r}, "a") as file:
        file.write(json.dumps(told) + "\\n")
class Run:
    def log(self, values, step):
        {on_log}
        note(step=step, values=values)
    def finish(self):
        note(finished=True)
def init(**settings):
    {on_init}
    note(project=settings["project"], name=settings["name"], kept=sorted(settings["config"]))
    return Run()
def log(values, step): Run().log(values, step)
def finish(): Run().finish()
"""


class Prepared:
    """What a run folder's config.json says, as far as trackers care."""

    def __init__(self, tracker: str) -> None:
        self.train = replace(PRESETS["embedded"], tracker=tracker)
        self.model = type("Model", (), {"name": "emoji"})()


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Make packages that write down what they are told."""
    log = tmp_path / "told.jsonl"

    def make(name: str, on_init: str = "pass", on_log: str = "pass") -> Path:
        package = tmp_path / "packages" / name
        package.mkdir(parents=True)
        text = FAKE.format(log=str(log), on_init=on_init, on_log=on_log)
        (package / "__init__.py").write_text(text)
        monkeypatch.syspath_prepend(package.parent)
        monkeypatch.delitem(sys.modules, name, raising=False)
        invalidate_caches()
        return log

    yield make
    for name in ("wandb", "trackio"):
        sys.modules.pop(name, None)


def told(log: Path) -> list[dict]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.mark.parametrize("name", ["wandb", "trackio"])
def test_each_step_is_told_under_the_name_of_the_run(fake, tmp_path, name):
    log = fake(name)
    seen = []

    steps = TrackedSteps(tmp_path / "r0001", Prepared(name), seen.append)
    steps(ROW)
    steps.close()

    opened, step, finished = told(log)
    assert (opened["project"], opened["name"]) == ("palate", "r0001")
    assert {"learning_rate", "objective", "base"} <= set(opened["kept"])
    assert step == {"step": 3, "values": {"loss": 0.5, "rewards/margins": 0.1}}
    assert finished == {"finished": True} and seen == [ROW]


@pytest.mark.parametrize("how", ["on_init", "on_log"])
@pytest.mark.parametrize("end", ["raise RuntimeError('no network')", "raise SystemExit(1)"])
def test_a_tracker_that_fails_is_named_once_and_the_run_goes_on(fake, tmp_path, caplog, how, end):
    fake("wandb", **{how: end})
    seen = []

    with caplog.at_level(logging.WARNING):
        steps = TrackedSteps(tmp_path / "r0001", Prepared("wandb"), seen.append)
        steps(ROW)
        steps({**ROW, "step": 4})
        steps.close()

    assert [row["step"] for row in seen] == [3, 4]
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith("Weights & Biases failed (") and "goes on without it" in said


def test_a_tracker_whose_package_is_missing_is_refused_before_the_run(monkeypatch):
    module = "align.client.planning.trackers.find_spec"
    monkeypatch.setattr(module, lambda name: None)
    with pytest.raises(InvalidSettings, match="`pip install trackio`, or set tracker to none"):
        configure("embedded", {"tracker": "trackio"})
    assert configure("embedded", {}).tracker == "none"
    with pytest.raises(InvalidSettings, match="none, tensorboard, trackio, wandb"):
        configure("embedded", {"tracker": "mlflow"})


def test_without_a_tracker_none_is_imported(tmp_path):
    seen = []
    steps = TrackedSteps(tmp_path / "r0001", Prepared("none"), seen.append)
    steps(ROW)
    steps.close()
    assert seen == [ROW] and not {"wandb", "trackio", "tensorboard"} & set(sys.modules)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("tensorboard") is None, reason="tensorboard is not installed")
def test_tensorboard_reads_what_was_written(tmp_path):
    reading = import_module("tensorboard.backend.event_processing.event_accumulator")

    steps = TrackedSteps(tmp_path, Prepared("tensorboard"), lambda row: None)
    steps(ROW)
    steps.close()

    events = reading.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert set(events.Tags()["scalars"]) == {"loss", "rewards/margins"}
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(3, 0.5)]


@pytest.mark.slow
def test_a_run_learns_the_same_whether_its_tracker_works_fails_or_is_none(
    fake, tmp_path, make_snapshot
):
    snapshot = make_snapshot(4)
    small = {"steps": 2, "train_batch_size": 2, "rank": 2, "check_prompts": 0, "beta": 80.0}
    small |= {"gradient_checkpointing": "none", "base_format": "model"}
    log = fake("wandb")
    fake("trackio", on_log="raise ValueError('full')")

    adapters = []
    for tracker in ("none", "wandb", "trackio"):
        run = fine_tune(snapshot, tmp_path / tracker, tracker=tracker, **small)
        assert run.status().state == RunState.DONE
        adapters.append(load_file(run.adapter))

    assert [row["step"] for row in told(log) if "step" in row] == [1, 2]
    for other in adapters[1:]:
        assert all(torch.equal(weight, other[name]) for name, weight in adapters[0].items())
