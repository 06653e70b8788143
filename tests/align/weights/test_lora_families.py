"""Adapter files of every family: accepted as what they are, or refused by the name of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from lora_files import (
    CONV,
    NORM,
    QUERY,
    SGM_QUERY,
    SHAPES,
    dora,
    full,
    full_lokr,
    glora,
    ia3,
    kohya,
    locon,
    loha,
    lokr,
    lora,
    numbers,
    oft,
    tucker_loha,
    write,
)
from safetensors.torch import load_file, save_file
from test_export import loaded
from torch.testing import assert_close

from align.adapters.lora_keys import split_key
from align.adapters.lycoris import apply_change, family_of, rank_of
from align.errors import NotImportable
from align.weights.export import export
from align.weights.full import WeightSwapper, holds_full_weights
from align.weights.import_lora import import_file
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow

WHOLE, LORA = "whole", "lora"


@pytest.fixture(scope="session")
def model(emoji):
    return emoji


@pytest.fixture(scope="module")
def base(model, compute):
    """The weights of the embedded UNet."""
    return load_pipeline(model, compute).unet.state_dict()


def meant(parts: dict[str, torch.Tensor], own: torch.Tensor) -> torch.Tensor:
    """A layer's weight with a change in it, by the formulas that test_lycoris.py checks."""
    named = {split_key(f"x.{part}")[1] or "": value.float() for part, value in parts.items()}
    family = family_of(named)
    alpha, rank = float(parts.get("alpha", 0.0)), rank_of(family, named)
    scale = alpha if family == "oft" else alpha / rank if rank else 1.0
    weight = apply_change(named, scale, own, None).weight
    assert weight is not None
    return weight


