"""A run that may take so many minutes: it settles on a number of steps, and keeps it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from toy_runs import prepare_run, write_snapshot

from align.client.config import TrainConfig
from align.client.devices.chosen_devices import TrainingDevices
from align.client.run_folder import RunFolder
from align.client.trainer import TrainerProcess
from align.contracts.models import ModelInfo
from align.contracts.rendering import SamplerState
from align.contracts.run_files import RunState
from align.files import write_json
from align.training.budget import resolution
from align.training.budget.resolution import choose_resolution
from align.training.session import plan_of_folder, train_folder

pytestmark = pytest.mark.slow

SETTLED = {"steps": 9, "settled_after": 4}


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    return write_snapshot(tmp_path_factory.mktemp("votes") / "snapshot", preferences=24)


@pytest.fixture
def make(tmp_path, snapshot, model):
    def make_one(name: str, **settings) -> RunFolder:
        given = {"steps": 5000, "max_minutes": 0.05, "checkpoint_every": 3} | settings
        return RunFolder(prepare_run(tmp_path / name, snapshot, model, **given))

    return make_one


def evaluated(run: RunFolder) -> list[int]:
    return [row["step"] for row in run.metrics() if "held_out_accuracy" in row]


def test_it_ends_after_the_steps_that_fit_and_says_how_many_they_are(make):
    run = make("run", patience=0)
    train_folder(run.path)
    status, settled = run.status(), run.settled()
    assert status.state is RunState.DONE
    assert status.step == status.steps == settled["steps"] < 5000
    assert 1 <= settled["settled_after"] <= 4
    assert not status.result["stopped_early"]
    # Three evaluations, none of them before the number was settled.
    due = evaluated(run)
    assert due[-1] == settled["steps"] and min(due) >= settled["settled_after"]
    assert len(due) <= 4
    assert status.result["pace"]["device"] == "cpu" and status.result["pace"]["forward_s"] > 0
    # The plan of the folder tells what was settled, not what would be planned now.
    assert plan_of_folder(run.path)["steps"] == settled["steps"]


def test_without_a_limit_all_steps_are_taken_at_the_pixels_of_the_settings(tmp_path, emoji):
    snapshot = write_snapshot(tmp_path / "snapshot", preferences=6)
    run = RunFolder(prepare_run(tmp_path / "run", snapshot, emoji, resolution=96))
    train_folder(run.path)
    status = run.status()
    assert (status.state, status.step, status.steps) == (RunState.DONE, 3, 3)
    assert status.result["pace"]["side"] == plan_of_folder(run.path)["side"] == 96
    assert not {"steps", "settled_after", "resolution"} & run.settled().keys()


def test_a_run_of_fewer_steps_than_its_pace_is_taken_from_is_evaluated_at_its_end(make):
    run = make("run", steps=2, max_minutes=30)
    train_folder(run.path)
    assert run.status().step == run.settled()["steps"] == 2
    assert evaluated(run) == [2]


def test_a_plan_that_was_too_low_ends_no_run_and_none_goes_beyond_its_settings(make):
    # 17 pairs a second and 45 s around the steps are planned: 47 s are too few for 40 steps.
    run = make("run", steps=40, max_minutes=0.78)
    planned = plan_of_folder(run.path)
    assert 1 < planned["steps"] < 40
    train_folder(run.path)
    assert run.status().step == run.settled()["steps"] == 40


def test_a_dry_run_of_a_full_size_model_on_a_processor_tells_the_truth(tmp_path, snapshot):
    model = ModelInfo("large", "large", "sdxl-0123456789ab", "sdxl")
    folder = tmp_path / "run"
    TrainerProcess().prepare(folder, snapshot, model, {})
    planned = plan_of_folder(folder)
    assert planned["max_minutes"] == 45
    assert planned["notes"][-1].startswith("This is a processor: a step takes about ")
    assert "all 300 would take about" in " ".join(planned["notes"])


GIB = 2**30
SMALL_CARD = SamplerState("ready", device="cuda", memory_total=12 * GIB)
LARGE_CARD = replace(SMALL_CARD, memory_total=24 * GIB)


@pytest.mark.parametrize(
    ("sampler", "preset", "side"),
    [
        (SMALL_CARD, "sdxl", 768),
        (LARGE_CARD, "sdxl", 0),
        (None, "sdxl", 0),
        (SMALL_CARD, "embedded", 0),
    ],
)
def test_a_run_is_prepared_with_the_pixels_that_its_plan_names(
    tmp_path, snapshot, sampler, preset, side
):
    own = 1024 if preset == "sdxl" else 128
    model = ModelInfo("a", "a", "sdxl-0123456789ab", preset, own, own)
    TrainerProcess().prepare(tmp_path / "run", snapshot, model, {}, sampler=sampler)
    assert RunFolder(tmp_path / "run").read_config().train.resolution == side
    planned = TrainerProcess().plan(model, 24, {}, sampler=sampler)
    assert planned["side"] == (side or own)


def test_a_card_that_only_renders_says_nothing_of_those_that_train(tmp_path, snapshot):
    model = ModelInfo("a", "a", "sdxl-0123456789ab", "sdxl")
    trainer = TrainerProcess(devices=TrainingDevices(cards=1, apart=True))
    trainer.prepare(tmp_path / "run", snapshot, model, {}, sampler=SMALL_CARD)
    assert RunFolder(tmp_path / "run").read_config().train.resolution == 0


def test_a_resumed_run_keeps_the_number_and_ends_in_the_same_bits(make):
    whole, stopped = make("whole"), make("stopped")
    for run in (whole, stopped):
        write_json(run.plan_path, SETTLED)
    train_folder(whole.path)

    def stop_at_five(row) -> None:
        if row["step"] == 5:
            stopped.request_cancel()

    train_folder(stopped.path, on_step=stop_at_five)
    assert stopped.status().state is RunState.CANCELLED and stopped.status().steps == 9
    stopped.clear_cancel()
    train_folder(stopped.path)

    assert whole.status().step == stopped.status().step == 9
    assert evaluated(whole) == evaluated(stopped) == [6, 9]
    first, second = load_file(whole.adapter), load_file(stopped.adapter)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_run_that_is_beyond_its_time_ends_after_the_step_it_has_taken(make):
    run = make("run", max_minutes=0.0001)
    train_folder(run.path)
    assert run.status().step == run.settled()["steps"] == run.settled()["settled_after"] == 1
    assert run.status().state is RunState.DONE and run.adapter.is_file()


def process(main: bool = True):
    return SimpleNamespace(is_main_process=main, wait_for_everyone=lambda: None)


@pytest.mark.parametrize(("gib", "side"), [(8, 768), (12, 768), (16, 1024), (80, 1024)])
def test_a_trainer_settles_the_pixels_by_its_own_device_and_keeps_them(
    tmp_path, monkeypatch, compute, gib, side
):
    run, config = RunFolder(tmp_path), TrainConfig()
    monkeypatch.setattr(resolution, "memory", lambda compute: (gib * 2**30, 0))
    chosen = choose_resolution(run, process(), config, (1024, 1024), compute)
    assert chosen == replace(config, resolution=side)
    # Resumed on another card, it trains at the same.
    monkeypatch.setattr(resolution, "memory", lambda compute: (6 * 2**30, 0))
    assert choose_resolution(run, process(), config, (1024, 1024), compute) == chosen


def test_what_the_settings_say_is_not_settled(tmp_path, compute):
    run, config = RunFolder(tmp_path), TrainConfig(resolution=512)
    assert choose_resolution(run, process(), config, (1024, 1024), compute) == config
    assert run.settled() == {}


def test_a_run_of_before_goes_on_at_the_models_own_size(tmp_path, monkeypatch, compute):
    run = RunFolder(tmp_path)
    run.checkpoint.parent.mkdir()
    run.checkpoint.touch()
    monkeypatch.setattr(resolution, "memory", lambda compute: (8 * 2**30, 0))
    chosen = choose_resolution(run, process(), TrainConfig(), (1024, 1024), compute)
    assert chosen.resolution == 1024
