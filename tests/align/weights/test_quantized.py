"""Layers in few bits: what they store, what they return, what they pass on."""

from __future__ import annotations

import importlib.util
import sys

import pytest
import torch
from torch import nn

from align.errors import InvalidSettings
from align.families.lookup import family_of
from align.weights.pipeline import load_pipeline
from align.weights.quantized import (
    Int8Linear,
    Nf4Linear,
    QuantizedLinear,
    check_format,
    missing_format,
    quantize,
)

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
HAS_BITSANDBYTES = importlib.util.find_spec("bitsandbytes") is not None
needs_bitsandbytes = pytest.mark.skipif(not HAS_BITSANDBYTES, reason="bitsandbytes: pip install")


def linear(weight: list[list[float]], bias: list[float]) -> nn.Linear:
    layer = nn.Linear(len(weight[0]), len(weight))
    layer.weight.data, layer.bias.data = torch.tensor(weight), torch.tensor(bias)
    return layer.requires_grad_(False)


def test_a_row_is_whole_numbers_times_a_scale():
    layer = Int8Linear(linear([[1.27, -0.5, 0.004], [0.0, 0.0, 0.0]], [1.0, 2.0]))
    assert layer.weight.tolist() == [[127, -50, 0], [0, 0, 0]]
    torch.testing.assert_close(layer.scale, torch.tensor([[0.01], [1 / 127]]))
    torch.testing.assert_close(layer(torch.ones(3)), torch.tensor([1.77, 2.0]))


def test_the_inputs_gradient_is_that_of_the_weight_made_whole():
    layer = Int8Linear(linear([[1.27, -0.5], [2.54, 0.02]], [0.0, 0.0]))
    inputs = torch.tensor([[1.0, 2.0]], requires_grad=True)
    layer(inputs).sum().backward()
    torch.testing.assert_close(inputs.grad, torch.tensor([[3.81, -0.48]]))


def test_nothing_is_kept_for_the_backward_pass_but_the_few_bits():
    layer, kept = Int8Linear(nn.Linear(8, 8).requires_grad_(False)), []
    hooks = torch.autograd.graph.saved_tensors_hooks(kept.append, lambda tensor: tensor)
    with hooks:
        layer(torch.ones(2, 8, requires_grad=True))
    assert kept == []


def test_products_are_in_the_format_that_is_autocast_to():
    layer = Int8Linear(nn.Linear(8, 8))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(torch.ones(2, 8)).dtype == torch.bfloat16
    assert layer(torch.ones(2, 8)).dtype == torch.float32


@needs_bitsandbytes
def test_nf4_takes_half_a_byte_a_weight_and_a_scale_for_64_of_them():
    torch.manual_seed(0)
    whole = nn.Linear(128, 64).requires_grad_(False)
    layer = Nf4Linear(whole)
    assert layer.weight.numel() == 128 * 64 / 2
    assert layer.scale.numel() == 128 * 64 / 64
    error = (layer.whole_weight(torch.float32) - whole.weight).norm() / whole.weight.norm()
    assert 0.05 < error < 0.12
    by_shape = Nf4Linear(nn.Linear(128, 64, device="meta"))
    assert by_shape.weight.shape.numel() == layer.weight.numel()
    assert by_shape.scale.shape == layer.scale.shape


def test_linear_layers_of_the_blocks_are_quantized_and_nothing_else(model, compute):
    unet = load_pipeline(model, compute).unet
    before = {name: type(module) for name, module in unet.named_modules()}
    quantize(unet, "int8", CPU)
    blocks = tuple(f"{name}." for name in family_of(unet).block_names(unet))
    for name, module in unet.named_modules():
        inside = before[name] is nn.Linear and name.startswith(blocks)
        assert isinstance(module, QuantizedLinear) == inside, name

    layers = [module for module in unet.modules() if isinstance(module, QuantizedLinear)]
    quantize(unet, "int8", CPU)
    again = [module for module in unet.modules() if isinstance(module, QuantizedLinear)]
    assert all(first is second for first, second in zip(layers, again, strict=True))


def test_the_base_as_it_is_stays_as_it_is(model, compute):
    unet = load_pipeline(model, compute).unet
    quantize(unet, "model", CPU)
    assert not any(isinstance(module, QuantizedLinear) for module in unet.modules())


def test_a_missing_library_is_told_with_its_command(monkeypatch, compute):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InvalidSettings, match=r"pip install -e '\.\[small\]', or set"):
        check_format("nf4", compute)
    assert missing_format("int8") is None
    check_format("int8", compute)