ACCEPTED = {
    "LoRA": (lora(), QUERY, LORA, "LoRA"),
    "LoRA of a convolution": (lora(CONV), CONV, LORA, "LoRA"),
    "LoCon with a middle": (locon(), CONV, LORA, "LoCon"),
    "LoHa": (loha(), QUERY, LORA, "LoHa"),
    "LoHa of a convolution": (loha(CONV), CONV, LORA, "LoHa"),
    "LoHa in Tucker's form": (tucker_loha(), CONV, LORA, "LoHa"),
    "LoHa of a high rank": (loha(rank=12), QUERY, WHOLE, "LoHa"),
    "LoKr": (lokr(), QUERY, LORA, "LoKr"),
    "LoKr of a convolution": (lokr(CONV), CONV, LORA, "LoKr"),
    "LoKr of whole matrices": (full_lokr(), QUERY, WHOLE, "LoKr"),
    "LoKr of whole kernels": (full_lokr(CONV), CONV, WHOLE, "LoKr"),
    "GLoRA": (glora(), QUERY, WHOLE, "GLoRA"),
    "GLoRA of a convolution": (glora(CONV), CONV, WHOLE, "GLoRA"),
    "(IA)³ by output": (ia3(), QUERY, WHOLE, "(IA)³"),
    "(IA)³ by input": (ia3(CONV, on_input=True), CONV, WHOLE, "(IA)³"),
    "OFT": (oft(), QUERY, WHOLE, "OFT"),
    "BOFT": (oft(stages=3), QUERY, WHOLE, "BOFT"),
    "full difference": (full(), QUERY, WHOLE, "full difference"),
    "change of a norm": ({"w_norm": numbers(128)}, NORM, WHOLE, "change of norms"),
    "ComfyUI's difference of a norm": ({"diff": numbers(128)}, NORM, WHOLE, "full difference"),
    "DoRA by output": (dora(), QUERY, LORA, "DoRA"),
    "DoRA of a convolution": (dora(CONV), CONV, LORA, "DoRA"),
    "DoRA by input": (dora(by_input=True), QUERY, WHOLE, "DoRA"),
    "LoHa with magnitudes": (
        loha() | {"dora_scale": 1 + numbers(128, 1)}, QUERY, WHOLE, "LoHa with DoRA's magnitudes",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("parts", "layer", "kind", "family"), ACCEPTED.values(), ids=ACCEPTED)
def test_a_family_that_can_be_merged_exactly_is_accepted(
    parts, layer, kind, family, model, compute, base, tmp_path
):
    file = write(tmp_path / "theirs.safetensors", parts, kohya(layer))
    ours = tmp_path / "ours.safetensors"
    facts = import_file(file, model, ours)
    assert (facts["kind"], facts["family"], facts["layers"]) == (kind, family, 1)
    assert holds_full_weights(ours) == (kind == WHOLE)
    name = f"{layer}.weight"
    right = meant(parts, base[name])
    assert not torch.equal(right, base[name])
    if kind == WHOLE:
        weights = load_file(ours)
        assert_close(weights.pop(name), right.half(), rtol=0, atol=0)
        for other, weight in weights.items():
            assert torch.equal(weight, base[other].half())
    else:
        pipeline = loaded(model, compute, ours)
        pipeline.fuse_lora(components=["unet"])
        # What diffusers makes of it, as the sampler does.
        found = pipeline.unet.get_submodule(layer)
        found = getattr(found, "base_layer", found)
        assert_close(found.weight, right, rtol=1e-5, atol=1e-6)


def test_a_merged_version_draws_and_is_exported_as_whole_versions_are(
    model, compute, base, tmp_path
):
    file = write(tmp_path / "theirs.safetensors", ia3(), kohya(QUERY))
    ours = tmp_path / "ours.safetensors"
    import_file(file, model, ours)
    pipeline = load_pipeline(model, compute)
    WeightSwapper(pipeline.unet).use(ours)
    right = meant(ia3(), base[f"{QUERY}.weight"]).half().float()
    assert torch.equal(pipeline.unet.get_submodule(QUERY).weight, right)
    export(ours, tmp_path / "merged", "merged", model=model, precision="fp32")
    merged = load_file(tmp_path / "merged" / "unet" / "diffusion_pytorch_model.safetensors")
    assert torch.equal(merged[f"{QUERY}.weight"], right)


def test_to_a_base_of_few_steps_its_own_adapter_is_added_too(tmp_path, compute):
    from align.client.models import describe_model  # noqa: PLC0415

    fast = describe_model("emoji-fast")
    file = write(tmp_path / "theirs.safetensors", full(), kohya(QUERY))
    import_file(file, fast, tmp_path / "ours.safetensors")
    own = load_pipeline(fast, compute).unet.get_submodule(QUERY).weight
    ours = load_file(tmp_path / "ours.safetensors")[f"{QUERY}.weight"]
    assert torch.equal(ours, (own + full()["diff"]).half())


SPELLINGS = {
    "kohya": ("lora_unet_" + QUERY.replace(".", "_"), "lora_down.weight", "lora_up.weight"),
    "kohya with sgm's blocks": ("lora_unet_" + SGM_QUERY, "lora_down.weight", "lora_up.weight"),
    "ComfyUI": ("diffusion_model." + SGM_QUERY.replace("blocks_3_1_transformer_blocks_0_attn1_",
                "blocks.3.1.transformer_blocks.0.attn1."), "lora_down.weight", "lora_up.weight"),
    "ComfyUI, PEFT's halves": ("diffusion_model." + QUERY, "lora_A.weight", "lora_B.weight"),
    "diffusers": ("unet." + QUERY, "lora_A.weight", "lora_B.weight"),
    "older diffusers": ("unet." + QUERY, "lora.down.weight", "lora.up.weight"),
    "diffusers before PEFT": ("unet." + QUERY, "lora_linear_layer.down.weight",
                              "lora_linear_layer.up.weight"),
    "processors": ("unet." + QUERY.replace("attn1.", "attn1.processor."), "", ""),
    "PEFT": ("base_model.model." + QUERY, "lora_A.weight", "lora_B.weight"),
    "PEFT's state": ("base_model.model.unet." + QUERY, "lora_A.default.weight",
                     "lora_B.default.weight"),
    "an adapter's name": (QUERY, "lora_A.cats.weight", "lora_B.cats.weight"),
    "no weight at the end": ("diffusion_model." + QUERY, "lora_A", "lora_B"),
    "LyCORIS": ("lycoris_" + QUERY.replace(".", "_"), "lora_down.weight", "lora_up.weight"),
    "PEFT inside diffusers": ("unet.base_model.model." + QUERY, "lora_A.weight", "lora_B.weight"),
    "compiled, on several cards": ("module._orig_mod.unet." + QUERY, "lora_A.weight",
                                   "lora_B.weight"),
    "OneTrainer": ("lora_unet." + QUERY, "lora_down.weight", "lora_up.weight"),
}  # fmt: skip


@pytest.mark.parametrize(("module", "down", "up"), SPELLINGS.values(), ids=SPELLINGS)
def test_whatever_a_program_calls_things_they_are_found(module, down, up, model, tmp_path):
    parts = lora()
    ends = {f"{module}.{down}": "lora_down.weight", f"{module}.{up}": "lora_up.weight"}
    if not down:
        ends = {f"{module}_lora.{end}.weight": f"lora_{end}.weight" for end in ("down", "up")}
    save_file({key: parts[part] for key, part in ends.items()}, tmp_path / "x.safetensors")
    import_file(tmp_path / "x.safetensors", model, tmp_path / "ours.safetensors")
    ours = load_file(tmp_path / "ours.safetensors")
    assert torch.equal(ours[f"unet.{QUERY}.lora_A.weight"], parts["lora_down.weight"])
    assert torch.equal(ours[f"unet.{QUERY}.lora_B.weight"], parts["lora_up.weight"])


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [
        (torch.float8_e4m3fn, torch.float16),
        (torch.float8_e5m2, torch.float16),
        (torch.float16, torch.float16),
        (torch.bfloat16, torch.bfloat16),
        (torch.float32, torch.float32),
        (torch.float64, torch.float32),
    ],
    ids=str,
)
def test_every_number_format_is_read_without_a_loss(dtype, kept, model, tmp_path):
    parts = {name: w.to(dtype) for name, w in lora().items() if name != "alpha"}
    import_file(
        write(tmp_path / "x.safetensors", parts, kohya(QUERY)), model, tmp_path / "o.safetensors"
    )
    ours = load_file(tmp_path / "o.safetensors")[f"unet.{QUERY}.lora_A.weight"]
    assert ours.dtype == kept
    assert torch.equal(ours.float(), parts["lora_down.weight"].float())


