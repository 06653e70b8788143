"""What stands beside the halves of an adapter counts, or the file is refused: never left out."""

from __future__ import annotations

import json

import pytest
import torch
from lora_files import CONV, QUERY, full, kohya, loha, lora, numbers, write
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from align.adapters.lora_origins import origin_of
from align.errors import NotImportable
from align.weights.import_lora import import_file
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow

HALVES = {"lora_A": numbers(2, 128), "lora_B": numbers(128, 2, seed=1)}
OUT = QUERY.replace("to_q", "to_out.0")


@pytest.fixture(scope="session")
def model(emoji):
    return emoji


@pytest.fixture(scope="module")
def base(model, compute):
    """The weights of the embedded UNet."""
    return load_pipeline(model, compute).unet.state_dict()


def brought(weights, model, tmp_path, **metadata):
    """What a file becomes."""
    tensors = {key: weight.contiguous().clone() for key, weight in weights.items()}
    save_file(tensors, tmp_path / "x.safetensors", metadata or None)
    facts = import_file(tmp_path / "x.safetensors", model, tmp_path / "ours.safetensors")
    return facts["kind"], load_file(tmp_path / "ours.safetensors")


def refusal(weights, model, tmp_path, **metadata):
    """What is said of a file."""
    with pytest.raises(NotImportable) as error:
        brought(weights, model, tmp_path, **metadata)
    return str(error.value)


def eight_bits(weight):
    """A weight in 8 bits, and the number that it is to be multiplied with."""
    scale = weight.abs().max() / 200
    return (weight / scale).to(torch.float8_e4m3fn), scale


@pytest.mark.parametrize("end", ["scale_weight", "diff.weight_scale", "diff.scale_weight"])
def test_the_scale_of_a_difference_in_8_bits_counts(end, model, base, tmp_path):
    small, scale = eight_bits(full()["diff"])
    module = kohya(QUERY)
    _, ours = brought({f"{module}.diff": small, f"{module}.{end}": scale}, model, tmp_path)
    right = base[f"{QUERY}.weight"] + small.float() * scale
    assert_close(ours[f"{QUERY}.weight"], right.half(), rtol=0, atol=5e-4)


def test_every_part_of_a_loha_in_8_bits_has_a_scale(model, tmp_path):
    weights, plain = {}, {}
    for part, weight in loha().items():
        plain[f"{kohya(QUERY)}.{part}"] = weight
        if part.startswith("hada"):
            small, scale = eight_bits(weight)
            weights[f"{kohya(QUERY)}.{part}"] = small
            weights[f"{kohya(QUERY)}.{part}.scale_weight"] = scale
            plain[f"{kohya(QUERY)}.{part}"] = small.float() * scale
    weights[f"{kohya(QUERY)}.alpha"] = loha()["alpha"]
    _, ours = brought(weights, model, tmp_path)
    _, right = brought(plain, model, tmp_path)
    for name, weight in right.items():
        assert_close(ours[name], weight)


def test_a_scale_of_nothing_is_no_part_of_an_adapter(model, tmp_path):
    weights = {f"{kohya(QUERY)}.{part}": weight for part, weight in lora().items()}
    said = refusal(weights | {f"{kohya(QUERY)}.scale_weight": torch.ones(1)}, model, tmp_path)
    assert "scale_weight, which is no part of a LoRA" in said


def test_a_scale_for_each_column_is_none_for_each_row(model, tmp_path):
    small, scale = eight_bits(full()["diff"])
    weights = {f"{kohya(QUERY)}.diff": small, f"{kohya(QUERY)}.scale_weight": scale.expand(1, 128)}
    assert "a scale is (1, 128)" in refusal(weights, model, tmp_path)


TWICE = {
    "two adapters of PEFT": ("lora_{}.cats.weight", "lora_{}.dogs.weight"),
    "with a name and without": ("lora_{}.weight", "lora_{}.dogs.weight"),
    "with weight and without": ("lora_{}.weight", "lora_{}"),
}


@pytest.mark.parametrize("ends", TWICE.values(), ids=TWICE)
def test_of_two_adapters_in_a_file_none_is_dropped_without_a_word(ends, model, tmp_path):
    weights = {
        f"unet.{QUERY}.{end.format(half[-1])}": weight
        for end in ends
        for half, weight in HALVES.items()
    }
    assert "more than one change of a layer" in refusal(weights, model, tmp_path)


def test_what_stands_beside_a_quantised_tensor_is_not_the_tensor(model, tmp_path):
    weights = {f"unet.{QUERY}.{half}.weight": weight for half, weight in HALVES.items()}
    beside = {f"unet.{QUERY}.lora_A.weight.absmax": numbers(2, 128)}
    assert "absmax, which is no part" in refusal(weights | beside, model, tmp_path)


