"""Adapters and places that people have, and that no plain run makes."""

from __future__ import annotations

import json

import pytest
import torch
from diffusers import UNet2DConditionModel
from peft import PeftModel
from safetensors.torch import load_file, save_file
from test_export_names import changes, names_in
from test_export_peft import predicted, tuned_unet
from torch.testing import assert_close

from align.adapters.kohya import CONFIG, DOWN, UP, ExportError, kohya_name
from align.adapters.lora import save_adapter
from align.adapters.lora_names import known_names, layers_of, plain_name
from align.adapters.sgm_names import layout_of
from align.families.sdxl import TARGETS
from align.weights.export import export
from align.weights.full import WEIGHTS_KEY, WHOLE_UNET
from align.weights.import_lora import import_file
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow

LAYERS = (
    "mid_block.attentions.0.transformer_blocks.0.attn1.to_q",
    "mid_block.attentions.0.transformer_blocks.0.attn1.to_k",
    "mid_block.attentions.0.transformer_blocks.0.attn1.to_v",
)


@pytest.fixture(scope="session")
def model(emoji):
    return emoji


def adapter_of(folder, layers=LAYERS, rank=2, size=192, dtype=torch.float32, **config):
    """An adapter on a few layers of the embedded model, with this configuration."""
    generator = torch.Generator().manual_seed(0)
    weights = {}
    for layer in layers:
        weights[f"unet.{layer}{DOWN}"] = torch.randn(rank, size, generator=generator).to(dtype)
        weights[f"unet.{layer}{UP}"] = torch.randn(size, rank, generator=generator).to(dtype)
    path = folder / "adapter.safetensors"
    metadata = {CONFIG: json.dumps({f"unet.{n}": v for n, v in config.items()})} if config else None
    save_file(weights, path, metadata=metadata)
    return path


def change_in(file, layer, model) -> torch.Tensor:
    """The weight change of one layer in a kohya file of the embedded model."""
    config = UNet2DConditionModel.load_config(model.load_path, subfolder="unet")
    name, weights = kohya_name(f"unet.{layer}", layout_of(config).name), load_file(file)
    down, up = (weights[f"{name}.lora_{part}.weight"].float() for part in ("down", "up"))
    return float(weights[f"{name}.alpha"]) / down.shape[0] * (up.flatten(1) @ down.flatten(1))


def wanted(path, layer, scale) -> torch.Tensor:
    weights = load_file(path)
    down, up = (weights[f"unet.{layer}{end}"].float() for end in (DOWN, UP))
    return scale * (up @ down)


@pytest.mark.parametrize(
    ("config", "scales"),
    [
        ({"r": 2, "lora_alpha": 0, "alpha_pattern": {"to_v": 4}}, (0, 0, 2)),
        ({"r": 2, "lora_alpha": 0}, (0, 0, 0)),
        ({"r": 2, "lora_alpha": -3, "alpha_pattern": {"to_v": 4}}, (-1.5, -1.5, 2)),
        (
            {"r": 2, "lora_alpha": 4, "use_rslora": True, "alpha_pattern": {"to_k": 1}},
            (4 / 2**0.5, 1 / 2**0.5, 4 / 2**0.5),
        ),
    ],
    ids=["most layers muted", "all layers muted", "turned round", "rslora with a pattern"],
)
def test_strange_alphas_make_the_change_that_peft_makes(config, scales, model, tmp_path):
    path = adapter_of(tmp_path, **config)
    file = export(path, tmp_path / "k.safetensors", "kohya", precision="fp32")
    for layer, scale in zip(LAYERS, scales, strict=True):
        assert_close(change_in(file, layer, model), wanted(path, layer, scale))


@pytest.mark.parametrize(
    "config",
    [
        {"r": 2, "lora_alpha": "much"},
        {"r": 2, "lora_alpha": None},
        {"r": 2, "lora_alpha": 2, "alpha_pattern": ["to_q"]},
        {"r": 2, "lora_alpha": 2, "alpha_pattern": {"(": 1}},
        {"r": 2, "lora_alpha": float("nan")},
        {"r": 2, "lora_alpha": 2, "alpha_pattern": {"to_q": float("inf")}},
    ],
    ids=["a word", "null", "a list", "no expression", "NaN", "infinity"],
)
@pytest.mark.parametrize("form", ["kohya", "peft"])
def test_an_alpha_that_is_no_number_is_told(config, form, tmp_path):
    path = adapter_of(tmp_path, **config)
    target = tmp_path / ("k.safetensors" if form == "kohya" else "peft")
    with pytest.raises(ExportError, match="how strong its LoRA is meant to be"):
        export(path, target, form)
    assert not target.exists()


