"""Compiled blocks and 8-bit moments: the same numbers where they run, a sentence where not."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace

import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file
from torch._dynamo.utils import counters
from toy_runs import Stopped, stop_after

from align.adapters.lora import add_lora, as_reference
from align.client.config import TrainConfig, configure
from align.device import Compute
from align.errors import InvalidSettings
from align.training import optimizer
from align.training.optimizer import check_optimizer, compile_blocks, missing_compiler
from align.training.session import train_folder

pytestmark = pytest.mark.slow

HAS_BITSANDBYTES = importlib.util.find_spec("bitsandbytes") is not None
needs_bitsandbytes = pytest.mark.skipif(not HAS_BITSANDBYTES, reason="bitsandbytes is optional")
EIGHT = TrainConfig(optimizer="adamw8bit")


def test_a_missing_bitsandbytes_is_told_with_its_remedy(monkeypatch, compute):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(InvalidSettings, match=r"pip install -e '\.\[small\]'"):
        check_optimizer(EIGHT, compute)
    check_optimizer(replace(EIGHT, optimizer="adamw"), compute)


def test_a_run_that_asks_for_it_without_fails_before_anything_is_loaded(make_run, monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(InvalidSettings, match="bitsandbytes"):
        train_folder(make_run(optimizer="adamw8bit"))


@needs_bitsandbytes
def test_a_stopped_run_with_moments_in_eight_bits_goes_on_to_the_very_same_adapter(make_run):
    # At this rank, most tensors are large enough for 8 bits.
    settings = {"optimizer": "adamw8bit", "rank": 256, "steps": 5}
    undisturbed, stopped = (make_run(name, **settings) for name in ("undisturbed", "stopped"))
    train_folder(undisturbed)
    with pytest.raises(Stopped):
        train_folder(stopped, on_step=stop_after(3))
    state = torch.load(stopped / "checkpoint" / "state.pt", weights_only=True)["optimizer"]["state"]
    assert any(value.dtype == torch.uint8 for of in state.values() for value in tensors(of))

    train_folder(stopped)
    first, second = (load_file(path / "adapter.safetensors") for path in (undisturbed, stopped))
    assert all(torch.equal(first[name], second[name]) for name in first)


def tensors(value: object) -> list[torch.Tensor]:
    """The tensors in nested dicts: bitsandbytes keeps its moments in one more of them."""
    if isinstance(value, dict):
        return [tensor for inner in value.values() for tensor in tensors(inner)]
    return [value] if isinstance(value, torch.Tensor) else []


def test_without_a_compiler_a_run_goes_on_and_says_why(compute, monkeypatch):
    monkeypatch.setattr(optimizer, "COMPILERS", ("no-such-compiler",))
    config = configure("embedded", {"compile": "on"})
    unet = torch.nn.Identity()
    assert compile_blocks(unet, config, compute) == (
        "off: no C++ compiler (no-such-compiler) is installed"
    )
    mps = Compute(torch.device("mps"), torch.float32, None)
    assert missing_compiler(mps) == "off: not on mps"


def small_unet() -> UNet2DConditionModel:
    """One block of SDXL's kind: compiling many takes minutes."""
    torch.manual_seed(0)
    return UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(32, 32),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        mid_block_type=None,
        cross_attention_dim=32,
        attention_head_dim=4,
        use_linear_projection=True,
    )


def losses(unet: UNet2DConditionModel) -> list[float]:
    """A few steps of a LoRA."""
    parameters = add_lora(unet, rank=2, seed=0)
    optimizer = torch.optim.AdamW(parameters, lr=1e-2)
    torch.manual_seed(1)
    sample, text = torch.randn(2, 4, 8, 8), torch.randn(2, 5, 32)
    told = []
    for _ in range(3):
        loss = unet(sample, 500, encoder_hidden_states=text).sample.square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        told.append(float(loss))
    return told


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_compiled_blocks_give_the_losses_of_plain_ones(compute):
    if reason := missing_compiler(compute):
        pytest.skip(reason)
    plain, compiled = small_unet(), small_unet()
    config = configure("embedded", {"compile": "on"})
    assert compile_blocks(compiled, config, compute) == "on"
    expected = losses(plain)
    assert losses(compiled) == pytest.approx(expected, rel=1e-5)
    assert len(set(expected)) == 3
    assert counters["stats"]["unique_graphs"] > 0
    assert not counters["graph_break"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_compiled_blocks_know_whether_the_adapter_is_on():
    plain, compiled = small_unet(), small_unet()
    # Captured and guarded as ever, and run without the minutes that C++ takes.
    compiled.compile_repeated_blocks(backend="eager", dynamic=False)
    sample, text = torch.randn(2, 4, 8, 8), torch.randn(2, 5, 32)
    told = []
    for unet in (plain, compiled):
        with torch.no_grad():
            for parameter in add_lora(unet, rank=2, seed=0):
                parameter.add_(0.1)
            tuned = unet(sample, 500, encoder_hidden_states=text).sample
            with as_reference(unet):
                base = unet(sample, 500, encoder_hidden_states=text).sample
            again = unet(sample, 500, encoder_hidden_states=text).sample
        told.append((tuned, base, again))
    for expected, found in zip(*told, strict=True):
        torch.testing.assert_close(found, expected)
    assert not torch.allclose(told[1][0], told[1][1])


@pytest.mark.parametrize("setting", [{"compile": "sometimes"}, {"optimizer": "sgd"}])
def test_unknown_values_are_refused(setting):
    with pytest.raises(InvalidSettings, match="must be one of"):
        configure("embedded", setting)
