"""Names of SDXL's UNet layers in the conventions of other programs.

diffusers         down_blocks.1.attentions.0.proj_in            Palate's own names
kohya             lora_unet_down_blocks_1_attentions_0_proj_in  dots become underscores
kohya on sgm      lora_unet_input_blocks_4_1_proj_in            SDXL's original block names
ComfyUI           diffusion_model.input_blocks.4.1.proj_in      the same, with dots
attn processors   down_blocks.1.….attn1.processor.to_q          diffusers before PEFT

So names are compared without their prefixes, and with underscores for dots.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from diffusers import UNet2DConditionModel

from align.adapters.sgm_names import layout_of, sgm_name
from align.client.architectures.names import strip_prefixes

MAX_NAME_CHARACTERS = 120


def layers_of(unet: torch.nn.Module) -> dict[str, torch.Size]:
    """Return the weight's shape of every linear and convolution, by name."""
    kinds = (torch.nn.Linear, torch.nn.Conv2d)
    return {
        name: module.weight.shape
        for name, module in unet.named_modules()
        if isinstance(module, kinds)
    }


def weight_shapes(unet: torch.nn.Module) -> dict[str, torch.Size]:
    """Return the weight's shape of every module that has one, layers and norms, by name."""
    return {
        name.removesuffix(".weight"): weight.shape
        for name, weight in unet.state_dict().items()
        if name.endswith(".weight")
    }


def known_names(unet: UNet2DConditionModel, modules: Iterable[str]) -> dict[str, str]:
    """Map every name that a module may have in a file, in `plain_name`'s form, to our own."""
    names: dict[str, str] = {}
    layout = layout_of(unet.config)
    for module in modules:
        for spelling in (module, sgm_name(module, layout)):
            names[spelling.replace(".", "_")] = module
        # Attention processors have to_out_lora, without the index.
        if module.endswith(".to_out.0"):
            names[module.removesuffix(".0").replace(".", "_")] = module
    return names


def plain_name(module: str) -> str:
    """Return a module's name in the form in which all conventions are compared."""
    return strip_prefixes(module).replace(".processor.", ".").replace(".", "_")


def shorten(name: str) -> str:
    """Shorten a name for a sentence; the end stays, since it names the part."""
    half = MAX_NAME_CHARACTERS // 2
    return name if len(name) <= MAX_NAME_CHARACTERS else f"{name[:half]}…{name[-half:]}"