@pytest.mark.parametrize("form", ["kohya", "peft"])
def test_a_rank_of_nothing_is_told(form, tmp_path):
    target = tmp_path / ("k.safetensors" if form == "kohya" else "peft")
    with pytest.raises(ExportError, match="rank 0"):
        export(adapter_of(tmp_path, rank=0), target, form)
    assert not target.exists()


@pytest.mark.parametrize("form", ["kohya", "peft"])
def test_a_text_encoders_part_has_no_place(form, tmp_path):
    path = adapter_of(tmp_path)
    name = "text_encoder.text_model.encoder.layers.0.self_attn.q_proj"
    save_file(load_file(path) | {name + DOWN: torch.ones(2, 8), name + UP: torch.ones(8, 2)}, path)
    target = tmp_path / ("k.safetensors" if form == "kohya" else "peft")
    with pytest.raises(ExportError, match=r"text_encoder.* is not a LoRA weight of a UNet"):
        export(path, target, form)
    assert export(path, tmp_path / "d.safetensors", "diffusers").is_file()


# PEFT 0.21 takes every bias for a broken half when it collects an adapter's weights.
@pytest.mark.filterwarnings("ignore:Adapter 'default'")
def test_a_learned_bias_goes_to_peft_and_is_refused_by_kohya(model, compute, tmp_path):
    unet = tuned_unet(
        model, compute, r=2, lora_alpha=2, lora_bias=True, target_modules=["to_out.0", "conv1"]
    )
    save_adapter(unet, tmp_path / "adapter.safetensors")
    folder = export(tmp_path / "adapter.safetensors", tmp_path / "peft", "peft")
    theirs = PeftModel.from_pretrained(load_pipeline(model, compute).unet, folder)
    assert_close(predicted(theirs), predicted(unet), rtol=0, atol=1e-5)
    with pytest.raises(ExportError, match=r"lora_B\.bias is not a LoRA weight"):
        export(tmp_path / "adapter.safetensors", tmp_path / "k.safetensors", "kohya", model=model)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float8_e4m3fn], ids=str)
def test_weights_of_few_bits_are_written_as_they_are(dtype, model, compute, tmp_path):
    path = adapter_of(tmp_path, dtype=dtype, r=2, lora_alpha=4)
    file = export(path, tmp_path / "k.safetensors", "kohya", precision="fp32")
    for layer in LAYERS:
        assert_close(change_in(file, layer, model), wanted(path, layer, 2))
    half = export(path, tmp_path / "h.safetensors", "kohya")
    assert_close(change_in(half, LAYERS[0], model), wanted(path, LAYERS[0], 2), rtol=0, atol=1e-2)
    folder = export(path, tmp_path / "peft", "peft")
    kept = load_file(folder / "adapter_model.safetensors")
    assert {w.dtype for w in kept.values()} == {dtype}
    theirs = PeftModel.from_pretrained(load_pipeline(model, compute).unet, folder)
    assert len([name for name, _ in theirs.named_modules() if name.endswith("lora_A")]) == 3


OUTSIDE = {
    "conv_in": "lora_unet_input_blocks_0_0",
    "conv_out": "lora_unet_out_2",
    "time_embedding.linear_1": "lora_unet_time_embed_0",
    "add_embedding.linear_2": "lora_unet_label_emb_0_2",
}


def test_layers_outside_the_blocks_have_their_published_names(model, compute, tmp_path):
    unet = tuned_unet(model, compute, r=2, lora_alpha=4, target_modules=list(OUTSIDE))
    save_adapter(unet, tmp_path / "adapter.safetensors")
    file = export(
        tmp_path / "adapter.safetensors", tmp_path / "k.safetensors", "kohya", precision="fp32"
    )
    assert names_in(file) == set(OUTSIDE.values())
    stock = load_pipeline(model, compute)
    stock.load_lora_weights(str(tmp_path), weight_name=file.name, adapter_name="default")
    assert_close(changes(stock.unet), changes(unet), rtol=1e-5, atol=1e-7)


