"""What other programs call the layers of SDXL's UNet.

diffusers         down_blocks.1.attentions.0.proj_in            our own names
kohya             lora_unet_down_blocks_1_attentions_0_proj_in  dots become underscores
kohya on sgm      lora_unet_input_blocks_4_1_proj_in            SDXL's original block names
ComfyUI           diffusion_model.input_blocks.4.1.proj_in      the same, with dots
attn processors   down_blocks.1.….attn1.processor.to_q          diffusers before PEFT

So a name is compared without what is put before it, and with underscores for dots.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from diffusers import UNet2DConditionModel

from align.adapters.sgm_names import layout_of, sgm_name

KOHYA = "lora_unet_"
PREFIXES = ("module.", "_orig_mod.", "base_model.model.", "model.", "diffusion_model.",
            "lora_unet.", "unet.", KOHYA, "lycoris_unet_", "lycoris_", "oft_unet_")  # fmt: skip
MOST_WRAPPINGS = 4
LONGEST_NAME = 120


def layers_of(unet: torch.nn.Module) -> dict[str, torch.Size]:
    """The weight's shape of every linear and convolution, by name."""
    kinds = (torch.nn.Linear, torch.nn.Conv2d)
    return {
        name: module.weight.shape
        for name, module in unet.named_modules()
        if isinstance(module, kinds)
    }


def weight_shapes(unet: torch.nn.Module) -> dict[str, torch.Size]:
    """The weight's shape of every module that has one: layers and norms, by name."""
    return {
        name.removesuffix(".weight"): weight.shape
        for name, weight in unet.state_dict().items()
        if name.endswith(".weight")
    }


def known_names(unet: UNet2DConditionModel, modules: Iterable[str]) -> dict[str, str]:
    """Every name that a module may have in a file, as `plain_name` gives it, to our own."""
    names: dict[str, str] = {}
    layout = layout_of(unet.config)
    for module in modules:
        for spelling in (module, sgm_name(module, layout)):
            names[spelling.replace(".", "_")] = module
        if module.endswith(".to_out.0"):
            names[module.removesuffix(".0").replace(".", "_")] = module
    return names


def plain_name(module: str) -> str:
    """A module's name as all conventions have it."""
    return bare(module).replace(".processor.", ".").replace(".", "_")


def bare(module: str) -> str:
    """A module's name without what some programs put before it, some of them twice."""
    for _ in range(MOST_WRAPPINGS):
        if not module.startswith(PREFIXES):
            break
        for prefix in PREFIXES:
            module = module.removeprefix(prefix)
    return module


def short(name: str) -> str:
    """A name for a sentence: of a long one its beginning and its end, which says what it is."""
    half = LONGEST_NAME // 2
    return name if len(name) <= LONGEST_NAME else f"{name[:half]}…{name[-half:]}"