def test_eight_bits_are_multiplied_with_the_scale_that_stands_beside_them(model, tmp_path):
    parts = {n: w.to(torch.float8_e4m3fn) for n, w in lora().items() if n != "alpha"}
    scales = {"lora_down.weight_scale": torch.tensor(3.0), "scaled_fp8": torch.ones(1)}
    file = write(tmp_path / "x.safetensors", parts | scales, kohya(QUERY))
    import_file(file, model, tmp_path / "o.safetensors")
    ours = load_file(tmp_path / "o.safetensors")[f"unet.{QUERY}.lora_A.weight"]
    assert torch.equal(ours, 3 * parts["lora_down.weight"].float())


@pytest.mark.parametrize(
    "alpha",
    [torch.tensor(4), torch.tensor([4.0]), torch.tensor([[4.0]]), torch.tensor(4.0).half()],
    ids=["whole number", "vector", "matrix", "half"],
)
def test_alpha_is_one_number_in_any_form(alpha, model, tmp_path):
    file = write(tmp_path / "x.safetensors", lora() | {"alpha": alpha}, kohya(QUERY))
    facts = import_file(file, model, tmp_path / "o.safetensors")
    assert (facts["alpha"], facts["rank"]) == (4.0, 2)
    up = load_file(tmp_path / "o.safetensors")[f"unet.{QUERY}.lora_B.weight"]
    assert torch.equal(up, 2 * lora()["lora_up.weight"])


@pytest.mark.parametrize("ones", [(), (1, 1)], ids=["linear", "convolution"])
def test_a_linear_layer_may_be_stored_as_a_convolution_of_one(ones, model, tmp_path):
    parts = {n: w.reshape(*w.shape, *ones) if w.ndim else w for n, w in lora().items()}
    file = write(tmp_path / "x.safetensors", parts, kohya(QUERY))
    import_file(file, model, tmp_path / "o.safetensors")
    ours = load_file(tmp_path / "o.safetensors")
    assert ours[f"unet.{QUERY}.lora_A.weight"].shape == (2, 128)


