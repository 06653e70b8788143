"""A DoRA in the form that ComfyUI and Forge read: kohya's names, and `dora_scale`.

A DoRA gives each row of W + ΔW the length m: row · m / |W + ΔW| (Liu et al. 2024, arXiv
2402.09353, by rows as PEFT does it; a row is all that makes one output, of a convolution too).
ComfyUI and Forge compute row · dora_scale / |W|, with the length of the base's own row. So
dora_scale is m · |W| / |W + ΔW| here, which gives the same weights and takes the base to write.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from align.kohya import DOWN, PREFIX, UP, Adapter, ExportError, kohya_name, kohya_weights
from align.sgm_names import Layout

MAGNITUDE = ".lora_magnitude_vector"
SCALE_NOTE = {"palate.dora_scale": "magnitude * |W| / |W + dW| by rows, to be divided by |W|"}
"""Metadata for whoever reads the file with another rule."""


def is_dora(adapter: Adapter) -> bool:
    """Return whether an adapter has magnitudes."""
    return any(_is_magnitude(name) for name in adapter.weights)


def dora_weights(
    adapter: Adapter,
    dtype: torch.dtype,
    layout: Layout,
    base: Callable[[str], Tensor],
) -> dict[str, Tensor]:
    """Return a DoRA under kohya's names with `<name>.dora_scale`, one value for each row.

    The scales stay in fp32: one that is rounded moves a whole row by more than a run changes it.

    Args:
        base: gives the base's weight of a module, by diffusers' name.

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
    result = kohya_weights(replace(adapter, weights=plain), dtype, layout)

    for module, magnitude in magnitudes.items():
        name = kohya_name(module, layout)
        own = base(module.removeprefix(PREFIX)).float()
        _check_fits(module, own, adapter)
        # As rounded in the file, so that rounding costs no length.
        down, up = (result[f"{name}.lora_{part}.weight"].float() for part in ("down", "up"))
        scale = float(result[f"{name}.alpha"]) / adapter.ranks[module]
        change = scale * (up.flatten(1) @ down.flatten(1))
        sums = own.flatten(1) + change
        lengths = own.flatten(1).norm(dim=1) / sums.norm(dim=1)
        column = (-1, *[1] * (own.ndim - 1))
        result[f"{name}.dora_scale"] = (magnitude.float().flatten() * lengths).reshape(column)
    return result


def _is_magnitude(name: str) -> bool:
    return name.removesuffix(".weight").endswith(MAGNITUDE)


def _check_fits(module: str, own: Tensor, adapter: Adapter) -> None:
    down, up = adapter.weights[module + DOWN], adapter.weights[module + UP]
    if own.shape[1:] != down.shape[1:] or own.shape[0] != up.shape[0]:
        raise ExportError(
            f"{module} takes {tuple(down.shape[1:])} and gives {up.shape[0]}, and the model's own "
            f"layer is {tuple(own.shape)}. Name the model that it was trained from."
        )
