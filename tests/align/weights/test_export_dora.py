"""A DoRA by the rule of ComfyUI and Forge gives the weights that it gives here."""

from __future__ import annotations

import pytest
import torch
from peft.tuners.lora import LoraLayer
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from test_export_peft import KINDS, tuned_unet
from torch.testing import assert_close

from align.adapters.kohya import ExportError, kohya_name
from align.adapters.lora import save_adapter
from align.adapters.sgm_names import layout_of
from align.families.sdxl import TARGETS
from align.weights.export import export
from align.weights.import_lora import import_file
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow

DORA = KINDS["dora"]


@pytest.fixture(scope="session")
def model(emoji):
    return emoji


@pytest.fixture(scope="module")
def tuned(model, compute):
    """The embedded UNet with a DoRA on every layer, convolutions too."""
    return tuned_unet(model, compute, **DORA)


@pytest.fixture
def adapter(tuned, tmp_path):
    save_adapter(tuned, tmp_path / "adapter.safetensors")
    return tmp_path / "adapter.safetensors"


def by_their_rule(own: torch.Tensor, weights: dict[str, torch.Tensor], name: str) -> torch.Tensor:
    """What ComfyUI 0.3.64 and Forge make of a layer at full strength, written down anew.

    The scale belongs to the outputs, for its first size is theirs, and is divided by the length
    of the base's own row.
    """
    down, up = weights[f"{name}.lora_down.weight"], weights[f"{name}.lora_up.weight"]
    scale = weights[f"{name}.dora_scale"]
    assert scale.shape == (own.shape[0], *[1] * (own.ndim - 1))
    change = (up.float().flatten(1) @ down.float().flatten(1)).reshape(own.shape)
    change = change * float(weights[f"{name}.alpha"]) / down.shape[0]
    lengths = own.flatten(1).norm(dim=1).reshape(scale.shape)
    return (own + change) * scale / lengths


def merged_weights(unet) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Each tuned layer's own weight, and with the DoRA in it, as PEFT merges it."""
    result = {}
    for name, layer in unet.named_modules():
        if isinstance(layer, LoraLayer):
            own = layer.base_layer.weight.detach().clone()
            layer.merge()
            result[name] = own, layer.base_layer.weight.detach().clone()
            layer.base_layer.weight.data = own.clone()
            layer.merged_adapters.clear()
    return result


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-5), ("fp16", 2e-3)])
def test_by_comfyuis_rule_every_layer_gets_the_weights_that_peft_gives_it(
    precision, tolerance, adapter, tuned, model, tmp_path
):
    file = export(adapter, tmp_path / "d.safetensors", "dora", precision=precision, model=model)
    weights, layout = load_file(file), layout_of(tuned.config)
    layers = merged_weights(tuned)
    assert len(weights) == 4 * len(layers)
    for layer, (own, wanted) in layers.items():
        found = by_their_rule(own, weights, kohya_name(f"unet.{layer}", layout.name))
        assert float((found - wanted).norm() / (wanted - own).norm()) < tolerance, layer


def test_the_scales_stay_in_fp32_and_say_their_rule(adapter, model, tmp_path):
    file = export(adapter, tmp_path / "d.safetensors", "dora", model=model)
    weights = load_file(file)
    kinds = {w.dtype for n, w in weights.items() if n.endswith("dora_scale")}
    assert kinds == {torch.float32}
    with safe_open(file, framework="pt") as opened:
        said = opened.metadata()
    assert "to be divided by |W|" in said["palate.dora_scale"]
    assert said["ss_network_dim"] == "3"


def test_a_run_of_dora_finds_its_own_base(adapter, make_run, tmp_path):
    run = make_run("r0001")
    (run / "adapter.safetensors").write_bytes(adapter.read_bytes())
    assert export(run, tmp_path / "d.safetensors", "dora").is_file()


def test_a_plain_lora_is_sent_to_the_kohya_form(model, compute, tmp_path):
    unet = tuned_unet(model, compute, r=2, lora_alpha=2, target_modules=TARGETS["attention"])
    save_adapter(unet, tmp_path / "adapter.safetensors")
    with pytest.raises(ExportError, match=r"is no DoRA.* Export it in the kohya form"):
        export(tmp_path / "adapter.safetensors", tmp_path / "d.safetensors", "dora", model=model)


def test_without_its_base_nothing_is_guessed(adapter, tmp_path):
    with pytest.raises(ExportError, match="does not say which model it was trained from"):
        export(adapter, tmp_path / "d.safetensors", "dora")
    assert not (tmp_path / "d.safetensors").exists()


def test_a_dora_of_another_base_is_named(adapter, model, tmp_path):
    weights = load_file(adapter)
    name = "unet.mid_block.attentions.0.proj_in.lora_A.weight"
    weights[name] = torch.ones(3, 640)
    save_file(weights, tmp_path / "other.safetensors")
    with pytest.raises(ExportError, match=r"proj_in takes \(640,\).*Name the model that it was"):
        export(tmp_path / "other.safetensors", tmp_path / "d.safetensors", "dora", model=model)


def test_a_dora_that_was_exported_comes_back_as_the_dora_that_it_was(adapter, model, tmp_path):
    file = export(adapter, tmp_path / "d.safetensors", "dora", precision="fp32", model=model)
    facts = import_file(file, model, tmp_path / "back.safetensors")
    assert (facts["kind"], facts["family"]) == ("lora", "DoRA")
    back, own = load_file(tmp_path / "back.safetensors"), load_file(adapter)
    assert back.keys() == own.keys()
    for name, weight in own.items():
        if "magnitude" in name:
            assert_close(back[name].flatten(), weight.flatten(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-5), ("fp16", 2e-3)])
def test_what_was_written_for_comfyui_comes_back_as_the_same_dora(
    precision, tolerance, adapter, tuned, model, compute, tmp_path
):
    file = export(adapter, tmp_path / "d.safetensors", "dora", precision=precision, model=model)
    facts = import_file(file, model, tmp_path / "ours.safetensors")
    assert facts["kind"] == "lora"
    ours = load_pipeline(model, compute)
    ours.load_lora_weights(str(tmp_path), weight_name="ours.safetensors", adapter_name="default")
    found = merged_weights(ours.unet)
    for layer, (own, wanted) in merged_weights(tuned).items():
        assert float((found[layer][1] - wanted).norm() / (wanted - own).norm()) < tolerance, layer
