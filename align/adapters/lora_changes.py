"""What an adapter file changes in each layer: its tensors read, made numbers and checked."""

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
from align.adapters.lora_keys import Adapter
from align.adapters.lycoris import BIASES, family_of, rank_of
from align.errors import NotImportable

FLOATS = (torch.float16, torch.bfloat16, torch.float32)
EIGHT_BITS = ("torch.float8_e4m3fn", "torch.float8_e5m2")
"""Both are contained in fp16, to the bit."""
FLAGS = ("any.alpha", "ia3.on_input", "any.reshape")
"""Parts that are settings, and may be whole numbers."""
NEEDED = {
    "lora": (("lora.down",), ("lora.up",)),
    "loha": tuple((f"loha.{part}",) for part in ("w1_a", "w1_b", "w2_a", "w2_b")),
    "lokr": (("lokr.w1", "lokr.w1_a"), ("lokr.w1", "lokr.w1_b"), ("lokr.w2", "lokr.w2_a"),
             ("lokr.w2", "lokr.w2_b")),
    "glora": tuple((f"glora.{part}",) for part in ("a1", "a2", "b1", "b2")),
    "ia3": (("any.weight",), ("ia3.on_input",)),
    "oft": (("oft.blocks",),),
}  # fmt: skip
"""The parts that a change consists of; one of each group."""


class DoesNotFit(NotImportable):
    """A change is of another shape than its layer: it was made for another model."""


@dataclass(frozen=True)
class Change:
    """What a file says of one layer."""

    family: str | None
    """None where only the bias changes."""
    parts: dict[str, Tensor]
    scale: float
    """What the change is multiplied with: alpha / rank."""
    alpha: float

    @property
    def numbers(self) -> dict[str, Tensor]:
        """The parts in fp32."""
        return {name: part.float() for name, part in self.parts.items()}


def read_changes(
    path: Path,
    places: Mapping[str, Mapping[str, str]],
    adapter: Adapter,
    config: dict[str, Any],
    shapes: Mapping[str, torch.Size],
    base: str,
) -> dict[str, Change]:
    """Read the change of each layer.

    Args:
        path: the file.
        places: by our own names of layers, the key of each part.
        adapter: the names of the file.
        config: the PEFT configuration, if there is one.
        shapes: the weight's shape of each layer.
        base: what the base is called.

    Raises:
        NotImportable: a part is missing.
        DoesNotFit: a change is of another shape than its layer.
    """
    changes = {}
    with safe_open(path, framework="pt") as file:
        for name, keys in places.items():
            try:
                parts = dict(_numbers(file, keys, adapter))
                if not all(part.numel() for part in parts.values()):
                    # A layer that was resized to rank 0 is as it was.
                    continue
                changes[name] = _change(name, parts, config)
                _check_fit(changes[name], name, shapes[name], path.name, base)
            except ValueError as error:
                raise NotImportable(
                    f"{path.name} cannot be used: of {name}, {error}. Copy or download it again."
                ) from None
    return changes


def _numbers(file: Any, keys: Mapping[str, str], adapter: Adapter) -> Iterator[tuple[str, Tensor]]:
    """The parts of a layer, each in a format to compute with."""
    for part, key in keys.items():
        tensor = file.get_tensor(key)
        kind = str(tensor.dtype)
        if kind in EIGHT_BITS:
            tensor = tensor.to(torch.float16)
        elif tensor.dtype == torch.float64:
            tensor = tensor.to(torch.float32)
        elif tensor.dtype not in FLOATS and part not in FLAGS:
            kind = kind.removeprefix("torch.")
            raise ValueError(f"{part.partition('.')[2]} is quantised ({kind}), not plain numbers")
        if key in adapter.scales:
            tensor = _scaled(tensor, file.get_tensor(adapter.scales[key]))
        yield part, tensor


def _scaled(tensor: Tensor, scale: Tensor) -> Tensor:
    """The numbers that 8-bit weights stand for: with one scale for all, or for each row."""
    scale = scale.float()
    by_row = scale.ndim > 0 and scale.shape[0] == scale.numel() == tensor.shape[0]
    if by_row and tensor.ndim > 1:
        scale = scale.reshape(-1, *[1] * (tensor.ndim - 1))
    elif scale.numel() != 1:
        raise ValueError(f"a scale is {tuple(scale.shape)} for weights of {tuple(tensor.shape)}")
    return tensor.float() * scale


def _change(name: str, parts: dict[str, Tensor], config: dict[str, Any]) -> Change:
    family = family_of(parts)
    lone = family is None and ("lora.up_bias" in parts or not parts.keys() & set(BIASES))
    groups = NEEDED.get(family or "", ())
    if lone or not all(any(part in parts for part in group) for group in groups):
        raise ValueError("it lacks a half")
    rank = rank_of(family, parts)
    if "any.alpha" in parts:
        if parts["any.alpha"].numel() != 1:
            raise ValueError(f"alpha is {tuple(parts['any.alpha'].shape)}, not one number")
        strength = float(parts["any.alpha"])
    else:
        # PEFT divides a LoKr of whole matrices by the rank that was asked for, too.
        rank = config.get("r") if rank is None and family == "lokr" else rank
        strength = module_alpha(config, name, rank) if rank else 0.0
    if family == "oft":
        # There alpha bounds the angles, and nothing is divided by a rank.
        return Change(family, parts, strength, strength)
    return Change(family, parts, strength / rank if rank else 1.0, strength)


def _check_fit(change: Change, name: str, shape: torch.Size, title: str, base: str) -> None:
    """Refuse a product of another size than the layer, before anything is multiplied."""
    if "any.reshape" in change.parts:
        wanted = tuple(change.parts["any.reshape"].flatten().tolist())
        if wanted != tuple(shape):
            raise ValueError(f"it makes its layer another shape, {wanted}")
    out, into = outer_shape(change)
    if out is not None and (out != shape[0] or math.prod(into) != math.prod(shape[1:])):
        raise DoesNotFit(
            f"{title} was made for another model: its {name} takes {into} and gives {out}, "
            f"{base}'s takes {tuple(shape[1:])} and gives {shape[0]}."
        )


def outer_shape(change: Change) -> tuple[int | None, tuple[int, ...]]:
    """Return how many numbers a change gives and takes; None where its tensor has that shape."""
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
    """The same of one matrix, that is there whole or as a product."""
    if name in parts:
        return parts[name].shape[0], tuple(parts[name].shape[1:])
    up, down = parts[f"{name}_a"].shape, tuple(parts[f"{name}_b"].shape[1:])
    if core in parts:
        return up[1], down + tuple(parts[core].shape[2:])
    return up[0], down
