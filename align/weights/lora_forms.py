"""The two forms of imported weights: an adapter, or all weights of a UNet.

An adapter is small, can be trained further and exported in every form. It holds whatever is a
product of two thin matrices: LoRA, LoCon, DoRA by output, and LoHa and LoKr of a small rank. Any
other change is added to the base's weights and stored as a whole UNet in half precision.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from align.adapters.kohya import CONFIG, DOWN, PREFIX, UP, most_common
from align.adapters.lora_changes import LayerChange
from align.adapters.low_rank import product_of
from align.adapters.lycoris import BIASES, apply_change
from align.client.single_file.checkpoint import open_checkpoint
from align.client.weight_files import weight_files
from align.contracts.models import ModelInfo
from align.device import Compute
from align.errors import NotImportable, first_line
from align.families.lookup import family_of
from align.weights.full import WEIGHTS_KEY, WHOLE_UNET
from align.weights.pipeline import load_pipeline

MAGNITUDE = ".lora_magnitude_vector"
BF16_TOLERANCE = 2.0**-8
"""Relative difference that rounding to bf16 may make in a length."""
DORA_PARTS = ("lora.magnitude_vector", "any.dora_scale")


@dataclass(frozen=True)
class LowRankLayer:
    """Change of one layer as an adapter stores it: ΔW = up · down."""

    down: Tensor
    up: Tensor
    magnitude_vector: Tensor | None = None

    @property
    def rank(self) -> int:
        """Return the rank of ΔW."""
        return int(self.down.shape[0])


def as_layers(
    changes: Mapping[str, LayerChange], shapes: Mapping[str, torch.Size]
) -> dict[str, LowRankLayer] | None:
    """Return all changes in the form of an adapter; None where one of them does not fit it.

    Args:
        changes: by layer.
        shapes: the weight's shape of each linear and convolution.

    Raises:
        RuntimeError: parts of shapes that do not go together.
    """
    # diffusers reads a whole file as a DoRA or not at all as one.
    decomposed = {any(part in change.parts for part in DORA_PARTS) for change in changes.values()}
    if len(decomposed) > 1 or not changes.keys() <= shapes.keys():
        return None

    keep_dtype = all(_is_plain(change) for change in changes.values())
    layers = {}
    for name, change in changes.items():
        layer = _as_layer(change, shapes[name], keep_dtype)
        if layer is None:
            return None
        layers[name] = layer
    return layers


def _is_plain(change: LayerChange) -> bool:
    """Return whether a change is stored as it is, so that its weights keep their dtype."""
    return change.family == "lora" and change.scale == 1 and "lora.mid" not in change.parts


def _as_layer(change: LayerChange, shape: torch.Size, keep_dtype: bool) -> LowRankLayer | None:
    if any(part in change.parts for part in (*BIASES, "any.weight")):
        return None
    magnitude = _magnitude_vector(change, shape)
    if magnitude is None and any(part in change.parts for part in DORA_PARTS):
        return None
    product = product_of(change.family or "", change.numbers)
    if product is None:
        return None

    down, up = product.down, product.up * change.scale
    if keep_dtype:
        kept = torch.promote_types(change.parts["lora.down"].dtype, change.parts["lora.up"].dtype)
        down, up = down.to(kept), up.to(kept)
    ones = [1] * (len(shape) - 2)
    down = down.reshape(product.rank, *shape[1:]).contiguous()
    return LowRankLayer(down, up.reshape(shape[0], product.rank, *ones).contiguous(), magnitude)


def _magnitude_vector(change: LayerChange, shape: torch.Size) -> Tensor | None:
    """Return DoRA's magnitudes as PEFT stores them; None for those by input, or not of a LoRA."""
    found = change.parts.get("lora.magnitude_vector")
    if found is None:
        found = change.parts.get("any.dora_scale")
        if found is None or found.ndim < 2 or found.shape[0] != shape[0]:
            return None
    if change.family != "lora" or found.numel() != shape[0]:
        return None
    return found.flatten() if len(shape) == 2 else found.reshape(1, -1, *[1] * (len(shape) - 2))


def magnitudes_from_scales(
    changes: Mapping[str, LayerChange], model: ModelInfo
) -> dict[str, LayerChange]:
    """Replace the scales of a DoRA that was exported here by its magnitudes.

    The export wrote scale = m · |W| / |W + ΔW|, row by row, see `align.weights.dora`.
    """
    result = {}

    with base_weights(model) as base:
        for name, change in changes.items():
            scale = change.parts.get("any.dora_scale")
            product = product_of(change.family or "", change.numbers)
            if scale is not None and product is not None:
                own = base[f"{name}.weight"].float().flatten(1)
                lengths = (own + change.scale * product.whole).norm(dim=1) / own.norm(dim=1)
                parts = {part: w for part, w in change.parts.items() if part != "any.dora_scale"}
                parts["lora.magnitude_vector"] = scale.float().flatten() * lengths
                change = replace(change, parts=parts)
            result[name] = change
    return result


