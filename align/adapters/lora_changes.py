"""Changes that an adapter file makes to each layer: tensors read, dequantized and checked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from align.adapters.kohya import module_alpha
from align.adapters.lora_keys import AdapterKeys
from align.adapters.lycoris import BIASES, family_of, rank_of
from align.adapters.peft_configuration import PeftConfiguration
from align.errors import NotImportable

FLOAT_TYPES = (torch.float16, torch.bfloat16, torch.float32)
FLOAT8_TYPES = ("torch.float8_e4m3fn", "torch.float8_e5m2")
"""fp16 holds the numbers of both exactly."""
SETTING_PARTS = ("any.alpha", "ia3.on_input", "any.reshape")
"""Parts that are settings, and may be whole numbers."""
REQUIRED_PARTS = {
    "lora": (("lora.down",), ("lora.up",)),
    "loha": tuple((f"loha.{part}",) for part in ("w1_a", "w1_b", "w2_a", "w2_b")),
    "lokr": (("lokr.w1", "lokr.w1_a"), ("lokr.w1", "lokr.w1_b"), ("lokr.w2", "lokr.w2_a"),
             ("lokr.w2", "lokr.w2_b")),
    "glora": tuple((f"glora.{part}",) for part in ("a1", "a2", "b1", "b2")),
    "ia3": (("any.weight",), ("ia3.on_input",)),
    "oft": (("oft.blocks",),),
}  # fmt: skip
"""Parts of a complete change by family; one of each group has to be there."""


class ShapeMismatch(NotImportable):
    """A change is of another shape than its layer: it was made for another model."""


@dataclass(frozen=True)
class LayerChange:
    """The change that a file makes to one layer."""

    family: str | None
    """None where only the bias changes."""
    parts: dict[str, Tensor]
    scale: float
    """Factor of the change: alpha / rank."""
    alpha: float

    @property
    def numbers(self) -> dict[str, Tensor]:
        """Return the parts in fp32."""
        return {name: part.float() for name, part in self.parts.items()}


def read_changes(
    path: Path,
    layer_keys: Mapping[str, Mapping[str, str]],
    adapter: AdapterKeys,
    config: PeftConfiguration,
    shapes: Mapping[str, torch.Size],
    base: str,
) -> dict[str, LayerChange]:
    """Read the change of each layer.

    Args:
        path: the file.
        layer_keys: the key of each part, by layer in diffusers' names.
        adapter: the sorted keys of the file.
        config: the PEFT configuration, if there is one.
        shapes: the weight's shape of each layer.
        base: the base's name, for error sentences.

    Raises:
        NotImportable: a part is missing.
        ShapeMismatch: a change is of another shape than its layer.
    """
    changes = {}
    with safe_open(path, framework="pt") as file:
        for name, keys in layer_keys.items():
            try:
                parts = dict(_numbers(file, keys, adapter))
                # A layer that was resized to rank 0 is as it was.
                if not all(part.numel() for part in parts.values()):
                    continue
                changes[name] = _change(name, parts, config)
                _check_fit(changes[name], name, shapes[name], path.name, base)
            except ValueError as error:
                raise NotImportable(
                    f"{path.name} cannot be used: of {name}, {error}. Copy or download it again."
                ) from None
    return changes


def _numbers(
    file: Any, keys: Mapping[str, str], adapter: AdapterKeys
) -> Iterator[tuple[str, Tensor]]:
    """Yield the parts of a layer, each in a format to compute with."""
    for part, key in keys.items():
        tensor = file.get_tensor(key)
        kind = str(tensor.dtype)
        if kind in FLOAT8_TYPES:
            tensor = tensor.to(torch.float16)
        elif tensor.dtype == torch.float64:
            tensor = tensor.to(torch.float32)
        elif tensor.dtype not in FLOAT_TYPES and part not in SETTING_PARTS:
            kind = kind.removeprefix("torch.")
            raise ValueError(f"{part.partition('.')[2]} is quantised ({kind}), not plain numbers")

        if key in adapter.scales:
            tensor = _scaled(tensor, file.get_tensor(adapter.scales[key]))
        yield part, tensor


def _scaled(tensor: Tensor, scale: Tensor) -> Tensor:
    """Dequantize 8-bit weights, by one scale for all or one for each row."""
    scale = scale.float()
    by_row = scale.ndim > 0 and scale.shape[0] == scale.numel() == tensor.shape[0]
    if by_row and tensor.ndim > 1:
        scale = scale.reshape(-1, *[1] * (tensor.ndim - 1))
    elif scale.numel() != 1:
        raise ValueError(f"a scale is {tuple(scale.shape)} for weights of {tuple(tensor.shape)}")
    return tensor.float() * scale


def _change(name: str, parts: dict[str, Tensor], config: PeftConfiguration) -> LayerChange:
    family = family_of(parts)
    no_change = family is None and ("lora.up_bias" in parts or not parts.keys() & set(BIASES))
    groups = REQUIRED_PARTS.get(family or "", ())
    if no_change or not all(any(part in parts for part in group) for group in groups):
        raise ValueError("it lacks a half")

    rank = rank_of(family, parts)
    if "any.alpha" in parts:
        if parts["any.alpha"].numel() != 1:
            raise ValueError(f"alpha is {tuple(parts['any.alpha'].shape)}, not one number")
        alpha = float(parts["any.alpha"])
    else:
        # PEFT divides a LoKr of whole matrices by the configured rank, too.
        rank = config.get("r") if rank is None and family == "lokr" else rank
        alpha = module_alpha(config, name, rank) if rank else 0.0

    if family == "oft":
        # There alpha bounds the angles, and nothing is divided by a rank.
        return LayerChange(family, parts, alpha, alpha)
    return LayerChange(family, parts, alpha / rank if rank else 1.0, alpha)


def _check_fit(change: LayerChange, name: str, shape: torch.Size, title: str, base: str) -> None:
    """Refuse a product of another size than the layer, before anything is multiplied."""
    if "any.reshape" in change.parts:
        wanted = tuple(change.parts["any.reshape"].flatten().tolist())
        if wanted != tuple(shape):
            raise ValueError(f"it makes its layer another shape, {wanted}")
    out, into = outer_shape(change)
    if out is not None and (out != shape[0] or math.prod(into) != math.prod(shape[1:])):
        raise ShapeMismatch(
            f"{title} was made for another model: its {name} takes {into} and gives {out}, "
            f"{base}'s takes {tuple(shape[1:])} and gives {shape[0]}."
        )


def outer_shape(change: LayerChange) -> tuple[int | None, tuple[int, ...]]:
    """Return a product's output width and input shape; None for a change that is no product.

    Raises:
        ValueError: its factors do not go together.
    """
    parts = change.parts

    if change.family == "lora":
        inner = parts.get("lora.mid", parts["lora.down"]).shape[0]
        if parts["lora.up"].ndim < 2 or parts["lora.up"].shape[1] != inner:
            raise ValueError("its two halves differ in rank")
        kernel = tuple(parts["lora.mid"].shape[2:]) if "lora.mid" in parts else ()
        return parts["lora.up"].shape[0], tuple(parts["lora.down"].shape[1:]) + kernel
    if change.family == "loha":
        first, second = (_matrix(parts, f"loha.w{n}", f"loha.t{n}") for n in (1, 2))
        if first[0] != second[0] or math.prod(first[1]) != math.prod(second[1]):
            raise ValueError("its two products differ in shape")
        return first
    if change.family == "lokr":
        (out, into), (more, wide) = (_matrix(parts, f"lokr.w{n}", f"lokr.t{n}") for n in (1, 2))
        return out * more, (math.prod(into) * math.prod(wide),)
    return None, ()


def _matrix(parts: Mapping[str, Tensor], name: str, core: str) -> tuple[int, tuple[int, ...]]:
    """Return output width and input shape of one matrix, stored whole or as a product."""
    if name in parts:
        return parts[name].shape[0], tuple(parts[name].shape[1:])
    up, down = parts[f"{name}_a"].shape, tuple(parts[f"{name}_b"].shape[1:])
    if core in parts:
        return up[1], down + tuple(parts[core].shape[2:])
    return up[0], down
