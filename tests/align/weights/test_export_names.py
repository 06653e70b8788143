"""The kohya form is called, layer by layer, what sd-scripts calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
from diffusers.utils.state_dict_utils import convert_unet_state_dict_to_peft
from hypothesis import given
from hypothesis import strategies as st
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from align.adapters.kohya import DOWN, UP, ExportError, LoraFile, kohya_name, kohya_weights
from align.adapters.lora import save_adapter
from align.adapters.lora_names import known_names, plain_name
from align.adapters.sgm_names import SDXL_LAYOUT, Layout, guess_layout, layout_of
from align.client.models import describe_model
from align.contracts.models import embedded_folder
from align.families.sdxl import SDXL_UNET, TARGETS
from align.weights.export import export
from align.weights.import_lora import import_file
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow

NAMES = (Path(__file__).parent / "sdxl_kohya_names.txt").read_text("utf-8").split()
"""What sd-scripts calls the layers of SDXL's UNet that it trains with a conv_dim, in its order."""
ATTENTION_ENDS = ("_to_q", "_to_k", "_to_v", "_to_out_0")


@pytest.fixture(scope="session")
def model(emoji):
    return emoji


def empty_unet(config) -> UNet2DConditionModel:
    with torch.device("meta"):
        return UNet2DConditionModel.from_config(config)


