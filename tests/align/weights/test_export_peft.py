"""The PEFT folder: real PEFT reads it, and the UNet then does what ours does."""

from __future__ import annotations

import json

import pytest
import torch
from peft import LoraConfig, PeftModel
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from align.adapters.kohya import ExportError
from align.adapters.lora import save_adapter
from align.families.sdxl import TARGETS
from align.weights.export import export
from align.weights.import_lora import import_file
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow

KINDS = {
    "attention": {"r": 4, "lora_alpha": 4, "target_modules": TARGETS["attention"]},
    "all, with convolutions": {"r": 2, "lora_alpha": 5, "target_modules": TARGETS["all"]},
    "ranks and alphas of all sorts": {
        "r": 4,
        "lora_alpha": 2,
        "rank_pattern": {"attn2.to_k": 2, r"^mid_block.*to_out.0": 7},
        "alpha_pattern": {"attn2.to_k": 7, "to_v": 3.5},
        "target_modules": TARGETS["attention"],
    },
    "rslora": {
        "r": 4,
        "lora_alpha": 3,
        "use_rslora": True,
        "target_modules": TARGETS["attention"],
    },
    "dora": {"r": 3, "lora_alpha": 6, "use_dora": True, "target_modules": TARGETS["all"]},
}


@pytest.fixture(scope="session")
def model(emoji):
    return emoji


def tuned_unet(model, compute, **lora):
    """The embedded UNet with an adapter whose every weight does something."""
    unet = load_pipeline(model, compute).unet
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        unet.add_adapter(LoraConfig(**lora))
        with torch.no_grad():
            for name, parameter in unet.named_parameters():
                if "magnitude" in name:
                    parameter.mul_(1 + 0.1 * torch.rand(parameter.shape))
                elif parameter.requires_grad:
                    parameter.copy_(0.1 * torch.randn(parameter.shape))
    return unet


def predicted(unet) -> torch.Tensor:
    """What a UNet says of one fixed latent."""
    generator = torch.Generator().manual_seed(1)
    config = unet.config
    with torch.inference_mode():
        return unet(
            torch.randn(1, config.in_channels, 16, 16, generator=generator),
            500,
            torch.randn(1, 24, config.cross_attention_dim, generator=generator),
            added_cond_kwargs={
                "text_embeds": torch.randn(1, 96, generator=generator),
                "time_ids": torch.tensor([[128.0, 128, 0, 0, 128, 128]]),
            },
        ).sample


@pytest.fixture(params=KINDS.values(), ids=list(KINDS))
def tuned(request, model, compute, tmp_path):
    """A UNet with an adapter, and the file of it."""
    unet = tuned_unet(model, compute, **request.param)
    save_adapter(unet, tmp_path / "adapter.safetensors")
    return unet, tmp_path / "adapter.safetensors"


def test_peft_reads_the_folder_and_predicts_the_same(tuned, model, compute, tmp_path):
    unet, path = tuned
    folder = export(path, tmp_path / "peft", "peft")
    base = load_pipeline(model, compute).unet
    wanted, plain = predicted(unet), predicted(base)
    assert float((wanted - plain).norm() / plain.norm()) > 0.02

    theirs = PeftModel.from_pretrained(base, folder)

    assert_close(predicted(theirs), wanted, rtol=0, atol=1e-5)
    # A second one beside it, as `load_adapter` takes it.
    theirs.load_adapter(folder, adapter_name="again")
    theirs.set_adapter("again")
    assert_close(predicted(theirs), wanted, rtol=0, atol=1e-5)


def test_the_folder_holds_what_peft_writes_and_no_path_of_this_machine(tuned, tmp_path):
    path = tuned[1]
    folder = export(path, tmp_path / "peft", "peft")
    assert sorted(file.name for file in folder.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    config = (folder / "adapter_config.json").read_text("utf-8")
    assert json.loads(config)["base_model_name_or_path"] is None
    assert str(tmp_path) not in config
    weights, original = load_file(folder / "adapter_model.safetensors"), load_file(path)
    assert {n.replace("base_model.model.", "unet.") for n in weights} == set(original)
    with safe_open(folder / "adapter_model.safetensors", framework="pt") as file:
        assert file.metadata()["modelspec.title"] == "peft"


def test_a_run_of_a_hub_model_names_it_as_the_base(tuned, make_run, tmp_path):
    run = make_run("r0001")
    (run / "adapter.safetensors").write_bytes(tuned[1].read_bytes())
    config = json.loads((run / "config.json").read_text("utf-8"))
    config["model"]["path"] = config["model"]["name"] = "somebody/sdxl"
    (run / "config.json").write_text(json.dumps(config), "utf-8")
    folder = export(run, tmp_path / "peft", "peft")
    said = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    assert said["base_model_name_or_path"] == "somebody/sdxl"


def test_a_folder_that_holds_something_is_left_alone(model, compute, tmp_path):
    unet = tuned_unet(model, compute, **KINDS["attention"])
    save_adapter(unet, tmp_path / "adapter.safetensors")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(ExportError, match="already holds something"):
        export(tmp_path / "adapter.safetensors", tmp_path / "full", "peft")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]
    folder = export(tmp_path / "adapter.safetensors", tmp_path / "new", "peft")
    assert import_file(folder, model)["kind"] == "lora"


def test_whole_weights_are_no_peft_folder(model, compute, tmp_path):
    save_file({"conv_in.weight": torch.ones(1)}, tmp_path / "w.safetensors", {"format": "pt"})
    with pytest.raises(ExportError, match="holds no LoRA in diffusers' form"):
        export(tmp_path / "w.safetensors", tmp_path / "peft", "peft")
    assert not (tmp_path / "peft").exists()