def test_biases_that_peft_tuned_come_along(model, base, tmp_path):
    name = QUERY.replace("to_q", "to_out.0")
    halves = {"lora_A.weight": numbers(2, 128), "lora_B.weight": numbers(128, 2)}
    beside = halves | {"lora_B.bias": numbers(128)}
    whole = halves | {"bias": numbers(128)}
    config = {"unet.r": 2, "unet.lora_alpha": 4}
    for parts, right in (
        (beside, base[f"{name}.bias"] + 2 * numbers(128)),
        (whole, numbers(128)),
    ):
        file = write(
            tmp_path / "x.safetensors",
            parts,
            f"unet.{name}",
            lora_adapter_metadata=json.dumps(config),
        )
        facts = import_file(file, model, tmp_path / "o.safetensors")
        assert facts["kind"] == WHOLE
        ours = load_file(tmp_path / "o.safetensors")
        assert torch.equal(ours[f"{name}.bias"], right.half())
        weight = base[f"{name}.weight"] + 2 * halves["lora_B.weight"] @ halves["lora_A.weight"]
        assert_close(ours[f"{name}.weight"], weight.half(), rtol=0, atol=2e-4)


def test_a_loha_of_peft_is_as_strong_as_its_configuration_says(model, tmp_path):
    parts = {name: w for name, w in loha().items() if name != "alpha"}
    write(tmp_path / "adapter_model.safetensors", parts, f"base_model.model.{QUERY}")
    (tmp_path / "adapter_config.json").write_text(
        json.dumps({"peft_type": "LOHA", "r": 2, "alpha": 4})
    )
    assert import_file(tmp_path, model, tmp_path / "out" / "o.safetensors")["alpha"] == 4.0
    ours = load_file(tmp_path / "out" / "o.safetensors")
    product = ours[f"unet.{QUERY}.lora_B.weight"] @ ours[f"unet.{QUERY}.lora_A.weight"]
    own = torch.zeros(128, 128)
    assert_close(product, 4 * meant(loha(), own), rtol=1e-4, atol=1e-6)


def test_layers_that_peft_trained_whole_come_along(model, tmp_path):
    weights = {f"base_model.model.{QUERY}.lora_{h}.weight": numbers(*s)
               for h, s in (("A", (2, 128)), ("B", (128, 2)))}  # fmt: skip
    weights |= {"base_model.model.conv_in.weight": torch.ones(64, 8, 3, 3)}
    save_file(weights, tmp_path / "x.safetensors")
    assert (
        import_file(tmp_path / "x.safetensors", model, tmp_path / "o.safetensors")["kind"] == WHOLE
    )
    assert load_file(tmp_path / "o.safetensors")["conv_in.weight"].eq(1).all()


def test_a_layer_that_was_resized_to_rank_0_is_as_it_was(model, tmp_path):
    weights = {f"{kohya(QUERY)}.{part}": w for part, w in lora().items()}
    other = kohya(QUERY.replace("to_q", "to_k"))
    weights |= {f"{other}.lora_down.weight": torch.zeros(0, 128),
                f"{other}.lora_up.weight": torch.zeros(128, 0)}  # fmt: skip
    save_file(weights, tmp_path / "x.safetensors")
    assert import_file(tmp_path / "x.safetensors", model, tmp_path / "o.safetensors")["layers"] == 1


@pytest.mark.parametrize("pattern", ["(", "(a*)*b", "a*b*c*d*e", ")("])
def test_a_pattern_that_takes_for_ever_or_is_none_is_refused(pattern, model, tmp_path):
    config = json.dumps({"unet.r": 2, "unet.alpha_pattern": {pattern: 2}})
    parts = {name: w for name, w in lora().items() if name != "alpha"}
    write(tmp_path / "x.safetensors", parts, kohya(QUERY), lora_adapter_metadata=config)
    with pytest.raises(NotImportable, match="no pattern of names"):
        import_file(tmp_path / "x.safetensors", model)


def test_embeddings_and_text_encoders_of_any_family_are_left_out_and_said(model, tmp_path):
    weights = {f"{kohya(QUERY)}.{part}": w for part, w in lora().items()}
    text = {f"lora_te1_text_model_x.{part}": w for part, w in loha().items()}
    text |= {"clip_g.text_model.x.lora_down.weight": torch.ones(2, 2)}
    text |= {"text_encoders.clip_l.transformer.text_model.x.diff": torch.ones(2, 2)}
    words = {f"bundle_emb.{word}.clip_{end}": torch.ones(2, 8) for word in "ab" for end in "lg"}
    save_file(weights | text | words, tmp_path / "x.safetensors")
    facts = import_file(tmp_path / "x.safetensors", model, tmp_path / "o.safetensors")
    assert facts["text_encoder_weights_left_out"] == len(text)
    assert facts["embeddings_left_out"] == ["a", "b"]
    assert len(load_file(tmp_path / "o.safetensors")) == 2


