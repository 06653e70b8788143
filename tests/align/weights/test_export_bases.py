"""Exports of adapters whose base is named wrongly, is like SDXL, or has something added to it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel
from peft import LoraConfig, PeftModel
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from test_export_names import changes, names_in, sdxl_adapter
from test_export_peft import KINDS, predicted, tuned_unet
from torch.testing import assert_close

from align.adapters.lora import save_adapter
from align.client.models import describe_model
from align.families.sdxl import SDXL_UNET, TARGETS
from align.weights.export import export
from align.weights.import_lora import import_file
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def model(emoji):
    return emoji


def test_a_wrongly_named_base_does_not_number_the_blocks(model, tmp_path):
    file = sdxl_adapter("attention", tmp_path)
    named = export(file, tmp_path / "a.safetensors", "kohya", model=model)
    assert names_in(named) == names_in(export(file, tmp_path / "b.safetensors", "kohya"))
    assert "lora_unet_input_blocks_8_1_transformer_blocks_9_attn2_to_k" in names_in(named)


@pytest.mark.parametrize("targets", TARGETS)
def test_a_small_relative_of_sdxl_with_its_text_is_numbered_as_itself(targets, tmp_path):
    config = SDXL_UNET | {"layers_per_block": 1, "transformer_layers_per_block": [1, 2, 3]}
    with torch.device("meta"):
        unet = UNet2DConditionModel(**config)
        unet.add_adapter(LoraConfig(r=1, lora_alpha=1, target_modules=TARGETS[targets]))
    state = get_peft_model_state_dict(unet)
    file = tmp_path / "adapter.safetensors"
    save_file({f"unet.{name}": torch.zeros(w.shape) for name, w in state.items()}, file)
    names = names_in(export(file, tmp_path / "k.safetensors", "kohya"))
    assert len(names) == len(state) // 2
    # With one layer a block the last up block begins at 4, not at 6.
    assert "lora_unet_output_blocks_3_1_transformer_blocks_1_attn1_to_q" in names
    assert not any(f"output_blocks_{number}_" in name for name in names for number in (6, 7, 8))


def brought(folder: Path, model, weights: dict[str, torch.Tensor]) -> Path:
    """A file of another program, as the app keeps it."""
    save_file(weights, folder / "theirs.safetensors")
    import_file(folder / "theirs.safetensors", model, folder / "ours.safetensors")
    return folder / "ours.safetensors"


@pytest.mark.parametrize("kind", ["ranks and alphas of all sorts", "all, with convolutions"])
def test_a_brought_lora_of_many_ranks_leaves_as_the_same_change(kind, model, compute, tmp_path):
    unet = tuned_unet(model, compute, **KINDS[kind])
    save_adapter(unet, tmp_path / "adapter.safetensors")
    theirs = export(
        tmp_path / "adapter.safetensors", tmp_path / "k.safetensors", "kohya", precision="fp32"
    )
    ours = brought(tmp_path, model, load_file(theirs))

    again = export(ours, tmp_path / "again.safetensors", "kohya", precision="fp32", model=model)
    stock = load_pipeline(model, compute)
    stock.load_lora_weights(str(tmp_path), weight_name=again.name, adapter_name="default")
    assert_close(changes(stock.unet), changes(unet), rtol=1e-4, atol=1e-6)

    folder = export(ours, tmp_path / "peft", "peft")
    loaded = PeftModel.from_pretrained(load_pipeline(model, compute).unet, folder)
    assert_close(predicted(loaded), predicted(unet), rtol=0, atol=1e-4)


def test_a_brought_loha_leaves_under_kohyas_names(model, tmp_path):
    name = "lora_unet_middle_block_1_transformer_blocks_0_attn1_to_q"
    generator = torch.Generator().manual_seed(0)
    halves = {
        f"{name}.hada_{part}": torch.randn(shape, generator=generator)
        for part, shape in (
            ("w1_a", (192, 2)),
            ("w1_b", (2, 192)),
            ("w2_a", (192, 2)),
            ("w2_b", (2, 192)),
        )
    }
    ours = brought(tmp_path, model, halves | {f"{name}.alpha": torch.tensor(1.0)})
    weights = load_file(
        export(ours, tmp_path / "k.safetensors", "kohya", precision="fp32", model=model)
    )
    found = weights[f"{name}.lora_up.weight"] @ weights[f"{name}.lora_down.weight"]
    found = found * weights[f"{name}.alpha"] / weights[f"{name}.lora_down.weight"].shape[0]
    first, second = (halves[f"{name}.hada_w{n}_a"] @ halves[f"{name}.hada_w{n}_b"] for n in (1, 2))
    assert_close(found, 0.5 * first * second, rtol=1e-4, atol=1e-4)


def test_a_dora_of_the_fast_model_is_measured_beside_its_own_weights(compute, tmp_path):
    fast = describe_model("emoji-fast")
    unet = tuned_unet(fast, compute, **KINDS["dora"])
    save_adapter(unet, tmp_path / "adapter.safetensors")
    files = {
        model.name: load_file(
            export(
                tmp_path / "adapter.safetensors",
                tmp_path / f"{model.name}.safetensors",
                "dora",
                precision="fp32",
                model=model,
            )
        )
        for model in (fast, describe_model())
    }
    scales = [name for name in files["emoji"] if name.endswith("dora_scale")]
    assert scales
    assert any(not torch.equal(files["emoji"][n], files["emoji-fast"][n]) for n in scales)
