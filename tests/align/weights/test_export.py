from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
from diffusers.configuration_utils import FrozenDict
from diffusers.utils.state_dict_utils import convert_unet_state_dict_to_peft
from hypothesis import given
from hypothesis import strategies as st
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from align.adapters.kohya import (
    DOWN,
    UP,
    ExportError,
    LoraFile,
    kohya_name,
    kohya_weights,
    read_adapter,
)
from align.adapters.lora import ATTENTION, lora_state, save_adapter
from align.adapters.sgm_names import SDXL_LAYOUT
from align.client.models import describe_model
from align.client.run_folder import RunFolder
from align.contracts.run_files import RunStatus
from align.families.sdxl import SDXL_UNET
from align.weights.export import export
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow

KINDS = {
    "alpha = rank": {"r": 4, "lora_alpha": 4},
    "alpha < rank": {"r": 4, "lora_alpha": 1},
    "alpha > rank": {"r": 2, "lora_alpha": 3},
    "another rank and alpha in places": {
        "r": 4,
        "lora_alpha": 2,
        "rank_pattern": {"attn2.to_k": 2},
        "alpha_pattern": {"attn2.to_k": 7, r"^mid_block.*to_out.0": 3},
    },
    "rslora": {"r": 4, "lora_alpha": 3, "use_rslora": True},
}
# The UNet of stabilityai/stable-diffusion-xl-base-1.0, as published in its unet/config.json.


@pytest.fixture(scope="session")
def model(emoji):
    return emoji


@pytest.fixture(scope="session")
def pipeline(emoji_pipeline):
    return emoji_pipeline


@cache
def read(model, compute):
    """The pipeline of a model, read once; nobody changes it."""
    return load_pipeline(model, compute)


def fresh_pipeline(model, compute):
    """A pipeline whose UNet is its own, and whose other parts are those of all."""
    whole = read(model, compute)
    pipeline = type(whole)(**whole.components | {"unet": copy.deepcopy(whole.unet)})
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def tuned_pipeline(model, compute, **lora):
    """A pipeline with an adapter whose every weight does something."""
    pipeline = fresh_pipeline(model, compute)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pipeline.unet.add_adapter(LoraConfig(target_modules=ATTENTION, **lora))
        with torch.no_grad():
            for parameter in pipeline.unet.parameters():
                if parameter.requires_grad:
                    parameter.copy_(0.1 * torch.randn(parameter.shape))
    return pipeline


@pytest.fixture(params=KINDS.values(), ids=list(KINDS))
def tuned(request, model, compute, tmp_path):
    """A pipeline with an adapter, and the file of it."""
    pipeline = tuned_pipeline(model, compute, **request.param)
    save_adapter(pipeline.unet, tmp_path / "adapter.safetensors")
    return pipeline, tmp_path / "adapter.safetensors"


@pytest.fixture
def adapter_file(model, compute, tmp_path) -> Path:
    """The file of an adapter whose alpha is not its rank."""
    path = tmp_path / "adapter.safetensors"
    save_adapter(tuned_pipeline(model, compute, r=2, lora_alpha=3).unet, path)
    return path


@pytest.fixture
def done_run(make_run, adapter_file) -> Path:
    """A run folder as a finished trainer leaves it."""
    path = make_run("r0007", kappa=1200, objective="dpo")
    run = RunFolder(path)
    adapter_file.replace(run.adapter)
    run.write_status(RunStatus("done", step=3, steps=3, result={"pairs": 6}))
    return path


def loaded(model, compute, path: Path):
    """Stock diffusers with this LoRA file."""
    pipeline = fresh_pipeline(model, compute)
    pipeline.load_lora_weights(str(path.parent), weight_name=path.name, adapter_name="default")
    return pipeline


def latents(pipeline) -> torch.Tensor:
    with torch.inference_mode():
        return pipeline(
            prompt=["a cat face", "a rocket"],
            generator=[torch.Generator().manual_seed(seed) for seed in (1, 2)],
            width=128,
            height=128,
            num_inference_steps=2,
            guidance_scale=4.0,
            output_type="latent",
        ).images


def deltas(unet) -> dict[str, torch.Tensor]:
    """What the adapter adds to each weight."""
    return {
        name: module.get_delta_weight("default")
        for name, module in unet.named_modules()
        if hasattr(module, "get_delta_weight")
    }


def metadata(path: Path) -> dict[str, str]:
    with safe_open(path, framework="pt") as file:
        return file.metadata()