def sdxl_adapter(targets: str, folder: Path) -> Path:
    """An all-zero adapter of rank 1 on the layers of full SDXL that a run trains."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(**SDXL_UNET)
        unet.add_adapter(LoraConfig(r=1, lora_alpha=1, target_modules=TARGETS[targets]))
    state = get_peft_model_state_dict(unet)
    file = folder / f"{targets}.safetensors"
    save_file({f"unet.{name}": torch.zeros(w.shape) for name, w in state.items()}, file)
    return file


@pytest.fixture(scope="module")
def kohya_files(tmp_path_factory) -> dict[str, Path]:
    """The kohya form of an adapter for SDXL, by its targets."""
    folder = tmp_path_factory.mktemp("sdxl")
    return {
        targets: export(sdxl_adapter(targets, folder), folder / f"{targets}-k.safetensors", "kohya")
        for targets in TARGETS
    }


@pytest.mark.parametrize(("targets", "count"), [("attention", 560), ("all", 788)])
def test_each_layer_of_sdxl_gets_the_name_that_sd_scripts_writes(kohya_files, targets, count):
    written = {name.split(".")[0] for name in load_file(kohya_files[targets])}
    theirs = {name for name in NAMES if targets == "all" or name.endswith(ATTENTION_ENDS)}
    assert len(theirs) == count
    assert written == theirs


@pytest.mark.parametrize("targets", TARGETS)
def test_each_layer_has_the_three_tensors_of_sd_scripts(kohya_files, targets):
    weights = load_file(kohya_files[targets])
    for name in {key.split(".")[0] for key in weights}:
        down, up = weights[f"{name}.lora_down.weight"], weights[f"{name}.lora_up.weight"]
        assert weights[f"{name}.alpha"].shape == ()
        assert down.ndim == up.ndim
        assert tuple(up.shape[2:]) in ((), (1, 1))


@pytest.mark.parametrize("targets", TARGETS)
def test_diffusers_finds_every_layer_of_sdxl_again(kohya_files, targets, tmp_path):
    file = kohya_files[targets]
    config = empty_unet(SDXL_UNET).config
    back, _ = StableDiffusionXLPipeline.lora_state_dict(
        str(file.parent), weight_name=file.name, unet_config=config
    )
    shapes = {n: w.shape for n, w in convert_unet_state_dict_to_peft(back).items()}
    original = file.parent / f"{targets}.safetensors"
    assert shapes == {n: w.shape for n, w in load_file(original).items()}


@pytest.mark.parametrize(
    ("targets", "arguments"),
    [("attention", None), ("all", {"conv_dim": "1", "conv_alpha": "1"})],
)
def test_the_rank_of_convolutions_is_said_apart(kohya_files, targets, arguments):
    with safe_open(kohya_files[targets], framework="pt") as file:
        said = file.metadata()
    assert json.loads(said.get("ss_network_args", "null")) == arguments
    assert said["ss_network_module"] == "networks.lora"
    assert said["modelspec.implementation"].endswith("/generative-models")


def test_the_embedded_model_numbers_its_own_blocks(model, tmp_path):
    unet = empty_unet(UNet2DConditionModel.load_config(embedded_folder(), subfolder="unet"))
    layout = layout_of(unet.config)
    assert layout == Layout((1, 1, 1), (True, True, False))
    # One layer a block, so that SDXL's output block 5 is its 3.
    name = "unet.up_blocks.1.upsamplers.0.conv"
    assert kohya_name(name, layout.name) == "lora_unet_output_blocks_3_2_conv"
    assert kohya_name(name, SDXL_LAYOUT.name) == "lora_unet_output_blocks_5_2_conv"


def test_blocks_of_different_depth_are_numbered_through():
    layout = Layout((1, 3), (True, True))
    names = {
        "down_blocks.1.resnets.2.conv1": "input_blocks_5_0_in_layers_2",
        "down_blocks.0.downsamplers.0.conv": "input_blocks_2_0_op",
        "up_blocks.0.upsamplers.0.conv": "output_blocks_3_2_conv",
        "up_blocks.1.attentions.1.proj_in": "output_blocks_5_1_proj_in",
        "conv_in": "input_blocks_0_0",
    }
    assert {n: kohya_name(f"unet.{n}", layout.name)[len("lora_unet_") :] for n in names} == names


def one_layer(module: str, folder: Path) -> Path:
    """An adapter of rank 1 that changes one linear layer of 8 values."""
    weights = {module + DOWN: torch.ones(1, 8), module + UP: torch.ones(8, 1)}
    save_file(weights, folder / "one.safetensors")
    return folder / "one.safetensors"


def names_in(file: Path) -> set[str]:
    return {name.split(".")[0] for name in load_file(file)}


def test_an_adapter_alone_that_does_not_tell_its_model_is_refused(model, tmp_path):
    few = one_layer("unet.up_blocks.0.attentions.0.proj_in", tmp_path)
    target = tmp_path / "k.safetensors"
    with pytest.raises(ExportError, match="does not say which model it was trained from, and koh"):
        export(few, target, "kohya")
    assert not target.exists()
    assert names_in(export(few, target, "kohya", model=model)) == {
        "lora_unet_output_blocks_0_1_proj_in"
    }


def test_the_middle_is_called_the_same_in_every_model(tmp_path):
    file = one_layer("unet.mid_block.attentions.0.proj_in", tmp_path)
    assert names_in(export(file, tmp_path / "k.safetensors", "kohya")) == {
        "lora_unet_middle_block_1_proj_in"
    }


@pytest.mark.parametrize("config", [SDXL_UNET, None], ids=["SDXL", "emoji"])
@pytest.mark.parametrize("targets", TARGETS)
def test_a_whole_adapter_tells_its_models_layout(config, targets):
    config = config or UNet2DConditionModel.load_config(embedded_folder(), subfolder="unet")
    unet = empty_unet(config)
    ends = tuple(f".{end}" for end in TARGETS[targets])
    layers = [name for name, _ in unet.named_modules() if name.endswith(ends)]
    assert guess_layout(layers) == layout_of(unet.config)


@given(
    layout=st.builds(
        lambda depths: Layout(tuple(depths), (True,) * len(depths)),
        st.lists(st.integers(1, 4), min_size=1, max_size=4),
    ),
    ranks=st.lists(st.tuples(st.integers(1, 3), st.floats(0.1, 64)), min_size=1, max_size=12),
    data=st.data(),
)
def test_whatever_the_blocks_ranks_and_alphas_no_two_layers_share_a_name(layout, ranks, data):
    modules = [
        f"unet.{side}_blocks.{block}.{kind}.{number}.{inner}"
        for side in ("down", "up")
        for block in range(len(layout.depths))
        for kind, inner in (("attentions", "proj_in"), ("resnets", "conv1"))
        for number in range(layout.depth(side, block))
    ]
    picked = data.draw(st.lists(st.sampled_from(modules), min_size=1, max_size=12, unique=True))
    sizes = dict(zip(picked, ranks, strict=False))
    weights = {m + DOWN: torch.ones(r, 2, 3, 3) for m, (r, _) in sizes.items()}
    weights |= {m + UP: torch.ones(4, r, 1, 1) for m, (r, _) in sizes.items()}
    adapter = LoraFile(
        weights, {m: r for m, (r, _) in sizes.items()}, {m: a for m, (_, a) in sizes.items()}, {}
    )

    written = kohya_weights(adapter, torch.float32, layout.name)

    assert len({name.split(".")[0] for name in written}) == len(sizes)
    for module, (rank, alpha) in sizes.items():
        name = kohya_name(module, layout.name)
        up = float(written[f"{name}.lora_up.weight"].max())
        scale = float(written[f"{name}.alpha"]) / rank * up
        assert scale == pytest.approx(alpha / rank, rel=1e-5)


@pytest.fixture(scope="module")
def tuned(model, compute):
    """The embedded model with every layer changed, ranks and alphas of all sorts."""
    pipeline = load_pipeline(model, compute)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pipeline.unet.add_adapter(
            LoraConfig(
                r=3,
                lora_alpha=2,
                target_modules=TARGETS["all"],
                rank_pattern={"conv1": 5, "attn2.to_k": 1},
                alpha_pattern={"conv1": 4, "upsamplers.0.conv": 9},
                init_lora_weights=False,
            )
        )
    return pipeline


def changes(unet) -> dict[str, torch.Tensor]:
    return {
        name: module.get_delta_weight("default").detach()
        for name, module in unet.named_modules()
        if hasattr(module, "get_delta_weight")
    }


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-6), ("fp16", 2e-3)])
def test_what_is_exported_comes_back_as_the_same_change(
    precision, tolerance, tuned, model, compute, tmp_path
):
    save_adapter(tuned.unet, tmp_path / "adapter.safetensors")
    file = export(
        tmp_path / "adapter.safetensors", tmp_path / "k.safetensors", "kohya", precision=precision
    )
    ours = load_pipeline(model, compute)
    import_file(file, model, tmp_path / "ours.safetensors")
    ours.load_lora_weights(str(tmp_path), weight_name="ours.safetensors", adapter_name="default")
    stock = load_pipeline(model, compute)
    stock.load_lora_weights(str(tmp_path), weight_name=file.name, adapter_name="default")

    wanted = changes(tuned.unet)
    for unet in (ours.unet, stock.unet):
        found = changes(unet)
        assert found.keys() == wanted.keys()
        for name, change in wanted.items():
            assert float((found[name] - change).norm() / change.norm()) < tolerance, name


def test_names_of_the_older_form_are_still_read(tuned):
    layers = ("up_blocks.0.upsamplers.0.conv", "down_blocks.1.attentions.0.proj_in")
    names = known_names(tuned.unet, layers)
    older = ["lora_unet_" + layer.replace(".", "_") for layer in layers]
    assert {names[plain_name(name)] for name in older} == set(layers)
    assert names[plain_name("lora_unet_output_blocks_1_2_conv")] == layers[0]


def test_a_model_that_is_gone_is_told_by_the_adapter(tuned, make_run, tmp_path):
    run = make_run("r0001")
    save_adapter(tuned.unet, run / "adapter.safetensors")
    whole = names_in(export(run, tmp_path / "a.safetensors", "kohya"))
    config = json.loads((run / "config.json").read_text("utf-8"))
    config["model"]["path"] = str(tmp_path / "moved")
    (run / "config.json").write_text(json.dumps(config), "utf-8")
    assert names_in(export(run, tmp_path / "b.safetensors", "kohya")) == whole
    assert describe_model().path == "emoji"