@pytest.mark.parametrize("start", ["pissa", "pissa_niter_4", "OLoRA", "corda", "lora_ga", "loftq"])
def test_a_lora_that_stands_on_a_changed_base_is_refused(start, model, tmp_path):
    weights = {f"base_model.model.{QUERY}.{half}.weight": w for half, w in HALVES.items()}
    config = json.dumps({"unet.r": 2, "unet.lora_alpha": 2, "unet.init_lora_weights": start})
    assert "path_initial_model_for" in refusal(
        weights, model, tmp_path, lora_adapter_metadata=config
    )


@pytest.mark.parametrize("start", [True, False, "gaussian", "eva", "orthogonal"])
def test_other_beginnings_leave_the_base_as_it_is(start, model, tmp_path):
    weights = {f"unet.{QUERY}.{half}.weight": w for half, w in HALVES.items()}
    config = json.dumps({"unet.r": 2, "unet.lora_alpha": 2, "unet.init_lora_weights": start})
    assert brought(weights, model, tmp_path, lora_adapter_metadata=config)[0] == "lora"


def test_biases_of_layers_that_peft_wrapped_are_found(model, base, tmp_path):
    root = f"base_model.model.{OUT}"
    weights = {f"{root}.{half}.weight": w for half, w in HALVES.items()}
    _, ours = brought(weights | {f"{root}.base_layer.bias": numbers(128)}, model, tmp_path)
    assert torch.equal(ours[f"{OUT}.bias"], numbers(128).half())
    right = base[f"{OUT}.weight"] + HALVES["lora_B"] @ HALVES["lora_A"]
    assert_close(ours[f"{OUT}.weight"], right.half(), rtol=0, atol=2e-4)


def test_a_change_stands_on_the_layer_that_the_file_holds_whole(model, base, tmp_path):
    root, other = f"base_model.model.{QUERY}", base[f"{QUERY}.weight"] / 2
    weights = {f"{root}.{half}.default.weight": w for half, w in HALVES.items()}
    kind, ours = brought(weights | {f"{root}.base_layer.weight": other}, model, tmp_path)
    assert kind == "whole"
    right = other + HALVES["lora_B"] @ HALVES["lora_A"]
    assert_close(ours[f"{QUERY}.weight"], right.half(), rtol=0, atol=2e-4)


def test_of_a_layer_that_peft_trained_whole_the_trained_one_counts(model, base, tmp_path):
    root = f"base_model.model.{CONV}"
    weights = {f"base_model.model.{QUERY}.{half}.weight": w for half, w in HALVES.items()} | {
        f"{root}.modules_to_save.default.weight": torch.ones(128, 64, 3, 3),
        f"{root}.original_module.weight": base[f"{CONV}.weight"],
        f"{root}.original_module.bias": base[f"{CONV}.bias"],
    }
    _, ours = brought(weights, model, tmp_path)
    assert ours[f"{CONV}.weight"].eq(1).all()


@pytest.mark.parametrize("part", ["dora_scale", "alpha"])
def test_settings_without_halves_are_no_file_for_another_model(part, model, tmp_path):
    file = write(tmp_path / "x.safetensors", {part: torch.ones(1)}, kohya(QUERY))
    with pytest.raises(NotImportable, match="nothing but settings of a LoRA"):
        import_file(file, model)


@pytest.mark.parametrize("root", ["unet.", "lora_unet_", "base_model.model."])
def test_a_configuration_counts_for_files_of_peft_alone(root, model, tmp_path):
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 2, "lora_alpha": 64}))
    name = QUERY.replace(".", "_") if root == "lora_unet_" else QUERY
    weights = {f"{root}{name}.{half}.weight": weight for half, weight in HALVES.items()}
    save_file(weights, tmp_path / "cats.safetensors")
    alpha = import_file(tmp_path / "cats.safetensors", model)["alpha"]
    assert alpha == (64 if root == "base_model.model." else 2)


def test_a_dora_that_was_never_trained_changes_nothing(model, base, tmp_path):
    lengths = base[f"{QUERY}.weight"].norm(dim=1)
    weights = {
        f"unet.{QUERY}.lora_A.weight": HALVES["lora_A"],
        f"unet.{QUERY}.lora_B.weight": torch.zeros(128, 2),
        f"unet.{QUERY}.lora_magnitude_vector": lengths,
    }
    assert "changes nothing" in refusal(weights, model, tmp_path)
    weights[f"unet.{QUERY}.lora_magnitude_vector"] = 1.1 * lengths
    assert brought(weights, model, tmp_path)[0] == "lora"


