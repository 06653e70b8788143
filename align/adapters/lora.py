"""LoRA adapters on a UNet; the same UNet with the adapter off is the reference model."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
from peft import LoraConfig
from peft.tuners.lora import LoraLayer
from peft.utils import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file
from torch import Tensor

from align.errors import InvalidSettings
from align.files import replacing

ATTENTION = ["to_q", "to_k", "to_v", "to_out.0"]
"""Ends of the names of attention's layers, in all architectures of diffusers."""


def add_lora(
    unet: UNet2DConditionModel,
    rank: int,
    seed: int,
    target_modules: list[str] = ATTENTION,
    use_dora: bool = False,
) -> list[torch.nn.Parameter]:
    """Add a fresh adapter that changes nothing yet, and return its fp32 parameters.

    With `use_dora` the magnitude of each weight's columns is trained apart from their direction
    (Liu et al. 2024, arXiv 2402.09353).
    """
    # PEFT initializes from the global generator, whose state others rely on.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        unet.add_adapter(
            LoraConfig(
                r=rank,
                lora_alpha=rank,
                init_lora_weights="gaussian",
                target_modules=target_modules,
                use_dora=use_dora,
            )
        )

    parameters = [p for p in unet.parameters() if p.requires_grad]
    for parameter in parameters:
        # In bf16 a step of 1e-5 is rounded away on most weights.
        parameter.data = parameter.data.float()
    return parameters


@contextmanager
def as_reference(unet: UNet2DConditionModel) -> Iterator[None]:
    """Turn the adapter off inside the block, so that the UNet is the frozen reference model."""
    unet.disable_adapters()
    try:
        yield
    finally:
        unet.enable_adapters()


@contextmanager
def merged(unet: UNet2DConditionModel) -> Iterator[None]:
    """Merge active LoRAs into the weights inside the block, to render as fast as the base does.

    Weights in other formats than fp32, which would lose digits, and DoRAs stay apart. Afterwards
    the weights are what they were, to the bit.
    """
    layers = [module for module in unet.modules() if _is_mergeable(module)]
    originals = [layer.base_layer.weight.data for layer in layers]

    try:
        for layer, weight in zip(layers, originals, strict=True):
            layer.base_layer.weight.data = weight.clone()
            with torch.no_grad():
                layer.merge()
        yield
    finally:
        # `unmerge` subtracts, which leaves rounding errors in the base.
        for layer, weight in zip(layers, originals, strict=True):
            layer.base_layer.weight.data = weight
            layer.merged_adapters.clear()


def _is_mergeable(module: torch.nn.Module) -> bool:
    return (
        isinstance(module, LoraLayer)
        and module.base_layer.weight.dtype == torch.float32
        and not module.disable_adapters
        and not module.merged
        and not any(name in module.lora_variant for name in module.active_adapters)
        and not any(module.lora_bias.values())
    )


def lora_state(unet: UNet2DConditionModel) -> dict[str, Tensor]:
    """Copy the adapter's weights to the CPU in fp32, by name."""
    state = get_peft_model_state_dict(unet)
    return {name: weight.detach().float().cpu().clone() for name, weight in state.items()}


def restore_lora(unet: UNet2DConditionModel, state: dict[str, Tensor]) -> None:
    """Load the weights that `lora_state` returned."""
    set_peft_model_state_dict(unet, state)


def start_from(unet: UNet2DConditionModel, adapter: Path, name: str) -> None:
    """Initialize the adapter from the file of another one.

    Raises:
        InvalidSettings: the two differ in rank, layers or kind, or in the base they are made for.
    """
    weights = {key.removeprefix("unet."): value for key, value in load_file(adapter).items()}
    own = lora_state(unet)
    if {key: value.shape for key, value in own.items()} != {
        key: value.shape for key, value in weights.items()
    }:
        raise InvalidSettings(
            f"{name} has an adapter of another shape. Use its rank, adapter and targets, and the "
            "base it was made for, or start from base."
        )
    restore_lora(unet, weights)


def fuse(
    pipeline: StableDiffusionXLPipeline,
    part: str,
    path: Path,
    names: Collection[str],
    weight: float = 1.0,
) -> None:
    """Merge an adapter file into the denoiser's weights, for good.

    Args:
        part: the denoiser's name in the pipeline.
        names: the names of the file's weights.
        weight: how strongly it is added.

    Raises:
        ValueError, RuntimeError, KeyError, TypeError: it was made for another UNet.
    """
    name = "fused"
    pipeline.load_lora_weights(str(path.resolve().parent), weight_name=path.name, adapter_name=name)
    # Diffusers only logs that modules are missing, and would fuse those that it found.
    state = get_peft_model_state_dict(getattr(pipeline, part), adapter_name=name)
    if {f"{part}.{key}" for key in state} != set(names):
        raise ValueError("it names other modules")
    pipeline.fuse_lora(components=[part], lora_scale=weight)
    pipeline.unload_lora_weights()


def save_adapter(unet: UNet2DConditionModel, path: Path) -> None:
    """Write the adapter as a file for `load_lora_weights` of diffusers' SDXL pipelines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as scratch, TemporaryDirectory(dir=path.parent) as folder:
        StableDiffusionXLPipeline.save_lora_weights(
            folder,
            unet_lora_layers=lora_state(unet),
            weight_name="adapter.safetensors",
            unet_lora_adapter_metadata=unet.peft_config["default"].to_dict(),
        )
        (Path(folder) / "adapter.safetensors").replace(scratch)
