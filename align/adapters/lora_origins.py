"""Base model of an adapter, by the names and widths of its layers.

Names of layers tell the architecture, and the width of the text embeddings that cross-attention
takes tells one UNet from another. The metadata decides where these do not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from align.adapters.lora_names import strip_prefixes
from align.adapters.lora_notes import noted_base

Shapes = Mapping[str, tuple[int, ...]]
TEXT_WIDTHS = {
    768: "Stable Diffusion 1.5",
    1024: "Stable Diffusion 2",
    1280: "the SDXL refiner",
    2048: "SDXL",
}
TRANSFORMER_PREFIXES = ("lora_prior_unet_", "lora_transformer_", "transformer.", "lora_", "net.")
TEXT_LAYERS = ("attn2_to_k", "attn2_to_v")
INPUT_PARTS = ("lora.down", "loha.w1_b", "glora.b2", "full.diff", "full.set_weight")
"""Parts of a change whose second axis is the layer's input."""
OUTPUT_PARTS = ("lora.up", "loha.w1_a", "glora.b1", "full.diff", "full.set_weight")
LOKR_OUTPUTS = ("lokr.w1", "lokr.w1_a", "lokr.w2", "lokr.w2_a")
"""Parts whose first axis is the layer's output, or a factor of it."""
MAX_DIGITS = 6
UNET_PREFIXES = ("down_blocks_", "up_blocks_", "mid_block_", "input_blocks_", "output_blocks_",
        "middle_block_")  # fmt: skip
FOURTH_LEVEL_PREFIXES = (
    "down_blocks_3_",
    "up_blocks_3_",
    *(f"{side}put_blocks_{n}_" for side in ("in", "out") for n in (9, 10, 11)),
)
FIRST_ATTENTION_PREFIXES = ("down_blocks_0_attentions", "input_blocks_1_1_", "input_blocks_2_1_")
CHANNELS, REFINER_CHANNELS = 320, 384
VIDEO_UNETS = (
    ("AnimateDiff", ("motion_modules",)),
    ("Stable Video Diffusion", ("temporal_transformer_blocks", "time_mix_blocks", "time_stack")),
    ("a video model of ModelScope's kind", ("temp_attentions", "temp_convs", "transformer_in_")),
)
"""UNets of video models, by the names of their layers between images."""
ARCHITECTURES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("Stable Cascade", ("clip_txt_pooled_mapper", "attention_attn_", "kv_mapper"), ()),
    ("HiDream", ("double_stream_blocks_", "single_stream_blocks_"), ()),
    ("AuraFlow", ("joint_transformer_blocks_", "double_layers_", "_ff_linear_1", "_ff_linear_2",
                  "_ff_context_linear_1"), ()),
    ("Stable Diffusion 3", ("joint_blocks_",), ()),
    ("Qwen-Image", ("txt_mlp_net_", "img_mod_1"), ()),
    ("Chroma", ("distilled_guidance_layer",), ()),
    ("FLUX.2", ("double_stream_modulation", "single_stream_modulation", "to_qkv_mlp_proj",
                "ff_linear_in", "ff_context_linear_in"), ()),
    ("HunyuanVideo", ("individual_token_refiner", "img_attn_q_proj", "img_mod_linear",
                      "img_mlp_fc1", "txt_mlp_fc1", "token_refiner_refiner_blocks"), ()),
    ("FLUX.1", ("double_blocks_", "single_blocks_", "single_transformer_blocks_"), ()),
    ("Z-Image", ("context_refiner_",), ("attn_to_q",)),
    ("Lumina", ("context_refiner_", "noise_refiner_", "cap_embedder"), ()),
    ("a language model", ("mlp_gate_proj", "mlp_up_proj", "self_attn_o_proj", "attn_c_attn",
                          "attention_self_query", "lm_head"), ()),
    ("a language model", ("self_attn_q_proj", "self_attn_k_proj", "self_attn_v_proj"),
     ("blocks_",)),
    ("Cosmos", ("self_attn_q_proj", "self_attn_output_proj", "adaln_modulation_self_attn"), ()),
    ("Sana", ("conv_inverted", "inverted_conv"), ()),
    ("PixArt or Sana", ("cross_attn_kv_linear", "cross_attn_q_linear", "y_embedder_y_proj"), ()),
    ("Wan", ("blocks_0_self_attn", "blocks_0_cross_attn", "_ffn_0", "_attn2_to_k_img",
             *(f"_{attention}_attn_{end}\n" for attention in ("self", "cross")
               for end in ("q", "k", "v", "o", "k_img", "v_img"))),
     ("transformer_blocks_",)),
    ("HunyuanDiT", ("attn1_Wqkv", "attn2_kv_proj"), ()),
    ("Mochi", ("attn_qkv_x", "attn_qkv_y", "attn1_add_q_proj", "attn1_add_k_proj"), ()),
    ("LTX-Video", ("patchify_proj", "av_ca_"), ()),
)  # fmt: skip
"""Architectures: name, marks of which any one shows it, and marks that exclude it."""
BLOCK_PREFIXES = ("transformer_blocks_", "blocks_", "layers_")
TRANSFORMER_WIDTHS = {
    ("transformer_blocks_", "attn1", 1152): "PixArt or Sana",
    ("transformer_blocks_", "attn1", 1920): "CogVideoX",
    ("transformer_blocks_", "attn1", 2048): "LTX-Video",
    ("transformer_blocks_", "attn1", 2240): "Sana",
    ("transformer_blocks_", "attn1", 3072): "CogVideoX",
    ("transformer_blocks_", "attn", 1536): "Stable Diffusion 3",
    ("transformer_blocks_", "attn", 2432): "Stable Diffusion 3.5 Large",
    ("transformer_blocks_", "attn", 3072): "FLUX.1",
    ("transformer_blocks_", "attn", 4096): "FLUX.2",
    ("transformer_blocks_", "attn", 6144): "FLUX.2",
    ("layers_", "attn", 2304): "Lumina",
    ("layers_", "attention", 2304): "Lumina",
    ("layers_", "attention", 3840): "Z-Image",
    ("layers_", "feed_forward", 2304): "Lumina",
    ("layers_", "feed_forward", 3840): "Z-Image",
    ("blocks_", "attn", 1152): "PixArt",
    ("blocks_", "attn1", 1536): "Wan",
    ("blocks_", "attn1", 3072): "Wan",
    ("blocks_", "attn1", 5120): "Wan",
}
"""Transformers whose layers share their names: by the prefix of their blocks, the name of their
attention and its input width."""
FLUX_2_WIDTHS = (4096, 6144)
FLUX_2_GROWTH = {"linear1": 9, "mlp_0": 6}
"""Output width over input width of layers of FLUX.2; of FLUX.1 it is 7 and 4."""
FLUX_PAIRS, HUNYUAN_PAIRS = 19, 20
"""Pairs of blocks in FLUX.1 and HunyuanVideo, whose names other models use, too."""
BY_NAME = "its layers are named so"
ATTENTION_BY_END = {
    f"{name}_{end}": name
    for name in ("attn", "attn1", "attention")
    for end in ("to_q", "to_k", "to_v", "qkv")
} | {f"feed_forward_w{n}": "feed_forward" for n in (1, 3)}
"""Name of the attention by the end of a layer's name."""
SAME_LAYERS = {
    "SDXL": ("Kolors", "Pony (SDXL)", "Illustrious (SDXL)"),
    "FLUX.1": ("Chroma", "HunyuanVideo"),
    "PixArt or Sana": ("PixArt", "Sana"),
    "Stable Diffusion 1.5 or 2": ("Stable Diffusion 1.5", "Stable Diffusion 2"),
}
"""Models that an adapter's layers may not tell apart, so that the metadata decides."""