def test_a_unets_file_by_itself_is_whole_weights(model, base, tmp_path):
    save_file({n: w * 1.5 for n, w in base.items()}, tmp_path / "unet.safetensors")
    facts = import_file(tmp_path / "unet.safetensors", model, tmp_path / "o.safetensors")
    assert (facts["kind"], facts["form"]) == (WHOLE, "unet")
    assert holds_full_weights(tmp_path / "o.safetensors")


def pair(module: str, into: int, out: int = 8, down: str = "lora_down", up: str = "lora_up"):
    """The shapes of a LoRA on a layer."""
    return {f"{module}.{down}.weight": (2, into), f"{module}.{up}.weight": (out, 2)}


SD_BLOCK = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_"
OTHER_BASES = {
    "SD 1.5": (pair(SD_BLOCK + "attn2_to_k", 768), {}, "a LoRA for Stable Diffusion 1.5"),
    "SD 1.5, a LoHa": (
        {SD_BLOCK + f"attn2_to_k.hada_w{n}_{e}": s for n in (1, 2)
         for e, s in (("a", (320, 4)), ("b", (4, 768)))},
        {}, "a LoHa for Stable Diffusion 1.5",
    ),
    "SD 2": (pair(SD_BLOCK + "attn2_to_v", 1024), {}, "for Stable Diffusion 2"),
    "SD without text layers": (pair(SD_BLOCK + "attn1_to_k", 320), {}, "Stable Diffusion 1.5 or 2"),
    "SDXL": (
        pair("unet.down_blocks.2.attentions.0.transformer_blocks.9.attn2.to_k", 2048, 1280,
             "lora_A", "lora_B"), {}, "a LoRA for SDXL",
    ),
    "the refiner": (pair(SD_BLOCK.replace("0_att", "1_att", 1) + "attn2_to_k", 1280), {},
                    "the SDXL refiner"),
    "FLUX.1": (pair("lora_unet_single_blocks_0_linear1", 3072), {}, "for FLUX.1"),
    "FLUX.1 of diffusers": (pair("transformer.single_transformer_blocks.0.attn.to_q", 3072), {},
                            "for FLUX.1"),
    "FLUX.2": (pair("diffusion_model.double_blocks.0.img_attn.qkv", 6144), {}, "for FLUX.2"),
    "SD 3": (pair("lora_unet_joint_blocks_0_x_block_attn_qkv", 1536), {}, "Stable Diffusion 3"),
    "Wan": (pair("diffusion_model.blocks.0.self_attn.q", 5120), {}, "for Wan"),
    "HunyuanVideo": (pair("diffusion_model.double_blocks.0.img_mlp.fc1", 3072), {},
                     "for HunyuanVideo"),
    "PixArt": (pair("transformer.transformer_blocks.0.attn1.to_q", 1152), {}, "PixArt"),
    "Lumina": (pair("lora_unet_layers_0_attention_qkv", 2304), {}, "for Lumina"),
    "Z-Image": (pair("diffusion_model.layers.0.attention.to_q", 3840), {}, "for Z-Image"),
    "Qwen-Image": (pair("transformer_blocks.0.img_mlp.net.0.proj", 3072)
                   | pair("transformer_blocks.0.txt_mlp.net.0.proj", 3072), {}, "for Qwen-Image"),
    "Stable Cascade": (pair("lora_prior_unet_down_blocks_0_2_attention_attn_to_q", 2048), {},
                       "for Stable Cascade"),
    "AuraFlow": (pair("transformer.joint_transformer_blocks.0.attn.to_q", 3072), {},
                 "for AuraFlow"),
    "a motion LoRA": (
        pair("down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0."
             "attention_blocks.0.to_q", 320), {}, "for AnimateDiff",
    ),
    "by its metadata": (pair("lora_unet_unheard_of", 12), {"ss_base_model_version": "sd3_m"},
                        "for Stable Diffusion 3"),
    "a name of its own": (pair("lora_unet_unheard_of", 12), {"modelspec.architecture": "novel-9"},
                          "a LoRA for novel-9"),
    "FLUX.1 of XLabs": ({"double_blocks.0.processor.qkv_lora1.down.weight": (2, 3072)}, {},
                        "a LoRA for FLUX.1"),
    "a language model": (pair("base_model.model.model.layers.0.self_attn.q_proj", 4096), {},
                         "for a language model"),
    "a language model in MLX": ({"model.layers.0.self_attn.q_proj.lora_a": (4, 2)}, {},
                                "for a language model"),
    "convolutions of SD": (pair("lora_unet_down_blocks_3_resnets_0_conv1", 1280), {},
                           "Stable Diffusion 1.5 or 2"),
    "Wan with differences": (
        pair("diffusion_model.blocks.0.self_attn.q", 5120)
        | {"diffusion_model.blocks.0.norm3.diff": (4,)}, {}, "for Wan",
    ),
    "CogVideoX": (pair("transformer.transformer_blocks.0.attn1.to_q", 3072), {}, "for CogVideoX"),
    "Mochi": (pair("transformer.transformer_blocks.0.attn1.add_q_proj", 1536), {}, "for Mochi"),
    "HunyuanDiT": (pair("lora_unet_blocks_0_attn1_Wqkv", 1408), {}, "for HunyuanDiT"),
    "Stable Video Diffusion": (
        pair("unet.down_blocks.0.attentions.0.temporal_transformer_blocks.0.attn2.to_k", 1024), {},
        "for Stable Video Diffusion",
    ),
    "ModelScope's videos": (
        pair("unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k", 1024)
        | pair("unet.down_blocks.0.temp_attentions.0.transformer_blocks.0.attn1.to_q", 320), {},
        "for a video model",
    ),
    "HunyuanVideo of diffusers": (
        pair("transformer.transformer_blocks.19.attn.to_q", 3072)
        | pair("transformer.single_transformer_blocks.0.attn.to_q", 3072), {}, "for HunyuanVideo",
    ),
    "Chroma, by both": (pair("lora_unet_single_blocks_0_linear1", 3072),
                        {"modelspec.architecture": "chroma/lora"}, "for Chroma"),
    "Sana": (pair("diffusion_model.blocks.0.mlp.inverted_conv.conv", 2240), {}, "for Sana"),
    "PixArt of its own code": (pair("diffusion_model.blocks.0.cross_attn.kv_linear", 1152),
                               {"modelspec.architecture": "PixArt-sigma"}, "for PixArt "),
    "Anima, by both": (pair("diffusion_model.blocks.0.self_attn.q_proj", 2048),
                       {"modelspec.architecture": "anima-preview"}, "a LoRA for Anima"),
    "an animagine is no Anima": (pair("lora_unet_unheard_of", 12),
                                 {"ss_sd_model_name": "animagine"}, "emoji has no lora_unet"),
    "a swan is no Wan": (pair("lora_unet_unheard_of", 12), {"ss_sd_model_name": "swanlake"},
                         "emoji has no lora_unet"),
    "nobody knows": (pair("lora_unet_unheard_of", 12), {}, "another model: emoji has no lora_unet"),
}  # fmt: skip


