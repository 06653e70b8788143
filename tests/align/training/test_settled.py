"""Settings that the device decides on are settled once for a run."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from toy_runs import Stopped, stop_after

from align.client.config import TrainConfig
from align.client.run_folder import RunFolder
from align.errors import BrokenRun
from align.training.fitting import auto_batch
from align.training.session import train_folder
from align.training.settled import settle

pytestmark = pytest.mark.slow

MIB = 2**20
NAMES = ("micro_batch_size", "gradient_checkpointing")
OPEN = {"micro_batch_size": 0, "gradient_checkpointing": "auto", "train_batch_size": 8}


def process(number: int):
    return SimpleNamespace(is_main_process=number == 0, wait_for_everyone=lambda: None)


def test_what_the_first_start_chose_stays(tmp_path):
    run = RunFolder(tmp_path)
    asked = TrainConfig(micro_batch_size=0)
    chosen = replace(asked, micro_batch_size=4, gradient_checkpointing="some")
    first = settle(run, process(0), asked, NAMES, lambda config: chosen)
    other = replace(asked, micro_batch_size=1, gradient_checkpointing="all")
    assert first == settle(run, process(0), asked, NAMES, lambda config: other) == chosen
    assert run.settled() == {"micro_batch_size": 4, "gradient_checkpointing": "some"}


def test_a_helper_process_takes_what_the_main_one_wrote(tmp_path):
    run, asked = RunFolder(tmp_path), TrainConfig(micro_batch_size=0)
    settle(run, process(0), asked, NAMES, lambda config: replace(config, micro_batch_size=2))
    helper = settle(run, process(1), asked, NAMES, lambda config: pytest.fail("it chose itself"))
    assert helper.micro_batch_size == 2


def test_what_another_release_settled_besides_is_kept_and_does_no_harm(tmp_path):
    run, asked = RunFolder(tmp_path), TrainConfig()
    run.plan_path.write_text(json.dumps({"number_of_moons": 2}), "utf-8")
    assert settle(run, process(0), asked, NAMES, lambda config: config) == asked
    assert json.loads(run.plan_path.read_text("utf-8"))["number_of_moons"] == 2


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_broken_file_is_told(tmp_path, text):
    run = RunFolder(tmp_path)
    run.plan_path.write_text(text, "utf-8")
    with pytest.raises(BrokenRun, match=r"plan\.json .*Start a new run"):
        run.settled()


def test_a_run_resumed_with_less_memory_free_ends_in_the_same_bits(make_run, monkeypatch):
    undisturbed, stopped = (make_run(name, **OPEN, steps=5) for name in ("undisturbed", "stopped"))
    with pytest.raises(Stopped):
        train_folder(stopped, on_step=stop_after(3))
    run = RunFolder(stopped)
    assert run.settled()["micro_batch_size"] == 8

    train_folder(undisturbed)
    monkeypatch.setattr(auto_batch, "free_memory", lambda compute: 2 * MIB)
    train_folder(stopped)
    first, second = (load_file(path / "adapter.safetensors") for path in (undisturbed, stopped))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert run.status().result["micro_batch_size"] == 8
