"""A run pauses for the sampler on a card that holds one of them: the real processes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from one_card import Labeler, Occupants, one_card
from safetensors.torch import load_file

from align.client.models import describe_model
from align.client.run_folder import RunFolder
from align.training.session import train_folder
from annotate.training.turns import TurnRules

pytestmark = pytest.mark.long

RULES = TurnRules(
    sampler_share=0.9,
    min_run_s=0.5,
    run_per_switch=0.0,
    min_render_s=0.0,
    load_s=1.0,
    leave_s=0.0,
)
SETTINGS = {
    "steps": 150,
    "train_batch_size": 2,
    "rank": 2,
    "checkpoint_every": 40,
    "check_prompts": 0,
    "precision": "fp32",
}


def test_a_run_that_paused_for_the_sampler_is_the_same_to_the_bit(
    small_model_folder: Path, tmp_path: Path
) -> None:
    model = describe_model(str(small_model_folder))
    with one_card(tmp_path, model, RULES, min_ready=8) as studio:
        labeler = Labeler(studio)
        labeler.vote(8)
        run_id = studio.fine_tune(SETTINGS)["run_id"]
        run = RunFolder(tmp_path / "studio" / "runs" / run_id)
        on_card = Occupants(run, tmp_path / "sampler.pid")
        with labeler:
            on_card.follow(studio, lambda state: len(on_card.starts) == 2 or labeler.votes > 16)
        on_card.follow(studio, lambda state: state == "done")
        assert studio.run_status(run_id)["state"] == "done", run.log.read_text("utf-8")

    assert len(on_card.starts) >= 2 and on_card.seconds["both"] < 0.5
    assert labeler.votes > 16
    copy = RunFolder(tmp_path / "alone")
    copy.path.mkdir()
    shutil.copyfile(run.config_path, copy.config_path)
    shutil.copytree(run.snapshot, copy.snapshot)
    train_folder(copy.path)
    ours, theirs = load_file(run.adapter), load_file(copy.adapter)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert [row["step"] for row in run.metrics()] == [*range(1, 151)]