@pytest.mark.parametrize(("shapes", "metadata", "said"), OTHER_BASES.values(), ids=OTHER_BASES)
def test_an_adapter_for_another_base_is_refused_by_the_name_of_that_base(
    shapes, metadata, said, model, tmp_path
):
    check_refusal(shapes, said, model, tmp_path, metadata)


OTHER_FILES = {
    "checkpoint": ({"model.diffusion_model.input_blocks.0.0.weight": (4, 4, 3, 3),
                    "first_stage_model.decoder.conv_in.weight": (4, 4, 3, 3)},
                   "is a whole checkpoint, no LoRA.*from_single_file.*--model"),
    "checkpoint of SD 1.5": ({
        "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (320, 768),
        "cond_stage_model.transformer.text_model.x.weight": (4, 4)},
        "a whole checkpoint of Stable Diffusion 1.5"),
    "UNet of a checkpoint": ({"model.diffusion_model.input_blocks.0.0.weight": (4, 4, 3, 3)},
                             "is the UNet of a checkpoint"),
    "checkpoint of FLUX": ({"model.diffusion_model.double_blocks.0.img_attn.qkv.weight": (4, 4)},
                           "of another architecture"),
    "UNet of ComfyUI": ({"input_blocks.0.0.weight": (4, 4, 3, 3)}, "is the UNet of a checkpoint"),
    "a face adapter": (pair("1.to_q_lora", 8, 8, "down", "up") | {"1.to_k_ip.weight": (4, 4)},
                       "is an IP-Adapter"),
    "T-LoRA": ({f"{kohya(QUERY)}.{end}": (2, 2) for end in ("q_layer.weight", "lambda_layer")},
               "T-LoRA"),
    "(IA)³ of PEFT": ({f"base_model.model.{QUERY}.ia3_l": (128, 1)}, "IA3 of PEFT"),
    "UNet of another shape": ({
        "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight": (640, 2048)},
        "is the UNet of SDXL alone"),
    "autoencoder": ({"encoder.down_blocks.0.x.weight": (4,), "decoder.up_blocks.0.x.weight": (4,)},
                    "an autoencoder"),
    "ControlNet": ({"controlnet_cond_embedding.conv_in.weight": (4,)}, "a ControlNet"),
    "Control-LoRA": ({"lora_controlnet": (0,), "input_blocks.1.0.in_layers.2.up": (4, 4)},
                     "a Control-LoRA"),
    "LLLite": ({"lllite_unet_input_blocks_4_1_x.down.0.weight": (4, 4)}, "ControlNet-LLLite"),
    "T2I-Adapter": ({"adapter.body.0.resnets.0.block1.weight": (4,)}, "a T2I-Adapter"),
    "IP-Adapter": ({"image_proj.norm.weight": (4,), "ip_adapter.1.to_k_ip.weight": (4, 4)},
                   "an IP-Adapter"),
    "motion module": ({"down_blocks.0.motion_modules.0.x.weight": (4,)}, "AnimateDiff"),
    "first autoencoder": ({"first_stage_model.decoder.conv_in.weight": (4, 4)}, "an autoencoder"),
    "embedding of a script": ({"text_encoders_0": (2, 768), "text_encoders_1": (2, 1280)},
                              "textual inversion"),
    "embedding": ({"emb_params": (2, 768)}, "textual inversion embedding"),
    "embedding of SDXL": ({"clip_l": (2, 768), "clip_g": (2, 1280)}, "textual inversion"),
    "text encoder": ({"text_model.encoder.layers.0.mlp.fc1.weight": (4, 4)},
                     "a text or image encoder"),
    "image encoder": ({"vision_model.encoder.layers.0.mlp.fc1.weight": (4, 4)},
                      "a text or image encoder"),
    "transformer": ({"double_blocks.0.img_attn.qkv.weight": (4, 4)},
                    "a transformer of another architecture"),
    "text encoder's LoRA": (pair("lora_te1_text_model_x", 8), "no LoRA for a UNet"),
    "VeRA": ({f"base_model.model.{QUERY}.vera_lambda_b": (4,)}, r"another kind.*VERA|VeRA"),
    "X-LoRA": ({"internal_xlora_classifier.layers.0.weight": (4, 4), "xlora_x": (1,)}, "XLORA"),
    "PEFT's OFT": ({f"base_model.model.{QUERY}.oft_R.weight": (4, 4)}, r"OFT of PEFT"),
    "LyCORIS's first OFT": ({f"{kohya(QUERY)}.oft_diag": (4, 4, 4)}, "OFT of LyCORIS's first"),
    "AdaLoRA": (pair(f"unet.{QUERY}", 128, 128, "lora_A", "lora_B")
                | {f"unet.{QUERY}.lora_E": (2, 1)}, "AdaLoRA"),
    "something beside": (pair(kohya(QUERY), 128, 128) | {f"{kohya(QUERY)}.novel": (2,)},
                         "holds lora_unet_.*novel, which is no part"),
    "anything": ({"pixels": (4,)}, "is no LoRA: it holds pixels"),
}  # fmt: skip