@dataclass(frozen=True)
class AdapterOrigin:
    """The base model of an adapter."""

    name: str
    evidence: str
    """The evidence, as part of a sentence."""


def origin_of(
    modules: Mapping[str, Mapping[str, str]], shapes: Shapes, metadata: Mapping[str, str]
) -> AdapterOrigin | None:
    """Return the base model of an adapter; None where nothing tells.

    Args:
        modules: the key of each part, by module.
        shapes: by key.
        metadata: of the file.
    """
    plain = {_plain(module): parts for module, parts in modules.items()}
    text = "\n".join(plain) + "\n"
    for name, marks in VIDEO_UNETS:
        if any(mark in text for mark in marks):
            return AdapterOrigin(name, "it has layers between images")

    found = _of_unet(plain, text, shapes) or _of_transformer(plain, text, shapes)
    noted = noted_base(metadata)
    if noted and (found is None or noted in SAME_LAYERS.get(found.name, ())):
        return AdapterOrigin(noted, "its metadata says so")
    return found


def _plain(module: str) -> str:
    name = strip_prefixes(module)
    for prefix in TRANSFORMER_PREFIXES:
        name = name.removeprefix(prefix)
    return name.replace(".", "_")


def _of_unet(
    plain: Mapping[str, Mapping[str, str]], text: str, shapes: Shapes
) -> AdapterOrigin | None:
    if not any(name.startswith(UNET_PREFIXES) for name in plain):
        return None
    if "add_k_proj" in text:
        return AdapterOrigin("Kandinsky", "its attention takes an image, too")
    if "attention_attn_" in text or "kv_mapper" in text:
        return AdapterOrigin("Stable Cascade", BY_NAME)

    width = text_width(plain, shapes)
    if width in TEXT_WIDTHS:
        return AdapterOrigin(TEXT_WIDTHS[width], f"it takes text {width} numbers wide")
    if width is not None:
        return None

    # SDXL has three levels, and no attention in the first one.
    if _begins(plain, FOURTH_LEVEL_PREFIXES):
        if any(_is_refiner_width(width) for width in _widths(plain, shapes)):
            return AdapterOrigin("the SDXL refiner", "its UNet has four levels, 384 channels wide")
        return AdapterOrigin("Stable Diffusion 1.5 or 2", "its UNet has four levels")
    if _begins(plain, FIRST_ATTENTION_PREFIXES):
        return AdapterOrigin("Stable Diffusion 1.5 or 2", "it changes attention in the first block")
    if any(f"transformer_blocks_{number}_" in text for number in range(2, 10)):
        return AdapterOrigin("SDXL", "its blocks hold several transformers")
    return None


