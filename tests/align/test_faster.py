"""Compiled blocks and 8-bit moments: the same numbers where they run, a sentence where not."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest
import torch

from align import faster
from align.config import TrainConfig, configure
from align.device import Compute
from align.errors import InvalidSettings
from align.faster import check_optimizer, compile_blocks, no_compiler
from align.session import train_folder

CUDA = Compute(torch.device("cuda"), torch.bfloat16, torch.bfloat16)
EIGHT = TrainConfig(optimizer="adamw8bit")


def test_moments_in_eight_bits_are_refused_where_the_device_has_none(compute):
    with pytest.raises(InvalidSettings, match="needs an NVIDIA GPU, and this run is on cpu"):
        check_optimizer(EIGHT, compute)
    check_optimizer(replace(EIGHT, optimizer="adamw"), compute)


def test_a_missing_bitsandbytes_is_told_with_its_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(InvalidSettings, match="pip install bitsandbytes"):
        check_optimizer(EIGHT, CUDA)


def test_a_run_that_asks_for_it_fails_before_anything_is_loaded(make_run):
    with pytest.raises(InvalidSettings, match="NVIDIA"):
        train_folder(make_run(optimizer="adamw8bit"))


def test_without_a_compiler_a_run_goes_on_and_says_why(compute, monkeypatch):
    monkeypatch.setattr(faster, "COMPILERS", ("no-such-compiler",))
    config = configure("embedded", {"compile": "on"})
    unet = torch.nn.Identity()
    assert compile_blocks(unet, config, compute) == (
        "off: no C++ compiler (no-such-compiler) is installed"
    )
    mps = Compute(torch.device("mps"), torch.float32, None)
    assert no_compiler(mps) == "off: not on mps"


def test_compiled_blocks_give_the_losses_of_plain_ones(make_run, compute):
    if reason := no_compiler(compute):
        pytest.skip(reason)
    losses = {}
    for how in ("off", "on"):
        run = make_run(how, compile=how, precision="fp32", held_out=0.0, batch_pairs=2)
        train_folder(run)
        status = json.loads((run / "status.json").read_text("utf-8"))
        assert status["result"]["compiled"] == how
        rows = (run / "metrics.jsonl").read_text("utf-8").splitlines()
        losses[how] = [json.loads(row)["loss"] for row in rows]
    assert len(losses["on"]) == 3
    assert losses["on"] == pytest.approx(losses["off"], abs=1e-3)
    assert losses["on"][0] == pytest.approx(losses["off"][0], abs=1e-5)
