"""Export of a DoRA for ComfyUI and Forge: kohya's names, and `dora_scale`.

A DoRA gives each row of W + ΔW the length m: row · m / |W + ΔW| (Liu et al. 2024, arXiv
2402.09353, by rows as PEFT does it; a row is all that makes one output, of a convolution too).
ComfyUI and Forge compute row · dora_scale / |W|, with the length of the base's own row. So
dora_scale is m · |W| / |W + ΔW| here, which gives the same weights and takes the base to write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from align.adapters.kohya import (
    DOWN,
    PREFIX,
    UP,
    ExportError,
    LayerNames,
    LoraFile,
    cast,
    kohya_name,
    kohya_weights,
)
from align.contracts.models import ModelInfo
from align.weights.lora_forms import base_weights

MAGNITUDE = ".lora_magnitude_vector"
SCALE_NOTE = {"palate.dora_scale": "magnitude * |W| / |W + dW| by rows, to be divided by |W|"}
"""Metadata that states the rule, for programs that apply another one."""


def is_dora(adapter: LoraFile) -> bool:
    """Return whether an adapter has magnitudes."""
    return any(_is_magnitude(name) for name in adapter.weights)


def dora_weights(
    adapter: LoraFile,
    dtype: torch.dtype,
    names: LayerNames,
    model: ModelInfo,
) -> dict[str, Tensor]:
    """Return a DoRA under kohya's names with `<name>.dora_scale`, one value for each row.

    The scales stay in fp32: one that is rounded moves a whole row by more than a run changes it.

    Args:
        names: of layers in the architecture's own code.
        model: the base.

    Raises:
        ExportError: no DoRA, something that the form has no place for, or another base.
    """
    magnitudes = {n.split(MAGNITUDE)[0]: w for n, w in adapter.weights.items() if _is_magnitude(n)}
    if not magnitudes:
        raise ExportError(
            "This adapter is no DoRA: it has no magnitudes. Export it in the kohya form, which "
            "more programs read."
        )
    plain = {name: w for name, w in adapter.weights.items() if not _is_magnitude(name)}
    result = kohya_weights(replace(adapter, weights=plain), dtype, names)

    with base_weights(model) as base:
        for module, magnitude in magnitudes.items():
            own = _own_weight(base, module, adapter, model.name)
            name, scale = kohya_name(module, names), adapter.shared_alpha / adapter.ranks[module]
            # As rounded in the file, so that rounding costs no length.
            down, up = (result[f"{name}.lora_{part}.weight"].float() for part in ("down", "up"))
            lengths = _length_ratios(own, down, up, scale)
            column = (-1, *[1] * (own.ndim - 1))
            sized = (magnitude.float().flatten() / lengths).reshape(column)
            result[f"{name}.dora_scale"] = cast(sized, torch.float32, module)
    return result


def _length_ratios(own: Tensor, down: Tensor, up: Tensor, scale: float) -> Tensor:
    """Return each row's length with the change over its length without it."""
    sums = own.flatten(1) + scale * (up.flatten(1) @ down.flatten(1))
    # The tiny step that ComfyUI takes, too, against rows of zeros.
    tiny = torch.finfo(torch.float32).eps
    ratios: Tensor = (sums.norm(dim=1) + tiny) / (own.flatten(1).norm(dim=1) + tiny)
    return ratios


def _is_magnitude(name: str) -> bool:
    return name.removesuffix(".weight").endswith(MAGNITUDE)


def _own_weight(
    base: Mapping[str, Tensor], module: str, adapter: LoraFile, model_name: str
) -> Tensor:
    down, up = adapter.weights[module + DOWN], adapter.weights[module + UP]
    own = base.get(f"{module.removeprefix(PREFIX)}.weight")
    if own is None or own.shape[1:] != down.shape[1:] or own.shape[0] != up.shape[0]:
        there = "no such layer" if own is None else f"there {tuple(own.shape)}"
        raise ExportError(
            f"{module} takes {tuple(down.shape[1:])} and gives {up.shape[0]}, and {model_name} has "
            f"{there}. Name the model that it was trained from."
        )
    return own.float()