def changes_row_lengths(layers: Mapping[str, LowRankLayer], model: ModelInfo) -> bool:
    """Return whether a DoRA changes the length of a row of the base's weights."""
    if all(layer.magnitude_vector is None for layer in layers.values()):
        return False
    with base_weights(model) as base:
        for name, layer in layers.items():
            lengths = base[f"{name}.weight"].float().flatten(1).norm(dim=1)
            wanted = layer.magnitude_vector
            if wanted is not None and not torch.allclose(
                wanted.float().flatten(), lengths, BF16_TOLERANCE
            ):
                return True
    return False


def adapter_weights(layers: Mapping[str, LowRankLayer]) -> dict[str, Tensor]:
    """Return the weights of an adapter file, by diffusers' names."""
    weights: dict[str, Tensor] = {}
    for name, layer in layers.items():
        weights[PREFIX + name + DOWN] = layer.down
        weights[PREFIX + name + UP] = layer.up
        if layer.magnitude_vector is not None:
            weights[PREFIX + name + MAGNITUDE] = layer.magnitude_vector.contiguous()
    return weights


def adapter_metadata(layers: Mapping[str, LowRankLayer]) -> dict[str, str]:
    """Return the PEFT configuration as metadata: diffusers scales layers of other ranks by it."""
    ranks = {name: layer.rank for name, layer in layers.items()}
    rank = most_common(ranks.values())
    # One pattern for each rank: PEFT tries all of them on every layer.
    others = {
        f"^(?:{'|'.join(re.escape(name) for name in ranks if ranks[name] == other)})": other
        for other in sorted({*ranks.values()} - {rank})
    }
    config = {
        "r": rank,
        "lora_alpha": rank,
        "rank_pattern": others,
        "alpha_pattern": others,
        "target_modules": sorted(ranks),
        "use_dora": any(layer.magnitude_vector is not None for layer in layers.values()),
    }
    return {CONFIG: json.dumps({PREFIX + name: value for name, value in config.items()})}


def whole_weights(
    changes: Mapping[str, LayerChange], model: ModelInfo, title: str
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return all weights of the base's UNet with the changes added, in half precision.

    Raises:
        NotImportable: a change does not fit its layer, or none changes anything.
    """
    weights: dict[str, Tensor] = {}
    same = True
    with base_weights(model) as base:
        for name, change in changes.items():
            own, bias = base[f"{name}.weight"], base.get(f"{name}.bias")
            try:
                result = apply_change(change.numbers, change.scale, own, bias)
            except (ValueError, RuntimeError, LookupError) as error:
                reason = first_line(error)
                raise NotImportable(
                    f"{title} cannot be merged into {model.name}: of {name}, {reason}."
                ) from None
            for end, now, before in (("weight", result.weight, own), ("bias", result.bias, bias)):
                if now is not None and before is not None:
                    same &= torch.equal(now, before.float())
                    weights[f"{name}.{end}"] = now.half()
        if same:
            raise NotImportable(f"{title} changes nothing of {model.name}. Bring another one.")
        # The rest is read one by one: all of SDXL in fp32 would take twice what is kept.
        weights |= {name: base[name].half() for name in base if name not in weights}
    return {name: weight.contiguous() for name, weight in weights.items()}, {
        WEIGHTS_KEY: WHOLE_UNET
    }


class _LazyTensors(Mapping[str, Tensor]):
    """Tensors of several files by name, each read on access."""

    def __init__(self, places: Mapping[str, tuple[Any, str]]) -> None:
        self._places = places

    def __getitem__(self, name: str) -> Tensor:
        file, key = self._places[name]
        tensor: Tensor = file.get_tensor(key)
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


@contextmanager
def base_weights(model: ModelInfo) -> Iterator[Mapping[str, Tensor]]:
    """Provide the weights of the base's UNet by name, with a few-step adapter fused in."""
    folder = Path(model.load_path)
    family, part = family_of(model), family_of(model).denoiser_part
    if model.file is not None:
        checkpoint = open_checkpoint(Path(model.file))
        with safe_open(checkpoint.file, framework="pt") as file:
            pieces = checkpoint.pieces[part].items()
            yield _LazyTensors({name: (file, piece.key) for name, piece in pieces})
        return
    if model.few_steps or not (folder / part).is_dir():
        cpu = Compute(torch.device("cpu"), torch.float32, None)
        yield family.denoiser(load_pipeline(model, cpu)).state_dict()
        return
    files = weight_files(folder, {part: family.parts[part]})[part].files
    with ExitStack() as opened:
        safes = [opened.enter_context(safe_open(file, framework="pt")) for file in files]
        yield _LazyTensors({key: (file, key) for file in safes for key in file.keys()})
