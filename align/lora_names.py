"""What other programs call the layers of SDXL's UNet.

diffusers         down_blocks.1.attentions.0.proj_in            our own names
kohya             lora_unet_down_blocks_1_attentions_0_proj_in  dots become underscores
kohya on sgm      lora_unet_input_blocks_4_1_proj_in            SDXL's original block names
attn processors   down_blocks.1.….attn1.processor.to_q          diffusers before PEFT
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from diffusers import UNet2DConditionModel

from align.sgm_names import layout_of, sgm_name

KOHYA = "lora_unet_"
TEXT_ENCODERS = ("text_encoder", "lora_te")
PREFIXES = ("base_model.model.", "unet.", "diffusion_model.")


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
    layout = layout_of(unet.config)
    for layer in layers:
        names[layer] = layer
        for spelling in (layer, sgm_name(layer, layout)):
            names[KOHYA + spelling.replace(".", "_")] = layer
        for attention in ("attn1", "attn2"):
            older = layer.replace(f".{attention}.", f".{attention}.processor.")
            names[older.removesuffix(".0") if older.endswith("to_out.0") else older] = layer
    return names


def bare(module: str) -> str:
    """A module's name without what some programs put before it."""
    for prefix in PREFIXES:
        module = module.removeprefix(prefix)
    return module
