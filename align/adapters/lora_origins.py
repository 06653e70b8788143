"""Base model of an adapter, by the names and widths of its layers.

Names of layers tell the architecture, and the width of the text embeddings that cross-attention
takes tells one UNet from another. The metadata decides where these do not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from align.adapters.lora_notes import noted_base
from align.client.architectures import unets
from align.client.architectures.architecture import Architecture
from align.client.architectures.families import TRANSFORMERS
from align.client.architectures.image_transformers import FLUX, FLUX_2, LUMINA, QWEN_IMAGE, Z_IMAGE
from align.client.architectures.names import bare_name
from align.client.architectures.other_transformers import HUNYUAN_VIDEO
from align.client.architectures.recognize import (
    FLUX_PAIRS,
    HUNYUAN_PAIRS,
    attention_of,
    block_family,
    blocks_of,
)
from align.client.architectures.unet_shapes import TEXT_LAYERS, UNET_PREFIXES

Shapes = Mapping[str, tuple[int, ...]]
TEXT_WIDTHS = {width: family.name for width, family in unets.TEXT_WIDTHS.items()}
INPUT_PARTS = ("lora.down", "loha.w1_b", "glora.b2", "full.diff", "full.set_weight")
"""Parts of a change whose second axis is the layer's input."""
OUTPUT_PARTS = ("lora.up", "loha.w1_a", "glora.b1", "full.diff", "full.set_weight")
LOKR_OUTPUTS = ("lokr.w1", "lokr.w1_a", "lokr.w2", "lokr.w2_a")
"""Parts whose first axis is the layer's output, or a factor of it."""
FOURTH_LEVEL_PREFIXES = (
    "down_blocks_3_",
    "up_blocks_3_",
    *(f"{side}put_blocks_{n}_" for side in ("in", "out") for n in (9, 10, 11)),
)
FIRST_ATTENTION_PREFIXES = ("down_blocks_0_attentions", "input_blocks_1_1_", "input_blocks_2_1_")
CHANNELS, REFINER_CHANNELS = 320, 384
BLOCK_PREFIXES = ("transformer_blocks_", "blocks_", "layers_")
FLUX_2_WIDTHS = (4096, 6144)
LUMINA_WIDTH, Z_IMAGE_WIDTH = 2304, 3840
FLUX_2_GROWTH = {"linear1": 9, "mlp_0": 6}
"""Output width over input width of layers of FLUX.2; of FLUX.1 it is 7 and 4."""
BY_NAME = "its layers are named so"
SAME_LAYERS = {
    "SDXL": ("Kolors", "Pony (SDXL)", "Illustrious (SDXL)"),
    "FLUX.1": ("Chroma", "HunyuanVideo"),
    "PixArt or Sana": ("PixArt", "Sana"),
    "Cosmos": ("Anima",),
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
    plain = {bare_name(module): parts for module, parts in modules.items()}
    text = "\n".join(plain) + "\n"
    for family in unets.VIDEO_UNETS:
        if any(marks.are_in(text) for marks in family.layers):
            return AdapterOrigin(family.name, "it has layers between images")

    found = _of_unet(plain, text, shapes) or _of_transformer(plain, text, shapes)
    noted = noted_base(metadata)
    if noted and (found is None or noted in SAME_LAYERS.get(found.name, ())):
        return AdapterOrigin(noted, "its metadata says so")
    return found


def _of_unet(
    plain: Mapping[str, Mapping[str, str]], text: str, shapes: Shapes
) -> AdapterOrigin | None:
    if not any(name.startswith(UNET_PREFIXES) for name in plain):
        return None
    if "add_k_proj" in text:
        return AdapterOrigin(unets.KANDINSKY.name, "its attention takes an image, too")
    if "attention_attn_" in text or "kv_mapper" in text:
        return AdapterOrigin(unets.CASCADE.name, BY_NAME)

    width = text_width(plain, shapes)
    if width in TEXT_WIDTHS:
        return AdapterOrigin(TEXT_WIDTHS[width], f"it takes text {width} numbers wide")
    if width is not None:
        return None

    # SDXL has three levels, and no attention in the first one.
    if _begins(plain, FOURTH_LEVEL_PREFIXES):
        if any(_is_refiner_width(width) for width in _widths(plain, shapes)):
            return AdapterOrigin(unets.REFINER.name, "its UNet has four levels, 384 channels wide")
        return AdapterOrigin(unets.SD_1_OR_2.name, "its UNet has four levels")
    if _begins(plain, FIRST_ATTENTION_PREFIXES):
        return AdapterOrigin(unets.SD_1_OR_2.name, "it changes attention in the first block")
    if any(f"transformer_blocks_{number}_" in text for number in range(2, 10)):
        return AdapterOrigin(unets.SDXL.name, "its blocks hold several transformers")
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
    for family in TRANSFORMERS:
        if any(marks.are_in(text) for marks in family.layers):
            if family is FLUX:
                return _flux(plain, shapes)
            return _lumina(family, plain, shapes)

    for module, parts in plain.items():
        kind = attention_of(module)
        if kind and module.startswith(BLOCK_PREFIXES):
            width = _input_width(parts, shapes) or 0
            known = block_family(module, width)
            count = blocks_of(plain, "transformer_blocks_")
            if known is FLUX and count > HUNYUAN_PAIRS:
                return AdapterOrigin(QWEN_IMAGE.name, f"it has at least {count} blocks")
            subject = "blocks are" if kind == "feed_forward" else "attention is"
            name = known.name if known else "a transformer, not a UNet"
            return AdapterOrigin(name, f"its {subject} {width} numbers wide")
    return None


def _lumina(
    family: Architecture, plain: Mapping[str, Mapping[str, str]], shapes: Shapes
) -> AdapterOrigin:
    """Tell Z-Image from Lumina, whose refiners have the same names, by their widths."""
    if family in (Z_IMAGE, LUMINA):
        widths = _widths(plain, shapes)
        for other, width in ((LUMINA, LUMINA_WIDTH), (Z_IMAGE, Z_IMAGE_WIDTH)):
            if family is not other and width in widths:
                return AdapterOrigin(other.name, f"its blocks are {width} numbers wide")
    return AdapterOrigin(family.name, BY_NAME)


def _flux(plain: Mapping[str, Mapping[str, str]], shapes: Shapes) -> AdapterOrigin:
    """Tell FLUX.1 from FLUX.2 and HunyuanVideo, whose layers have the same names."""
    blocks = {name: parts for name, parts in plain.items() if "_blocks_" in name}
    wide = _widths(blocks, shapes) & {*FLUX_2_WIDTHS}
    if wide:
        return AdapterOrigin(FLUX_2.name, f"its blocks are {min(filter(None, wide))} numbers wide")
    if any(_grows_as_flux_2(name, parts, shapes) for name, parts in blocks.items()):
        return AdapterOrigin(FLUX_2.name, "its layers grow as that one's do")
    count = max(blocks_of(plain, start) for start in ("double_blocks_", "transformer_blocks_"))
    if count > FLUX_PAIRS:
        return AdapterOrigin(HUNYUAN_VIDEO.name, f"it has {count} pairs of blocks")
    return AdapterOrigin(FLUX.name, BY_NAME)


def _grows_as_flux_2(name: str, parts: Mapping[str, str], shapes: Shapes) -> bool:
    growth = next((times for end, times in FLUX_2_GROWTH.items() if name.endswith(end)), None)
    inputs, outputs = _input_width(parts, shapes), _output_width(parts, shapes)
    return bool(growth and inputs and outputs == growth * inputs)


def _output_width(parts: Mapping[str, str], shapes: Shapes) -> int | None:
    """Return the output width of a changed layer; None where its parts do not tell."""
    for part in OUTPUT_PARTS:
        if part in parts and shapes[parts[part]]:
            return shapes[parts[part]][0]
    firsts = [shapes[parts[part]][:1] for part in LOKR_OUTPUTS if part in parts]
    return math.prod(first[0] for first in firsts) if len(firsts) == 2 and all(firsts) else None


def _widths(plain: Mapping[str, Mapping[str, str]], shapes: Shapes) -> set[int | None]:
    return {_input_width(parts, shapes) for parts in plain.values()}
