from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from align.adapters.lora import (
    add_lora,
    as_reference,
    lora_state,
    restore_lora,
    save_adapter,
    start_from,
)
from align.contracts.rendering import RenderItem, RenderSettings
from align.device import Compute
from align.errors import InvalidSettings
from align.families.sdxl import SDXL, TARGETS
from align.sampling.adapter_switcher import AdapterSwitcher
from align.sampling.render import render
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow

SETTINGS = RenderSettings(64, 64, 4, 4.0, "", "UniPCMultistepScheduler")
ITEMS = [RenderItem("a cat face", 1), RenderItem("a rocket", 2)]


@pytest.fixture
def tuned(model, compute: Compute):
    """A pipeline whose adapter does something."""
    pipeline = load_pipeline(model, compute)
    with torch.no_grad():
        for parameter in add_lora(pipeline.unet, rank=2, seed=0):
            parameter.add_(0.05 * torch.randn(parameter.shape))
    return pipeline


def pixels(pipeline, compute) -> torch.Tensor:
    images = render(pipeline, compute, ITEMS, SETTINGS)
    return torch.stack(
        [torch.frombuffer(bytearray(i.tobytes()), dtype=torch.uint8) for i in images]
    )


def test_a_fresh_adapter_changes_nothing(model, compute):
    pipeline = load_pipeline(model, compute)
    before = pixels(pipeline, compute)
    parameters = add_lora(pipeline.unet, rank=2, seed=0)
    assert torch.equal(pixels(pipeline, compute), before)
    assert all(parameter.dtype == torch.float32 for parameter in parameters)


def test_with_the_adapter_off_the_unet_is_the_base(tuned, pipeline, compute):
    with as_reference(tuned.unet):
        assert torch.equal(pixels(tuned, compute), pixels(pipeline, compute))
    assert not torch.equal(pixels(tuned, compute), pixels(pipeline, compute))


def test_an_error_inside_the_reference_turns_the_adapter_on_again(tuned):
    before = [p.requires_grad for p in tuned.unet.parameters()]
    with pytest.raises(RuntimeError, match="out of memory"), as_reference(tuned.unet):
        raise RuntimeError("out of memory")
    assert [p.requires_grad for p in tuned.unet.parameters()] == before


def test_a_stored_state_comes_back(tuned):
    state = lora_state(tuned.unet)
    with torch.no_grad():
        for parameter in tuned.unet.parameters():
            if parameter.requires_grad:
                parameter.zero_()
    restore_lora(tuned.unet, state)
    assert_close(lora_state(tuned.unet), state, rtol=0, atol=0)


def test_the_file_loads_into_stock_diffusers_and_renders_the_same(model, tuned, compute, tmp_path):
    path = tmp_path / "adapter.safetensors"
    save_adapter(tuned.unet, path)
    stock = load_pipeline(model, compute)
    stock.load_lora_weights(str(tmp_path), weight_name=path.name)
    difference = pixels(tuned, compute).int() - pixels(stock, compute).int()
    assert difference.abs().max() <= 1


def test_a_sampler_switches_between_base_and_adapters(model, tuned, pipeline, compute, tmp_path):
    path = tmp_path / "adapter.safetensors"
    save_adapter(tuned.unet, path)
    sampler = load_pipeline(model, compute)
    adapters = AdapterSwitcher(sampler)
    base = pixels(pipeline, compute)
    for _ in range(2):
        adapters.use([(str(path), 1.0)])
        assert not torch.equal(pixels(sampler, compute), base)
        adapters.use([])
        assert torch.equal(pixels(sampler, compute), base)


@pytest.mark.parametrize(("targets", "use_dora"), [("all", False), ("attention", True)])
def test_wider_and_dora_adapters_start_as_the_base_and_load_with_stock_diffusers(
    model, compute, tmp_path, targets, use_dora
):
    pipeline = load_pipeline(model, compute)
    latents = drawn(pipeline)
    parameters = add_lora(pipeline.unet, 2, 0, SDXL.adapter_targets[targets], use_dora)
    assert_close(drawn(pipeline), latents, atol=2e-4, rtol=1e-3)
    with torch.no_grad():
        for parameter in parameters:
            parameter += 0.05 * torch.randn(parameter.shape, generator=torch.manual_seed(3))
    tuned = drawn(pipeline)
    assert (tuned - latents).abs().max() > 0.01
    with as_reference(pipeline.unet):
        assert torch.equal(drawn(pipeline), latents)
    save_adapter(pipeline.unet, tmp_path / "adapter.safetensors")
    fresh = load_pipeline(model, compute)
    fresh.load_lora_weights(str(tmp_path), weight_name="adapter.safetensors")
    assert_close(drawn(fresh), tuned, atol=2e-4, rtol=1e-3)


def drawn(pipeline) -> torch.Tensor:
    with torch.no_grad():
        return pipeline(
            prompt="a cat",
            num_inference_steps=2,
            generator=torch.Generator().manual_seed(0),
            output_type="latent",
            width=128,
            height=128,
        ).images


def test_an_adapter_goes_on_from_the_file_of_another(model, tuned, compute, tmp_path):
    save_adapter(tuned.unet, tmp_path / "adapter.safetensors")
    fresh = load_pipeline(model, compute)
    add_lora(fresh.unet, rank=2, seed=7)
    start_from(fresh.unet, tmp_path / "adapter.safetensors", "v1")
    before, after = lora_state(tuned.unet), lora_state(fresh.unet)
    assert before.keys() == after.keys()
    for name in before:
        assert torch.equal(before[name], after[name])


@pytest.mark.parametrize("shape", [{"rank": 4}, {"rank": 2, "target_modules": TARGETS["all"]}])
def test_an_adapter_of_another_shape_is_no_start(model, tuned, compute, tmp_path, shape):
    save_adapter(tuned.unet, tmp_path / "adapter.safetensors")
    fresh = load_pipeline(model, compute)
    add_lora(fresh.unet, seed=0, **shape)
    with pytest.raises(InvalidSettings, match=r"v1 has an adapter of another shape.*start from"):
        start_from(fresh.unet, tmp_path / "adapter.safetensors", "v1")