def _is_refiner_width(width: int | None) -> bool:
    """Return whether the refiner has layers of this width and Stable Diffusion has none."""
    return width is not None and width % REFINER_CHANNELS == 0 and width % CHANNELS != 0


def _begins(names: Iterable[str], starts: tuple[str, ...]) -> bool:
    return any(name.startswith(starts) for name in names)


def text_width(plain: Mapping[str, Mapping[str, str]], shapes: Shapes) -> int | None:
    """Return the width of the text embeddings; None where no cross-attention layer tells."""
    for name, parts in plain.items():
        if name.endswith(TEXT_LAYERS) and (width := _input_width(parts, shapes)):
            return width
    return None


def _input_width(parts: Mapping[str, str], shapes: Shapes) -> int | None:
    """Return the input width of a changed layer; None where its parts do not tell."""
    for part in INPUT_PARTS:
        if part in parts and len(shapes[parts[part]]) > 1:
            return shapes[parts[part]][1]
    small, large = (_second(parts, shapes, f"lokr.w{n}") for n in (1, 2))
    return small * large if small and large else None


def _second(parts: Mapping[str, str], shapes: Shapes, name: str) -> int | None:
    key = parts.get(name, parts.get(f"{name}_b"))
    return shapes[key][1] if key is not None and len(shapes[key]) > 1 else None


def _of_transformer(
    plain: Mapping[str, Mapping[str, str]], text: str, shapes: Shapes
) -> AdapterOrigin | None:
    for name, marks, exclusions in ARCHITECTURES:
        if any(mark in text for mark in marks) and not any(mark in text for mark in exclusions):
            return _flux(plain, shapes) if name == "FLUX.1" else AdapterOrigin(name, BY_NAME)

    ends = ATTENTION_BY_END.items()
    for module, parts in plain.items():
        block = next((start for start in BLOCK_PREFIXES if module.startswith(start)), None)
        kind = next((name for end, name in ends if module.endswith("_" + end)), None)
        if block and kind:
            width = _input_width(parts, shapes) or 0
            known = TRANSFORMER_WIDTHS.get((block, kind, width), "a transformer, not a UNet")
            count = blocks_of(plain, "transformer_blocks_")
            if known == "FLUX.1" and count > HUNYUAN_PAIRS:
                return AdapterOrigin("Qwen-Image", f"it has at least {count} blocks")
            subject = "blocks are" if kind == "feed_forward" else "attention is"
            return AdapterOrigin(known, f"its {subject} {width} numbers wide")
    return None


def _flux(plain: Mapping[str, Mapping[str, str]], shapes: Shapes) -> AdapterOrigin:
    """Tell FLUX.1 from FLUX.2 and HunyuanVideo, whose layers have the same names."""
    blocks = {name: parts for name, parts in plain.items() if "_blocks_" in name}
    wide = _widths(blocks, shapes) & {*FLUX_2_WIDTHS}
    if wide:
        return AdapterOrigin("FLUX.2", f"its blocks are {min(filter(None, wide))} numbers wide")
    if any(_grows_as_flux_2(name, parts, shapes) for name, parts in blocks.items()):
        return AdapterOrigin("FLUX.2", "its layers grow as that one's do")
    count = max(blocks_of(plain, start) for start in ("double_blocks_", "transformer_blocks_"))
    if count > FLUX_PAIRS:
        return AdapterOrigin("HunyuanVideo", f"it has {count} pairs of blocks")
    return AdapterOrigin("FLUX.1", BY_NAME)


def _grows_as_flux_2(name: str, parts: Mapping[str, str], shapes: Shapes) -> bool:
    growth = next((times for end, times in FLUX_2_GROWTH.items() if name.endswith(end)), None)
    inputs, outputs = _input_width(parts, shapes), _output_width(parts, shapes)
    return bool(growth and inputs and outputs == growth * inputs)


def blocks_of(names: Iterable[str], start: str) -> int:
    """Return the least number of blocks of a kind, by the highest number in a name."""
    ends = [name.removeprefix(start) for name in names if name.startswith(start)]
    numbers = [end.partition("_")[0][:MAX_DIGITS] for end in ends]
    return 1 + max((int(number) for number in numbers if number.isdecimal()), default=-1)


def _output_width(parts: Mapping[str, str], shapes: Shapes) -> int | None:
    """Return the output width of a changed layer; None where its parts do not tell."""
    for part in OUTPUT_PARTS:
        if part in parts and shapes[parts[part]]:
            return shapes[parts[part]][0]
    firsts = [shapes[parts[part]][:1] for part in LOKR_OUTPUTS if part in parts]
    return math.prod(first[0] for first in firsts) if len(firsts) == 2 and all(firsts) else None


def _widths(plain: Mapping[str, Mapping[str, str]], shapes: Shapes) -> set[int | None]:
    return {_input_width(parts, shapes) for parts in plain.values()}
