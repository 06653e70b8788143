"""What was trained elsewhere draws here as it drew there, or is refused in a sentence."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel
from diffusers.loaders.lora_conversion_utils import _maybe_map_sgm_blocks_to_diffusers
from peft import LoraConfig
from safetensors.torch import load_file, save_file
from test_export import KINDS, deltas, loaded, tuned_pipeline
from torch.testing import assert_close

from align.adapters.kohya import read_adapter
from align.adapters.lora import save_adapter
from align.adapters.lora_names import layers_of
from align.adapters.sgm_names import layout_of, sgm_name
from align.client.converter import ConverterProcess, failure_sentence
from align.client.models import describe_model
from align.contracts.models import embedded_folder
from align.errors import ConversionFailed, NotImportable
from align.families.sdxl import SDXL_UNET, TARGETS
from align.weights.export import export
from align.weights.full import holds_full_weights
from align.weights.import_lora import import_file
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def model(emoji):
    return emoji


@pytest.fixture
def lora(model, compute, tmp_path) -> Path:
    path = tmp_path / "lora.safetensors"
    save_adapter(tuned_pipeline(model, compute, r=2, lora_alpha=3).unet, path)
    return path


def renamed(path: Path, rename) -> Path:
    """The same weights under other names."""
    weights = load_file(path)
    save_file(
        {rename(name): w for name, w in weights.items()}, path.with_name("renamed.safetensors")
    )
    return path.with_name("renamed.safetensors")


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("another rank and alpha in places", "diffusers"),
        ("rslora", "diffusers"),
        ("alpha < rank", "kohya"),
    ],
)
def test_whatever_its_alpha_a_lora_makes_the_same_change(kind, form, model, compute, tmp_path):
    pipeline = tuned_pipeline(model, compute, **KINDS[kind])
    save_adapter(pipeline.unet, tmp_path / "lora.safetensors")
    precision = {"precision": "fp32"} if form == "kohya" else {}
    file = export(tmp_path / "lora.safetensors", tmp_path / "k.safetensors", form, **precision)
    facts = import_file(file, model, tmp_path / "ours.safetensors")
    # Stock diffusers, as the sampler uses it.
    ours = loaded(model, compute, tmp_path / "ours.safetensors")
    assert_close(deltas(ours.unet), deltas(pipeline.unet), rtol=1e-5, atol=1e-7)
    assert (facts["kind"], facts["form"]) == ("lora", form)
    adapter = read_adapter(tmp_path / "ours.safetensors")
    # Going on from it compares weights alone, so no alpha may hide in the metadata.
    assert adapter.alphas == {name: float(rank) for name, rank in adapter.ranks.items()}


@pytest.mark.parametrize("config", [SDXL_UNET, None], ids=["SDXL", "emoji"])
def test_sgm_names_are_those_that_diffusers_maps_back(config):
    with torch.device("meta"):
        if config is None:
            config = UNet2DConditionModel.load_config(embedded_folder(), subfolder="unet")
        unet = (
            UNet2DConditionModel(**config)
            if config is SDXL_UNET
            else (UNet2DConditionModel.from_config(config))
        )
    inner = [n for n in layers_of(unet) if "blocks" in n or "mid_block" in n]
    layout = layout_of(unet.config)
    sgm = {"lora_unet_" + sgm_name(n, layout).replace(".", "_") + ".alpha": n for n in inner}
    assert len(sgm) == len(inner)
    # Diffusers' own converter takes the names one at a time, and says which block each is in.
    back = _maybe_map_sgm_blocks_to_diffusers(dict.fromkeys(sgm), unet.config)
    assert len(back) == len(inner)
    theirs = {
        name.replace("input_blocks", "down_blocks")
        .replace("output_blocks", "up_blocks")
        .replace("middle_block", "mid_block")
        .replace("in_layers_2", "conv1")
        .replace("out_layers_3", "conv2")
        .replace("emb_layers_1", "time_emb_proj")
        .replace("skip_connection", "conv_shortcut")
        .replace("_op.", "_conv.")
        for name in back
    }
    assert theirs == {"lora_unet_" + n.replace(".", "_") + ".alpha" for n in inner}


def test_convolutions_and_feed_forward_layers_come_along(model, compute, tmp_path):
    tuned = load_pipeline(model, compute)
    tuned.unet.add_adapter(
        LoraConfig(r=2, lora_alpha=4, target_modules=TARGETS["all"], init_lora_weights=False)
    )
    save_adapter(tuned.unet, tmp_path / "all.safetensors")
    every, kohya = tmp_path / "all.safetensors", tmp_path / "k.safetensors"
    facts = import_file(
        export(every, kohya, "kohya", precision="fp32"), model, tmp_path / "ours.safetensors"
    )
    ours = loaded(model, compute, tmp_path / "ours.safetensors")
    assert_close(deltas(ours.unet), deltas(tuned.unet), rtol=1e-5, atol=1e-7)
    assert (facts["rank"], facts["alpha"]) == (2, 4.0)


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: name.replace("unet.", "base_model.model."),
        lambda name: name.replace(".lora_A.", ".lora.down.").replace(".lora_B.", ".lora.up."),
        lambda name: name.replace(".lora_A.", ".lora_A.default.").replace("B.", "B.default."),
        lambda name: name.replace("attn1.", "attn1.processor.").replace(".to_out.0.", ".to_out.")
        .replace("attn2.", "attn2.processor.")
        .replace(".lora_A.", "_lora.down.").replace(".lora_B.", "_lora.up."),
    ],
    ids=["peft", "older", "peft's state", "attention processors"],
)  # fmt: skip
def test_older_spellings_are_understood(rename, lora, model, tmp_path):
    import_file(renamed(lora, rename), model, tmp_path / "ours.safetensors")
    # Without metadata alpha means rank, as diffusers takes it.
    assert_close(load_file(tmp_path / "ours.safetensors"), load_file(lora), rtol=0, atol=0)


def test_the_alpha_of_a_peft_folder_counts(lora, model, tmp_path):
    folder = tmp_path / "peft"
    folder.mkdir()
    file = renamed(lora, lambda name: name.replace("unet.", "base_model.model."))
    file.replace(folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"r": 2, "lora_alpha": 3}))
    facts = import_file(folder, model, tmp_path / "ours.safetensors")
    assert facts["alpha"] == 3.0
    name, up = next((n, w) for n, w in load_file(lora).items() if "lora_B" in n)
    assert_close(load_file(tmp_path / "ours.safetensors")[name], 1.5 * up, rtol=0, atol=0)


def test_half_precision_stays_where_nothing_is_lost(lora, model, tmp_path):
    weights = {name: weight.half() for name, weight in load_file(lora).items()}
    for alpha, kept in ((2.0, torch.float16), (3.0, torch.float32)):
        config = {"unet.r": 2, "unet.lora_alpha": alpha}
        half = tmp_path / "half.safetensors"
        save_file(weights, half, {"lora_adapter_metadata": json.dumps(config)})
        import_file(half, model, tmp_path / "ours.safetensors")
        ours = load_file(tmp_path / "ours.safetensors")
        assert {weight.dtype for weight in ours.values()} == {kept}


def test_the_text_encoders_part_is_left_out_and_said(lora, model, tmp_path):
    weights = load_file(lora)
    weights |= {f"lora_te{n}_text_model_x.lora_down.weight": torch.ones(2, 4) for n in (1, 2)}
    save_file(weights, tmp_path / "both.safetensors")
    facts = import_file(tmp_path / "both.safetensors", model, tmp_path / "ours.safetensors")
    assert facts["text_encoder_weights_left_out"] == 2
    assert load_file(tmp_path / "ours.safetensors").keys() == load_file(lora).keys()


def test_of_a_tuned_pipeline_the_unet_becomes_whole_weights(model, tmp_path):
    folder = tmp_path / "tuned"
    shutil.copytree(model.load_path, folder)
    file = next((folder / "unet").glob("*.safetensors"))
    tuned = {name: weight.float() * 1.5 for name, weight in load_file(file).items()}
    save_file(tuned, file)
    facts = import_file(folder, model, tmp_path / "ours.safetensors")
    assert facts["kind"] == "whole" and holds_full_weights(tmp_path / "ours.safetensors")
    half = {name: weight.half() for name, weight in tuned.items()}
    assert_close(load_file(tmp_path / "ours.safetensors"), half, rtol=0, atol=0)
    again = import_file(tmp_path / "ours.safetensors", model, tmp_path / "again.safetensors")
    assert (again["kind"], again["form"]) == ("whole", "palate")


def broken_files(lora: Path, tmp_path: Path) -> dict[str, Path]:
    weights = load_file(lora)
    name = next(iter(weights))
    text = tmp_path / "text.safetensors"
    text.write_bytes(b"not a lora at all\n" * 600_000)
    made = {"text": text, "nowhere": tmp_path / "nowhere.safetensors"}
    for kind, changed in {
        "foreign": {f"transformer.{name}": weights[name]},
        "wide": {name: torch.ones(2, 2048)},
        "half": {key: w for key, w in weights.items() if key != name},
        "nan": weights | {name: torch.full_like(weights[name], float("nan"))},
        "lokr": {"lora_unet_mid_block_x.lokr_w1": torch.ones(1)},
        "encoder": {"lora_te1_text_model_x.lora_up.weight": torch.ones(1, 1)},
        "image": {"pixels": torch.ones(1)},
        "empty": {},
    }.items():
        made[kind] = tmp_path / f"{kind}.safetensors"
        # A file that lacks only one half of one weight has the other halves, "wide" both.
        save_file(weights | changed if kind == "wide" else changed, made[kind])
    deep = tmp_path / "deep.safetensors"
    save_file(weights, deep, {"lora_adapter_metadata": "[" * 100_000})
    header = b'{"a":' * 100_000
    (tmp_path / "header.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    beside = tmp_path / "beside"
    beside.mkdir()
    save_file(weights, beside / "adapter_model.safetensors")
    (beside / "adapter_config.json").write_text('{"r":' * 100_000, "utf-8")
    vector = tmp_path / "vector.safetensors"
    module = name.split(".lora")[0]
    save_file(weights | {f"{module}.alpha": torch.ones(3)}, vector)
    made |= {"deep": deep, "header": tmp_path / "header.safetensors", "vector": vector}
    made["beside"] = beside / "adapter_model.safetensors"
    made["cut"] = tmp_path / "cut.safetensors"
    made["cut"].write_bytes(lora.read_bytes()[:-100])
    made["pickle"] = tmp_path / "old.ckpt"
    made["pickle"].write_bytes(b"\x80\x04")
    made["folder"] = tmp_path / "folder"
    made["folder"].mkdir()
    return made


def test_what_does_not_fit_or_is_broken_gets_a_sentence_and_writes_nothing(lora, model, tmp_path):
    said = {
        "text": "is text, not weights",
        "nowhere": "nothing at",
        "foreign": "made for another model: emoji has no",
        "wide": r"takes \(2048,\)",
        "half": "lacks a half",
        "nan": "no finite numbers",
        "lokr": "made for another model: emoji has no",
        "encoder": "holds no LoRA for a UNet",
        "image": "no LoRA: it holds pixels",
        "empty": "holds no LoRA",
        "cut": "cut short or damaged",
        "pickle": "pickle",
        "folder": "holds 0 safetensors files",
        "deep": "not a JSON object",
        "header": "cut short or damaged",
        "vector": "alpha is .*, not one number",
        "beside": "is not JSON",
    }
    for kind, path in broken_files(lora, tmp_path).items():
        with pytest.raises(NotImportable, match=said[kind]):
            import_file(path, model, tmp_path / "ours.safetensors")
        assert not (tmp_path / "ours.safetensors").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_a_pipe_is_no_lora_and_is_not_waited_for(model, tmp_path):
    os.mkfifo(tmp_path / "pipe.safetensors")
    with pytest.raises(NotImportable, match="not a regular file"):
        import_file(tmp_path / "pipe.safetensors", model)


def test_a_unet_of_another_shape_or_target_is_refused(model, tmp_path):
    folder = tmp_path / "tuned"
    shutil.copytree(model.load_path, folder)
    scheduler = folder / "scheduler" / "scheduler_config.json"
    config = json.loads(scheduler.read_text())
    other = {"epsilon": "v_prediction", "v_prediction": "epsilon"}[config["prediction_type"]]
    scheduler.write_text(json.dumps(config | {"prediction_type": other}))
    with pytest.raises(NotImportable, match=f"predicts {other}"):
        import_file(folder, model)
    shutil.rmtree(folder / "scheduler")
    file = next((folder / "unet").glob("*.safetensors"))
    weights = load_file(file)
    save_file({"conv_in.weight": weights.pop("conv_in.weight")[:1], **weights}, file)
    with pytest.raises(NotImportable, match=r"its conv_in\.weight is"):
        import_file(folder, model)


def test_a_workshop_works_in_another_process(lora, tmp_path):
    converter, model = ConverterProcess(), describe_model()
    facts = converter.import_weights(lora, tmp_path / "ours.safetensors", model)
    assert facts["rank"] == 2 and (tmp_path / "ours.safetensors").is_file()


@pytest.mark.parametrize(
    ("code", "complaint", "said"),
    [
        (1, "a warning\nalign: There is no adapter at x. Name another.\n", "There is no adapter"),
        (1, "Traceback\nMemoryError\n", "It failed: MemoryError"),
        (-9, "", "stopped before it was done"),
    ],
)
def test_of_a_process_that_failed_its_own_sentence_is_told(code, complaint, said):
    assert said in failure_sentence(code, complaint)


def test_a_workshop_that_is_stopped_says_so(lora, tmp_path):
    converter = ConverterProcess()
    threading.Timer(0.5, converter.stop).start()
    with pytest.raises(ConversionFailed, match="stopped before it was done"):
        converter.import_weights(lora, tmp_path / "ours.safetensors", describe_model())
    assert not (tmp_path / "ours.safetensors").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_named(lora, model, tmp_path, monkeypatch):
    import align.weights.import_lora  # noqa: PLC0415

    def full(weights, path, metadata):
        with open("/dev/full", "wb", buffering=0) as file:
            file.write(b"x")

    monkeypatch.setattr(align.weights.import_lora, "save_file", full)
    with pytest.raises(align.weights.import_lora.DiskFull, match="was not taken in"):
        import_file(lora, model, tmp_path / "ours.safetensors")