@pytest.mark.parametrize(("shapes", "said"), OTHER_FILES.values(), ids=OTHER_FILES)
def test_a_file_of_another_kind_is_called_what_it_is(shapes, said, model, tmp_path):
    check_refusal(shapes, said, model, tmp_path, {})


def check_refusal(shapes, said, model, tmp_path, metadata) -> None:
    file = tmp_path / "x.safetensors"
    save_file({key: torch.ones(shape) for key, shape in shapes.items()}, file, metadata)
    with pytest.raises(NotImportable, match=said) as refused:
        import_file(file, model, tmp_path / "ours.safetensors")
    assert str(refused.value).startswith("x.safetensors") and str(refused.value).endswith(".")
    assert not (tmp_path / "ours.safetensors").exists()


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (lora() | {"alpha": torch.tensor(0.0)}, "changes nothing of emoji, since its alpha is 0"),
        (lora() | {"lora_up.weight": torch.zeros(128, 2)}, "changes nothing.*never trained"),
        ({"diff": torch.zeros(128, 128)}, "changes nothing of emoji"),
        (loha() | {"hada_w1_b": torch.zeros(2, 128)}, "changes nothing"),
        ({k: w for k, w in loha().items() if k != "hada_w2_a"}, "lacks a half"),
        (loha() | {"hada_w2_b": numbers(2, 64)}, "made for another|cannot be"),
        (lokr() | {"lokr_w2_a": numbers(17, 2)}, "made for another model.*gives 136"),
        (glora() | {"a1.weight": numbers(10_000, 2)}, "cannot be merged into emoji"),
        (full() | lora(), "changed in two ways"),
        (lora() | {"reshape_weight": torch.tensor([128, 256])}, "another shape"),
        ({n: w.to(torch.int8) for n, w in lora().items()}, "quantised"),
        ({"diff_b": torch.ones(128)}, "no bias here"),
    ],
)
def test_a_change_that_is_none_or_has_no_place_is_refused(parts, said, model, tmp_path):
    file = write(tmp_path / "x.safetensors", parts, kohya(QUERY))
    with pytest.raises(NotImportable, match=said):
        import_file(file, model, tmp_path / "ours.safetensors")