def miss(drawn: torch.Tensor, wanted: torch.Tensor, base: torch.Tensor) -> float:
    """How far from the wanted latents, as a share of what the adapter changes."""
    return float((drawn - wanted).norm() / (wanted - base).norm())


def test_diffusers_reads_the_kohya_file_as_the_same_adapter(tuned, model, compute, tmp_path):
    pipeline, path = tuned
    file = export(path, tmp_path / "k.safetensors", "kohya", precision="fp32")
    stock = loaded(model, compute, file)
    # Folding an alpha into a weight, and back out, rounds twice in fp32.
    assert_close(deltas(stock.unet), deltas(pipeline.unet), rtol=1e-6, atol=1e-8)
    assert lora_state(stock.unet).keys() == lora_state(pipeline.unet).keys()


def test_with_one_alpha_the_kohya_file_holds_the_very_weights(adapter_file, model, tmp_path):
    file = export(adapter_file, tmp_path / "k.safetensors", "kohya", precision="fp32")
    config = UNet2DConditionModel.load_config(model.load_path, subfolder="unet")
    state, alphas = StableDiffusionXLPipeline.lora_state_dict(
        str(tmp_path), weight_name=file.name, unet_config=FrozenDict(config)
    )
    assert_close(convert_unet_state_dict_to_peft(state), load_file(adapter_file), rtol=0, atol=0)
    assert set(alphas.values()) == {3.0}
    assert len(alphas) == len(state) / 2


@pytest.mark.parametrize(
    "tuned",
    [KINDS["alpha > rank"], KINDS["another rank and alpha in places"]],
    ids=["one alpha", "many"],
    indirect=True,
)
def test_every_form_draws_the_same_image(tuned, pipeline, model, compute, tmp_path):
    original, path = tuned
    wanted, base = latents(original), latents(pipeline)
    assert float((wanted - base).norm() / base.norm()) > 0.02
    kohya = export(path, tmp_path / "k.safetensors", "kohya", precision="fp32")
    same = export(path, tmp_path / "d.safetensors", "diffusers")
    folder = export(path, tmp_path / "m", "merged", precision="fp32", model=model)
    assert torch.equal(latents(loaded(model, compute, same)), wanted)
    # Sums in another order differ by about 1e-6 of a latent in fp32, and the adapters change
    # between 0.04 and 0.3 of it; a wrong alpha would miss by more than 0.1.
    assert miss(latents(loaded(model, compute, kohya)), wanted, base) < 1e-4
    merged = load_pipeline(describe_model(str(folder)), compute)
    assert miss(latents(merged), wanted, base) < 1e-4


def test_in_fp16_the_image_stays_within_the_rounding_of_weights(
    adapter_file, pipeline, model, compute, tmp_path
):
    wanted, base = latents(loaded(model, compute, adapter_file)), latents(pipeline)
    kohya = export(adapter_file, tmp_path / "k.safetensors", "kohya")
    folder = export(adapter_file, tmp_path / "m", "merged", model=model)
    assert {w.dtype for n, w in load_file(kohya).items() if "alpha" not in n} == {torch.float16}
    # fp16 rounds a weight by at most 2⁻¹¹ ≈ 5e-4 of itself, in either direction: the adapter's own
    # weights in kohya's form, and in the merged one sums that are as large as what is added here.
    assert miss(latents(loaded(model, compute, kohya)), wanted, base) < 2e-3
    merged = load_pipeline(describe_model(str(folder)), compute)
    assert miss(latents(merged), wanted, base) < 2e-3


def test_the_diffusers_form_keeps_weights_and_configuration(adapter_file, tmp_path):
    file = export(adapter_file, tmp_path / "d.safetensors", "diffusers")
    assert_close(load_file(file), load_file(adapter_file), rtol=0, atol=0)
    assert metadata(adapter_file).items() <= metadata(file).items()
    assert metadata(file)["modelspec.title"] == "d"


