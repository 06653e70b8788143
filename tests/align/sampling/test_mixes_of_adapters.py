"""Adapters at a strength and added up, on the embedded model."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from peft.tuners.lora import LoraLayer
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from align.adapters.lora import add_lora, merged, save_adapter
from align.errors import BrokenModel, InvalidSettings, ModelNotFound
from align.families.sdxl import SDXL
from align.sampling import adapter_switcher
from align.sampling.adapter_switcher import AdapterSwitcher
from align.weights.full import FullTrainable
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def drawing(model, compute):
    """A pipeline and what switches its adapters, for all tests here."""
    pipeline = load_pipeline(model, compute)
    return pipeline, AdapterSwitcher(pipeline)


@pytest.fixture(scope="module")
def files(model, compute, tmp_path_factory):
    """Two adapters that do something: of attention alone, and of all layers."""
    folder = tmp_path_factory.mktemp("adapters")
    made = {}
    for name, rank, targets in (("one", 2, "attention"), ("two", 4, "all")):
        pipeline = load_pipeline(model, compute)
        with torch.no_grad():
            for parameter in add_lora(pipeline.unet, rank, 0, SDXL.adapter_targets[targets]):
                noise = torch.randn(parameter.shape, generator=torch.manual_seed(rank))
                parameter.add_(0.05 * noise)
        made[name] = str(folder / f"{name}.safetensors")
        save_adapter(pipeline.unet, folder / f"{name}.safetensors")
    return made


def predicted(drawing, *parts: tuple[str, float]) -> torch.Tensor:
    """What the UNet predicts with these adapters, on fixed inputs."""
    pipeline, adapters = drawing
    adapters.use(parts)
    unet, fixed = pipeline.unet, torch.manual_seed(1)
    width, side = unet.config.cross_attention_dim, 2 * [unet.config.sample_size]
    pooled = unet.config.projection_class_embeddings_input_dim - 6 * (
        unet.config.addition_time_embed_dim
    )
    with torch.no_grad():
        return unet(
            torch.randn(2, unet.config.in_channels, *side, generator=fixed),
            torch.tensor([300, 800]),
            encoder_hidden_states=torch.randn(2, 24, width, generator=fixed),
            added_cond_kwargs={
                "text_embeds": torch.randn(2, pooled, generator=fixed),
                "time_ids": torch.tensor([[128, 128, 0, 0, 128, 128]] * 2),
            },
        ).sample


def test_strength_0_is_the_base_and_strength_1_the_version(model, drawing, files, compute):
    base = predicted(drawing)
    assert_close(predicted(drawing, (files["one"], 0.0)), base, atol=1e-5, rtol=0)
    stock = load_pipeline(model, compute)
    stock.load_lora_weights(files["one"])
    version = predicted(drawing, (files["one"], 1.0))
    assert_close(version, predicted((stock, Untouched())), atol=1e-5, rtol=1e-5)
    assert (version - base).abs().max() > 0.01
    assert_close(predicted(drawing), base, atol=0, rtol=0)


class Untouched:
    """Leaves the adapters of a pipeline as they are."""

    def use(self, parts) -> None:
        pass


def test_a_version_mixed_with_itself_in_halves_is_that_version(drawing, files, tmp_path):
    again = shutil.copy(files["two"], tmp_path / "again.safetensors")
    mixed = predicted(drawing, (files["two"], 0.5), (str(again), 0.5))
    assert_close(mixed, predicted(drawing, (files["two"], 1.0)), atol=2e-5, rtol=1e-4)


def test_a_mix_adds_the_weighted_changes_of_every_layer(drawing, files):
    pipeline, adapters = drawing
    adapters.use([(files["one"], 0.7), (files["two"], 0.4)])
    layer = pipeline.unet.down_blocks[1].attentions[0].transformer_blocks[0].attn1.to_q
    with torch.no_grad():
        inputs = torch.randn(1, 5, layer.in_features, generator=torch.manual_seed(2))
        expected = layer.base_layer(inputs)
        for name, weight in zip(layer.active_adapters, (0.7, 0.4), strict=True):
            down, up = layer.lora_A[name], layer.lora_B[name]
            expected = expected + weight * up(down(inputs))
        assert_close(layer(inputs), expected, atol=1e-5, rtol=1e-5)


def test_merged_adapters_predict_the_same_and_leave_the_weights_to_the_bit(drawing, files):
    parts = ((files["one"], 0.7), (files["two"], 0.4))
    apart = predicted(drawing, *parts)
    weights = base_weights(drawing)
    with merged(drawing[0].unet):
        assert all(layer.merged for layer in lora_layers(drawing[0].unet))
        assert_close(predicted((drawing[0], Untouched())), apart, atol=2e-5, rtol=1e-4)
    assert not any(layer.merged for layer in lora_layers(drawing[0].unet))
    assert all(map(torch.equal, base_weights(drawing), weights))
    assert torch.equal(predicted((drawing[0], Untouched())), apart)


def test_merging_that_an_error_ends_leaves_the_weights_to_the_bit(drawing, files):
    drawing[1].use([(files["two"], 1.0)])
    weights = base_weights(drawing)
    with pytest.raises(KeyboardInterrupt), merged(drawing[0].unet):
        assert not all(map(torch.equal, base_weights(drawing), weights))
        raise KeyboardInterrupt
    assert all(map(torch.equal, base_weights(drawing), weights))


@pytest.mark.parametrize("why", ["switched off", "half precision"])
def test_what_should_not_be_merged_stays_apart(drawing, files, why):
    drawing[1].use([(files["one"], 1.0)] if why == "half precision" else [])
    unet = copy.deepcopy(drawing[0].unet)
    unet.to(torch.bfloat16 if why == "half precision" else torch.float32)
    with merged(unet):
        assert not any(layer.merged for layer in lora_layers(unet))


def lora_layers(unet) -> list[LoraLayer]:
    return [module for module in unet.modules() if isinstance(module, LoraLayer)]


def base_weights(drawing) -> list[torch.Tensor]:
    return [layer.base_layer.weight.data.clone() for layer in lora_layers(drawing[0].unet)]


def test_strength_lies_between_base_and_version_and_beyond(drawing, files):
    base, version = predicted(drawing), predicted(drawing, (files["one"], 1.0))
    distance = [
        (predicted(drawing, (files["one"], strength)) - base).norm().item()
        for strength in (0.25, 0.5, 1.0, 1.5)
    ]
    assert distance == sorted(distance)
    assert distance[2] == pytest.approx((version - base).norm().item(), rel=1e-5)


def test_an_adapter_whose_alpha_is_not_its_rank_is_scaled_by_it(
    model, drawing, files, compute, tmp_path
):
    pipeline = load_pipeline(model, compute)
    pipeline.load_lora_weights(files["one"], adapter_name="default")
    state = get_peft_model_state_dict(pipeline.unet)
    facts = pipeline.unet.peft_config["default"].to_dict()
    doubled = facts | {"lora_alpha": 2 * facts["r"], "alpha_pattern": {}}
    StableDiffusionXLPipeline.save_lora_weights(
        tmp_path, unet_lora_layers=state, unet_lora_adapter_metadata=doubled
    )
    twice = str(tmp_path / "pytorch_lora_weights.safetensors")
    half = predicted(drawing, (twice, 0.5))
    assert_close(half, predicted(drawing, (files["one"], 1.0)), atol=1e-5, rtol=1e-4)


def test_adapters_stay_loaded_by_last_use_and_a_mix_has_all_it_needs(
    drawing, files, tmp_path, monkeypatch
):
    monkeypatch.setattr(adapter_switcher, "MAX_ADAPTERS", 2)
    copies = [str(shutil.copy(files["one"], tmp_path / f"{i}.safetensors")) for i in range(4)]
    pipeline, adapters = drawing
    adapters.use([(copies[0], 1.0)])
    adapters.use([(copies[1], 1.0)])
    adapters.use([(copies[0], 1.0)])
    adapters.use([(copies[2], 1.0)])
    assert list(adapters._names) == [copies[0], copies[2]]
    whole = predicted(drawing, (files["one"], 1.0))
    mixed = predicted(drawing, *[(copy, 0.25) for copy in copies])
    assert_close(mixed, whole, atol=2e-5, rtol=1e-4)
    adapters.use([(copies[3], 1.0)])
    assert len(adapters._names) == len(pipeline.unet.peft_config) == 2


def test_whole_weights_are_drawn_alone_and_at_strength_1_only(
    model, drawing, files, compute, tmp_path
):
    whole = tmp_path / "whole.safetensors"
    FullTrainable(load_pipeline(model, compute).unet).save(whole)
    base = predicted(drawing)
    for parts in ([(str(whole), 0.5)], [(str(whole), 1.0), (files["one"], 1.0)]):
        with pytest.raises(InvalidSettings, match=r"whole\.safetensors trained all weights"):
            drawing[1].use(parts)
    assert predicted(drawing, (str(whole), 1.0)).isfinite().all()
    assert_close(predicted(drawing), base, atol=0, rtol=0)


def test_a_dora_is_drawn_at_strength_1_only(model, drawing, compute, tmp_path):
    pipeline = load_pipeline(model, compute)
    add_lora(pipeline.unet, 2, 0, use_dora=True)
    save_adapter(pipeline.unet, tmp_path / "dora.safetensors")
    dora = str(tmp_path / "dora.safetensors")
    with pytest.raises(InvalidSettings, match="is a DoRA"):
        drawing[1].use([(dora, 0.5)])
    assert_close(predicted(drawing, (dora, 1.0)), predicted(drawing), atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize("damage", ["cut", "shape", "layers", "text"])
def test_a_file_that_does_not_fit_is_refused_and_the_others_go_on(drawing, files, tmp_path, damage):
    broken = tmp_path / "broken.safetensors"
    weights = load_file(files["one"])
    if damage == "cut":
        broken.write_bytes(Path(files["one"]).read_bytes()[:2000])
    elif damage == "text":
        broken.write_text("no weights")
    elif damage == "shape":
        save_file({key: torch.zeros(*(2 * s for s in w.shape)) for key, w in weights.items()},
                  broken)  # fmt: skip
    else:
        extra = {
            key.replace("down_blocks.1", "down_blocks.7"): w.clone() for key, w in weights.items()
        }
        save_file(weights | extra, broken)
    version = predicted(drawing, (files["one"], 1.0))
    for _ in range(2):
        with pytest.raises(BrokenModel, match=r"broken\.safetensors is (damaged|made for another)"):
            drawing[1].use([(str(broken), 1.0)])
    assert_close(predicted(drawing, (files["one"], 1.0)), version, atol=0, rtol=0)


def test_a_file_that_is_gone_is_named(drawing, tmp_path):
    with pytest.raises(ModelNotFound, match=r"^nope is gone\."):
        drawing[1].use([("nope", 1.0)])
    with pytest.raises(ModelNotFound, match=r"gone\.safetensors is gone"):
        drawing[1].use([(str(tmp_path / "gone.safetensors"), 1.0)])