def test_a_unet_of_four_levels_as_the_refiners_is_numbered_through():
    with torch.device("meta"):
        unet = UNet2DConditionModel(
            block_out_channels=[32, 64, 64, 64],
            down_block_types=["DownBlock2D", *["CrossAttnDownBlock2D"] * 2, "DownBlock2D"],
            up_block_types=["UpBlock2D", *["CrossAttnUpBlock2D"] * 2, "UpBlock2D"],
            transformer_layers_per_block=4,
            cross_attention_dim=128,
            attention_head_dim=8,
            use_linear_projection=True,
        )
    layout, shapes = layout_of(unet.config), layers_of(unet)
    written = {kohya_name(f"unet.{layer}", layout.name): layer for layer in shapes}
    assert len(written) == len(shapes)
    # What is read takes each name for the layer that it was written for.
    read = known_names(unet, shapes)
    assert {name: read[plain_name(name)] for name in written} == written
    # An up block without attention has its upsampler in the next place.
    assert "lora_unet_output_blocks_2_1_conv" in written
    assert "lora_unet_output_blocks_5_2_conv" in written
    assert "lora_unet_input_blocks_9_0_op" in written


def test_a_lora_from_elsewhere_is_written_again_in_every_form(model, compute, tmp_path):
    unet = tuned_unet(model, compute, r=4, lora_alpha=1, target_modules=TARGETS["all"])
    save_adapter(unet, tmp_path / "adapter.safetensors")
    theirs = export(
        tmp_path / "adapter.safetensors", tmp_path / "t.safetensors", "kohya", precision="fp32"
    )
    ours = tmp_path / "ours.safetensors"
    import_file(theirs, model, ours)
    again = export(ours, tmp_path / "again.safetensors", "kohya", precision="fp32")
    assert names_in(again) == names_in(theirs)
    stock = load_pipeline(model, compute)
    stock.load_lora_weights(str(tmp_path), weight_name=again.name, adapter_name="default")
    assert_close(changes(stock.unet), changes(unet), rtol=1e-5, atol=1e-7)
    folder = export(ours, tmp_path / "peft", "peft")
    loaded = PeftModel.from_pretrained(load_pipeline(model, compute).unet, folder)
    assert_close(predicted(loaded), predicted(unet), rtol=0, atol=1e-5)


@pytest.mark.parametrize("form", ["kohya", "dora", "peft", "diffusers"])
def test_a_version_of_whole_weights_can_only_be_merged(form, model, tmp_path):
    path = tmp_path / "whole.safetensors"
    save_file({"conv_in.weight": torch.ones(1)}, path, metadata={WEIGHTS_KEY: WHOLE_UNET})
    target = tmp_path / ("peft" if form == "peft" else "k.safetensors")
    with pytest.raises(ExportError, match="Export it with --form merged"):
        export(path, target, form, model=model)


@pytest.mark.parametrize(("form", "name"), [("kohya", "k.safetensors"), ("peft", "peft")])
def test_a_place_that_cannot_be_written_is_told(form, name, tmp_path):
    (tmp_path / "file").write_text("a file, not a folder")
    with pytest.raises(ExportError, match="cannot be written"):
        export(adapter_of(tmp_path), tmp_path / "file" / name, form)


@pytest.mark.parametrize("form", ["peft", "merged"])
def test_a_folder_is_not_called_like_a_file(form, model, tmp_path):
    with pytest.raises(ExportError, match=r"is a folder.*without \.safetensors"):
        export(adapter_of(tmp_path), tmp_path / "cats.safetensors", form, model=model)


def test_a_rank_above_the_layers_size_is_written_whole(model, tmp_path):
    path = adapter_of(tmp_path, rank=300, r=300, lora_alpha=300)
    file = export(path, tmp_path / "k.safetensors", "kohya", precision="fp32")
    for layer in LAYERS:
        assert_close(change_in(file, layer, model), wanted(path, layer, 1), rtol=1e-4, atol=1e-4)