@pytest.fixture(scope="module")
def sdxl() -> dict[str, torch.Tensor]:
    """An all-zero adapter of rank 1 for the attention of full SDXL."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(**SDXL_UNET)
        unet.add_adapter(LoraConfig(r=1, lora_alpha=1, target_modules=ATTENTION))
    state = get_peft_model_state_dict(unet)
    return {f"unet.{n}": torch.zeros(w.shape) for n, w in state.items()}


def test_on_sdxl_diffusers_finds_the_original_names_again(sdxl, tmp_path):
    state = sdxl
    save_file(state, tmp_path / "adapter.safetensors")
    file = export(tmp_path / "adapter.safetensors", tmp_path / "k.safetensors", "kohya")
    with torch.device("meta"):
        config = UNet2DConditionModel(**SDXL_UNET).config
    back, _ = StableDiffusionXLPipeline.lora_state_dict(
        str(tmp_path), weight_name=file.name, unet_config=config
    )
    shapes = {n: w.shape for n, w in convert_unet_state_dict_to_peft(back).items()}
    assert shapes == {n: w.shape for n, w in state.items()}


def test_only_an_adapter_of_sdxls_size_is_called_one(sdxl, adapter_file, tmp_path):
    full = tmp_path / "full.safetensors"
    save_file(sdxl, full)
    said = metadata(export(full, tmp_path / "k.safetensors", "kohya"))
    assert said["ss_base_model_version"] == "sdxl_base_v1-0"
    assert said["modelspec.architecture"] == "stable-diffusion-xl-v1-base/lora"
    small = metadata(export(adapter_file, tmp_path / "s.safetensors", "kohya"))
    assert not {"ss_base_model_version", "modelspec.architecture"} & small.keys()


def predicts(model) -> str:
    """As the specification writes it."""
    config = json.loads((Path(model.load_path) / "scheduler" / "scheduler_config.json").read_text())
    return {"epsilon": "epsilon", "v_prediction": "v"}[config["prediction_type"]]


def test_a_kohya_file_of_a_run_says_how_it_was_made(done_run, model, tmp_path):
    said = metadata(export(done_run, tmp_path / "warm.safetensors", "kohya"))
    manifest = (done_run / "snapshot" / "manifest.json").read_bytes()
    expected = {
        "format": "pt",
        "ss_network_module": "networks.lora",
        "ss_network_dim": "2",
        "ss_network_alpha": "3",
        "ss_max_train_steps": "3",
        "ss_steps": "3",
        "ss_sd_model_name": "emoji",
        "ss_output_name": "warm",
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.title": "warm",
        "modelspec.resolution": "128x128",
        "modelspec.prediction_type": predicts(model),
        "palate.kappa": "1200.0",
        "palate.pairs": "6",
        "palate.run": "r0007",
        "palate.snapshot": "s0001",
        "palate.snapshot_sha256": hashlib.sha256(manifest).hexdigest(),
        "palate.base": "emoji",
        "palate.base_identity": model.identity,
    }
    assert expected.items() <= said.items()
    assert "dpo" in said["palate.objective"]
    assert said["modelspec.date"].endswith("Z")
    assert "lora_adapter_metadata" not in said


def test_no_form_tells_a_path_of_this_machine(done_run, tmp_path):
    export(done_run, tmp_path / "k.safetensors", "kohya")
    export(done_run, tmp_path / "d.safetensors", "diffusers")
    folder = export(done_run, tmp_path / "m", "merged")
    texts = [file.read_text() for file in folder.rglob("*.json")]
    texts += [json.dumps(metadata(tmp_path / f"{name}.safetensors")) for name in "kd"]
    home = str(describe_model().load_path)
    assert not any(str(tmp_path) in text or home in text for text in texts)


def test_the_hash_is_that_of_the_tensors_alone(adapter_file, tmp_path):
    file = export(adapter_file, tmp_path / "k.safetensors", "kohya")
    whole = file.read_bytes()
    digest = hashlib.sha256(whole[8 + int.from_bytes(whole[:8], "little") :]).hexdigest()
    assert metadata(file)["sshs_model_hash"] == digest
    assert metadata(file)["modelspec.hash_sha256"] == f"0x{digest}"


def test_the_same_run_gives_the_same_tensors_and_metadata(done_run, tmp_path):
    first = export(done_run, tmp_path / "a" / "x.safetensors", "kohya")
    again = export(done_run, tmp_path / "b" / "x.safetensors", "kohya")
    # Among metadata the hash is that of all tensors; safetensors writes metadata in any order.
    assert metadata(again) == metadata(first)


def test_a_run_is_merged_into_the_model_it_came_from(done_run, model, compute, tmp_path):
    (tmp_path / "m").mkdir()
    folder = export(done_run, tmp_path / "m", "merged")
    merged = describe_model(str(folder))
    assert (merged.width, merged.steps, merged.variant) == (model.width, model.steps, None)
    assert json.loads((folder / "palate.json").read_text())["palate.run"] == "r0007"
    before = load_pipeline(model, compute).unet.state_dict()
    after = load_pipeline(merged, compute).unet.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {
        name.removeprefix("unet.").replace(DOWN, ".weight")
        for name in load_file(done_run / "adapter.safetensors")
        if name.endswith(DOWN)
    }


@given(
    alphas=st.dictionaries(st.text("abc.", min_size=1, max_size=6), st.floats(0.01, 512)),
    rank=st.integers(1, 4),
)
def test_whatever_the_alphas_the_kohya_weights_make_the_same_change(alphas, rank):
    alphas = {f"unet.{module}": alpha for module, alpha in alphas.items()}
    generator = torch.Generator().manual_seed(0)
    weights = {
        module + end: torch.randn(shape, generator=generator)
        for module in alphas
        for end, shape in ((DOWN, (rank, 3)), (UP, (5, rank)))
    }
    adapter = LoraFile(weights, dict.fromkeys(alphas, rank), alphas, {})
    names = {kohya_name(module, SDXL_LAYOUT.name) for module in alphas}
    if not alphas or len(names) < len(alphas):
        return
    kohya = kohya_weights(adapter, torch.float32, SDXL_LAYOUT.name)
    assert len({float(kohya[f"{name}.alpha"]) for name in names}) == 1
    for module, alpha in alphas.items():
        name = kohya_name(module, SDXL_LAYOUT.name)
        down, up = kohya[f"{name}.lora_down.weight"], kohya[f"{name}.lora_up.weight"]
        change = kohya[f"{name}.alpha"] / down.shape[0] * (up @ down)
        wanted = alpha / rank * (weights[module + UP] @ weights[module + DOWN])
        assert_close(change, wanted, rtol=1e-5, atol=1e-5 * alpha)


def altered(path: Path, **changes: torch.Tensor | None) -> Path:
    """A copy of an adapter file with weights put in or, where None, taken out."""
    weights = load_file(path) | changes
    other = path.with_name("altered.safetensors")
    kept = {name: weight for name, weight in weights.items() if weight is not None}
    save_file(kept, other, metadata=metadata(path))
    return other


def test_a_dora_is_refused_by_kohya_only(adapter_file, tmp_path):
    module = next(name for name in load_file(adapter_file)).split(".lora_")[0]
    dora = altered(adapter_file, **{f"{module}.lora_magnitude_vector": torch.ones(64)})
    with pytest.raises(ExportError, match=r"is a DoRA.*in the dora form for ComfyUI"):
        export(dora, tmp_path / "k.safetensors", "kohya")
    assert export(dora, tmp_path / "d.safetensors", "diffusers").is_file()
    assert not (tmp_path / "k.safetensors").exists()


def test_two_modules_of_one_kohya_name_are_refused():
    weights = {n + end: torch.ones(1, 1) for n in ("unet.a.b", "unet.a_b") for end in (DOWN, UP)}
    both = dict.fromkeys(("unet.a.b", "unet.a_b"), 1)
    with pytest.raises(ExportError, match="Two modules would both be called lora_unet_a_b"):
        adapter = LoraFile(weights, both, {n: 1.0 for n in both}, {})
        kohya_weights(adapter, torch.float32, SDXL_LAYOUT.name)


def test_a_weight_beyond_fp16_is_refused_and_fits_fp32(adapter_file, tmp_path):
    name, weight = next(iter(load_file(adapter_file).items()))
    large = altered(adapter_file, **{name: torch.full_like(weight, 1e5)})
    with pytest.raises(ExportError, match=r"no finite number in float16\. Export in fp32"):
        export(large, tmp_path / "k.safetensors", "kohya")
    assert export(large, tmp_path / "k.safetensors", "kohya", precision="fp32").is_file()


def test_half_a_module_is_refused(adapter_file, tmp_path):
    name = next(name for name in load_file(adapter_file) if name.endswith(UP))
    with pytest.raises(ExportError, match=f"lacks {name}. Copy the adapter again"):
        read_adapter(altered(adapter_file, **{name: None}))


def test_files_that_are_no_adapter_are_named(adapter_file, tmp_path):
    target = tmp_path / "k.safetensors"
    with pytest.raises(ExportError, match=r"no adapter at .*none\.safetensors\. Name a run folder"):
        export(tmp_path / "none.safetensors", target, "kohya")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(adapter_file.read_bytes()[:-100])
    with pytest.raises(ExportError, match=r"cut\.safetensors is cut short, or not a safetensors"):
        export(cut, target, "kohya")
    save_file({"weight": torch.ones(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ExportError, match=r"other\.safetensors holds no LoRA in diffusers' form"):
        export(tmp_path / "other.safetensors", target, "kohya")
    assert not target.exists()


def test_broken_metadata_is_refused_and_none_means_full_strength(adapter_file, tmp_path):
    bare = tmp_path / "bare.safetensors"
    save_file(load_file(adapter_file), bare)
    assert set(read_adapter(bare).alphas.values()) == {2.0}
    save_file(load_file(adapter_file), bare, metadata={"lora_adapter_metadata": "{"})
    with pytest.raises(ExportError, match="is not a JSON object"):
        read_adapter(bare)


def test_a_run_without_an_adapter_says_where_it_stands(make_run, tmp_path):
    with pytest.raises(ExportError, match=r"has no adapter: its run is queued\. Wait for it"):
        export(make_run(), tmp_path / "k.safetensors", "kohya")


@pytest.mark.parametrize(
    ("form", "target", "sentence"),
    [
        (
            "onnx",
            "x.safetensors",
            "Unknown form 'onnx'. Known ones: kohya, diffusers, dora,",
        ),
        ("kohya", "x.bin", "end it in .safetensors"),
        ("kohya", "full", "end it in .safetensors"),
        ("kohya", "adapter.safetensors", "is the adapter itself. Name another file."),
        ("merged", "full", "already holds something. Name a new or an empty folder."),
        ("merged", "adapter.safetensors", "already holds something."),
        ("merged", "new", "does not say which model it was trained from."),
    ],
)
def test_what_cannot_be_written_is_said_before_anything_is(
    form, target, sentence, adapter_file, tmp_path
):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    before = adapter_file.read_bytes()
    with pytest.raises(ExportError) as error:
        export(adapter_file, tmp_path / target, form)
    assert sentence in str(error.value)
    assert adapter_file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adapter.safetensors", "full"]


def test_an_unknown_precision_is_named(adapter_file, tmp_path):
    with pytest.raises(ExportError, match=r"Unknown precision 'int4'\. Known ones: fp16, fp32"):
        export(adapter_file, tmp_path / "k.safetensors", "kohya", precision="int4")


@pytest.mark.parametrize("width", [64, 2048])
def test_an_adapter_of_another_model_is_not_merged(width, adapter_file, model, tmp_path):
    module = "unet.down_blocks.9.attentions.0.transformer_blocks.0.attn2.to_k"
    if width == 2048:
        module = next(n for n in load_file(adapter_file) if n.endswith(UP)).removesuffix(UP)
    foreign = {module + DOWN: torch.ones(2, width), module + UP: torch.ones(64, 2)}
    other = altered(adapter_file, **foreign)
    with pytest.raises(ExportError, match=r"does not fit emoji .* Name the model"):
        export(other, tmp_path / "m", "merged", model=model)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_a_base_that_changed_since_the_run_is_named(done_run, tmp_path):
    config = RunFolder(done_run).read_config()
    model = replace(config.model, identity="emoji-0123456789ab")
    RunFolder(done_run).write_config(replace(config, model=model))
    with pytest.raises(ExportError, match="emoji is no longer the model that this run was trained"):
        export(done_run, tmp_path / "m", "merged")


@pytest.mark.parametrize(
    ("form", "name", "card"),
    [("kohya", "cats.safetensors", "cats.md"), ("peft", "cats", "cats/README.md")],
)
def test_a_card_lies_beside_a_file_and_in_a_folder(done_run, tmp_path, form, name, card):
    counts = {"preference": 5, "tie": 1, "skip": 2}
    known = {"counts": counts, "sources": {"pickapic": 40}}
    (done_run / "snapshot").mkdir(exist_ok=True)
    (done_run / "snapshot" / "manifest.json").write_text(json.dumps(known))
    export(done_run, tmp_path / "out" / name, form)

    text = (tmp_path / "out" / card).read_text()
    assert text.startswith("---\n# license: fill in") and "# cats\n" in text
    votes = "| Votes | choices between two images: 5, ties: 1, from pickapic: 40 |"
    for said in ("| Base | ", "| Objective | dpo |", votes):
        assert said in text
    assert str(tmp_path) not in text and str(done_run.parent) not in text


def test_a_card_that_somebody_filled_in_stays(done_run, tmp_path):
    (tmp_path / "cats.md").write_text("license: mine")
    export(done_run, tmp_path / "cats.safetensors", "kohya")
    assert (tmp_path / "cats.md").read_text() == "license: mine"