IMPOSTORS = {
    "login page": (b"<!DOCTYPE html><html><title>Sign in</title>", "is a web page.*Sign in"),
    "git-lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
    "GGUF": (b"GGUF\x03\0\0\0", "is a GGUF file"),
    "a checkpoint of torch": (b"PK\x03\x04archive/data.pkl", "is a pickle of torch"),
    "a zip": (b"PK\x03\x04" + bytes(26) + b"cats/cats.safetensors", "is an archive"),
    "a tar": (b"cats.safetensors" + bytes(241) + b"ustar", "is an archive"),
    "pickle": (b"\x80\x04\x95", "is a pickle"),
    "JSON": (b'{"error": "Unauthorized"}', "is JSON, not weights"),
    "text": (b"Access to this model is restricted.\n", "is text, not weights"),
    "PNG": (b"\x89PNG\r\n\x1a\n", "is an image"),
    "JPEG": (b"\xff\xd8\xff\xe0\0\x10JFIF", "is an image"),
    "AVIF": (b"\0\0\0 ftypavif\0\0\0\0", "is an image or a video"),
    "SQLite": (b"SQLite format 3\0" + b"\x10\0" * 300, "is an SQLite file"),
    "NumPy": (b"\x93NUMPY\x01\0v\0", "is an array of NumPy"),
    "gzip": (b"\x1f\x8b\x08\0", "is an archive"),
    "nothing": (b"", "is cut short"),
    "zeros": (b"\0" * 4096, "is cut short"),
    "the first half": (b'\x40\0\0\0\0\0\0\0{"a":', "cut short or damaged"),
}


@pytest.mark.parametrize(("content", "said"), IMPOSTORS.values(), ids=IMPOSTORS)
def test_what_is_no_safetensors_file_is_named(content, said, model, tmp_path):
    file: Path = tmp_path / "x.safetensors"
    file.write_bytes(content)
    with pytest.raises(NotImportable, match=said) as refused:
        import_file(file, model)
    assert str(refused.value).startswith("x.safetensors ")


def test_shapes_are_those_of_the_embedded_model(base):
    for name, shape in SHAPES.items():
        assert base[f"{name}.weight"].shape == shape


def test_a_dora_that_was_exported_for_comfyui_comes_back_as_what_it_was(model, compute, tmp_path):
    parts = {name: weight for name, weight in dora().items() if name != "alpha"}
    first, exported = tmp_path / "first.safetensors", tmp_path / "exported.safetensors"
    import_file(write(tmp_path / "theirs.safetensors", parts, kohya(QUERY)), model, first)
    # There the scales stand beside the base's lengths, not beside those of the sums.
    export(first, exported, "dora", model=model, precision="fp32")
    import_file(exported, model, tmp_path / "again.safetensors")
    assert_close(load_file(tmp_path / "again.safetensors"), load_file(first), rtol=1e-5, atol=1e-6)