@pytest.mark.parametrize("prefix", ["unet.", "module.", "_orig_mod."])
def test_a_unets_file_is_found_behind_a_prefix(prefix, model, base, tmp_path):
    weights = {prefix + name: weight.half() for name, weight in base.items()}
    weights[f"{prefix}conv_in.bias"] = torch.ones(64)
    kind, ours = brought(weights, model, tmp_path)
    assert kind == "whole"
    assert ours["conv_in.bias"].eq(1).all()


def test_a_strange_part_of_a_known_layer_is_no_other_models_layer(model, tmp_path):
    weights = {f"{kohya(QUERY)}.lora_down.weight": HALVES["lora_A"]}
    weights |= {f"{kohya(QUERY)}.lora_ups.{n}.weight": HALVES["lora_B"] for n in (0, 1)}
    said = refusal(weights, model, tmp_path)
    assert "lora_ups.0.weight, which is no part of a LoRA" in said


def test_halves_of_two_ranks_are_said_in_words(model, tmp_path):
    weights = {f"unet.{QUERY}.lora_A.weight": HALVES["lora_A"],
               f"unet.{QUERY}.lora_B.weight": numbers(128, 8)}  # fmt: skip
    assert "its two halves differ in rank" in refusal(weights, model, tmp_path)


PAIR = ("lora.down", "lora.up")
ORIGINS = {
    "Qwen-Image, attention alone": ({"transformer.transformer_blocks.59.attn.to_q": (3072, 3072)},
                                    "Qwen-Image"),
    "FLUX.1, attention alone": ({"transformer.transformer_blocks.18.attn.to_q": (3072, 3072)},
                                "FLUX.1"),
    "FLUX.2 dev, attention alone": ({"transformer.transformer_blocks.0.attn.to_k": (6144, 6144)},
                                    "FLUX.2"),
    "FLUX.2 klein": ({"lora_unet_single_blocks_0_linear1": (3072, 27648)}, "FLUX.2"),
    "FLUX.2 klein, larger": ({"diffusion_model.double_blocks.0.img_attn.qkv": (4096, 12288)},
                             "FLUX.2"),
    "FLUX.1 takes text that wide": ({"lora_unet_double_blocks_0_img_mlp_0": (3072, 12288),
                                     "lora_unet_txt_in": (4096, 3072)}, "FLUX.1"),
    "HunyuanVideo 1.5": ({"lora_unet_double_blocks_53_img_attn_qkv": (2048, 6144)}, "HunyuanVideo"),
    "AuraFlow's single blocks": ({"transformer.single_transformer_blocks.31.ff.linear_1":
                                  (3072, 8192)}, "AuraFlow"),
    "Wan, one later block": ({"diffusion_model.blocks.3.cross_attn.k_img": (5120, 5120)}, "Wan"),
    "Z-Image, feed-forward": ({"diffusion_model.layers.4.feed_forward.w1": (3840, 10240)},
                              "Z-Image"),
    "Lumina, feed-forward": ({"lora_unet_layers_4_feed_forward_w3": (2304, 9216)}, "Lumina"),
    "Lumina, a refiner": ({"lora_unet_context_refiner_0_attention_qkv": (2304, 3840)}, "Lumina"),
    "Z-Image, a refiner": ({"diffusion_model.noise_refiner.0.feed_forward.w1": (3840, 10240)},
                           "Z-Image"),
    "Chroma's own network": ({"lora_unet_distilled_guidance_layer_in_proj": (64, 5120)}, "Chroma"),
    "HiDream": ({"diffusion_model.double_stream_blocks.0.block.attn1.to_q": (2560, 2560)},
                "HiDream"),
    "LTX-Video": ({"diffusion_model.transformer_blocks.0.attn1.to_q": (2048, 2048)}, "LTX-Video"),
    "SD 3.5 Large": ({"transformer.transformer_blocks.0.attn.to_q": (2432, 2432)},
                     "Stable Diffusion 3.5 Large"),
    "Cosmos": ({"diffusion_model.blocks.0.self_attn.q_proj": (2048, 2048)}, "Cosmos"),
    "Kandinsky": ({"unet.down_blocks.1.attentions.0.add_k_proj": (768, 768)}, "Kandinsky"),
}  # fmt: skip


@pytest.mark.parametrize(("layers", "name"), ORIGINS.values(), ids=ORIGINS)
def test_bases_that_share_names_are_told_by_depth_and_width(layers, name):
    modules = {module: {part: f"{module}.{part}" for part in PAIR} for module in layers}
    shapes = {}
    for module, (into, out) in layers.items():
        shapes |= {f"{module}.lora.down": (4, into), f"{module}.lora.up": (out, 4)}
    origin = origin_of(modules, shapes, {})
    assert origin is not None
    assert origin.name == name
