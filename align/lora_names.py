"""What other programs call the layers of SDXL's UNet.

diffusers         down_blocks.1.attentions.0.proj_in            our own names
kohya             lora_unet_down_blocks_1_attentions_0_proj_in  dots become underscores
kohya on sgm      lora_unet_input_blocks_4_1_proj_in            SDXL's original block names
attn processors   down_blocks.1.….attn1.processor.to_q          diffusers before PEFT
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import torch
from diffusers import UNet2DConditionModel

KOHYA = "lora_unet_"
TEXT_ENCODERS = ("text_encoder", "lora_te")
PREFIXES = ("base_model.model.", "unet.", "diffusion_model.")
INNER = {
    "conv1": "in_layers.2",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
OUTSIDE = {
    "conv_in": "input_blocks.0.0",
    "conv_out": "out.2",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
}
BLOCK = re.compile(r"(down|mid|up)_blocks?\.(?:(\d+)\.)??(\w+)\.(\d+)(?:\.(.+))?")


def layers_of(unet: torch.nn.Module) -> dict[str, torch.Size]:
    """The weight's shape of every linear and convolution, by name."""
    kinds = (torch.nn.Linear, torch.nn.Conv2d)
    return {
        name: module.weight.shape
        for name, module in unet.named_modules()
        if isinstance(module, kinds)
    }


def known_names(unet: UNet2DConditionModel, layers: Iterable[str]) -> dict[str, str]:
    """Every name that a layer may have in a file, to our own."""
    names: dict[str, str] = {}
    for layer in layers:
        names[layer] = layer
        for spelling in (layer, sgm_name(layer, unet)):
            names[KOHYA + spelling.replace(".", "_")] = layer
        for attention in ("attn1", "attn2"):
            older = layer.replace(f".{attention}.", f".{attention}.processor.")
            names[older.removesuffix(".0") if older.endswith("to_out.0") else older] = layer
    return names


def sgm_name(layer: str, unet: UNet2DConditionModel) -> str:
    """A layer's name in the code that SDXL was published with."""
    match = BLOCK.fullmatch(layer)
    if match is None:
        return OUTSIDE.get(layer, layer)
    side, block, kind, place, rest = match[1], int(match[2] or 0), match[3], int(match[4]), match[5]
    rest = INNER.get(rest, rest)
    per_block = unet.config.layers_per_block + 1
    if side == "mid":
        return f"middle_block.{1 if kind == 'attentions' else 2 * place}.{rest}"
    if kind == "downsamplers":
        return f"input_blocks.{(block + 1) * per_block}.0.op"
    if kind == "upsamplers":
        attends = "CrossAttn" in unet.config.up_block_types[block]
        return f"output_blocks.{(block + 1) * per_block - 1}.{2 if attends else 1}.{rest}"
    within = int(kind == "attentions")
    first = 1 if side == "down" else 0
    blocks = "input_blocks" if side == "down" else "output_blocks"
    return f"{blocks}.{first + block * per_block + place}.{within}.{rest}"


def bare(module: str) -> str:
    """A module's name without what some programs put before it."""
    for prefix in PREFIXES:
        module = module.removeprefix(prefix)
    return module
