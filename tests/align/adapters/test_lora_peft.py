"""LoHa and LoKr of PEFT are what PEFT itself makes of them, and norms have names everywhere."""

from __future__ import annotations

import json

import pytest
import torch
from lora_files import CONV, QUERY, lora, numbers, write
from peft import LoHaConfig, LoKrConfig, inject_adapter_in_model
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from align.weights.import_lora import import_file
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow

KINDS = {
    "LoKr": LoKrConfig(r=2, alpha=3, decompose_both=True),
    "LoKr of whole matrices": LoKrConfig(r=8, alpha=16, decompose_factor=8),
    "LoKr in Tucker's form": LoKrConfig(r=2, alpha=3, use_effective_conv2d=True),
    "LoHa": LoHaConfig(r=2, alpha=3),
    "LoHa in Tucker's form": LoHaConfig(r=2, alpha=3, use_effective_conv2d=True),
}
NORMS = {
    "kohya, a resnet": ("lora_unet_input_blocks_1_0_in_layers_0", "down_blocks.0.resnets.0.norm1"),
    "kohya, diffusers' names": ("lora_unet_mid_block_resnets_0_norm2", "mid_block.resnets.0.norm2"),
    "ComfyUI, the last": ("diffusion_model.out.0", "conv_norm_out"),
    "ComfyUI, an attention block": ("diffusion_model.middle_block.1.norm",
                                    "mid_block.attentions.0.norm"),
    "LyCORIS, a transformer": (
        "lycoris_down_blocks_1_attentions_0_transformer_blocks_0_norm1",
        "down_blocks.1.attentions.0.transformer_blocks.0.norm1",
    ),
}  # fmt: skip


@pytest.fixture(scope="session")
def model(emoji):
    return emoji


@pytest.mark.parametrize("layer", [QUERY, CONV], ids=["linear", "convolution"])
@pytest.mark.parametrize("config", KINDS.values(), ids=KINDS)
def test_an_adapter_of_peft_changes_what_peft_says(config, layer, model, compute, tmp_path):
    config.target_modules = [layer]
    base = load_pipeline(model, compute).unet
    own = base.get_submodule(layer).weight.detach().clone()
    tuned = inject_adapter_in_model(config, base).get_submodule(layer)
    parts = {}
    for name, parameter in tuned.named_parameters():
        if "base_layer" not in name:
            parameter.data = numbers(*parameter.shape, seed=len(parts))
            parts[name.removesuffix(".default")] = parameter.detach()
    write(tmp_path / "adapter_model.safetensors", parts, f"base_model.model.{layer}")
    facts = {"peft_type": config.peft_type, "r": config.r, "alpha": config.alpha}
    (tmp_path / "adapter_config.json").write_text(json.dumps(facts))

    kind = import_file(tmp_path, model, tmp_path / "out" / "o.safetensors")["kind"]
    ours, change = load_file(tmp_path / "out" / "o.safetensors"), tuned.get_delta_weight("default")
    if kind == "lora":
        up, down = (ours[f"unet.{layer}.lora_{half}.weight"].flatten(1) for half in "BA")
        assert_close((up @ down).reshape(change.shape), change, rtol=1e-4, atol=1e-7)
    else:
        assert_close(ours[f"{layer}.weight"], (own + change).half(), rtol=0, atol=3e-4)


@pytest.mark.parametrize(("theirs", "ours"), NORMS.values(), ids=NORMS)
def test_a_norm_is_found_by_every_programs_name(theirs, ours, model, compute, tmp_path):
    own = load_pipeline(model, compute).unet.state_dict()[f"{ours}.weight"]
    added = numbers(len(own))
    weights = {f"{theirs}.w_norm": added}
    weights |= {f"lora_unet_{QUERY.replace('.', '_')}.{part}": w for part, w in lora().items()}
    save_file(weights, tmp_path / "x.safetensors")
    facts = import_file(tmp_path / "x.safetensors", model, tmp_path / "o.safetensors")
    assert (facts["kind"], facts["layers"]) == ("whole", 2)
    found = load_file(tmp_path / "o.safetensors")[f"{ours}.weight"]
    assert torch.equal(found, (own + added).half())
