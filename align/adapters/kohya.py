"""LoRA files: read module by module, and written under the names of kohya's sd-scripts.

The weight change of a module is ΔW = (alpha / rank) · up · down in kohya's form as in PEFT's.
Diffusers calls `down` lora_A and `up` lora_B.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import torch
from peft.utils.other import get_pattern_key
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from align.adapters.peft_configuration import PeftConfiguration
from align.contracts.errors import InvalidInput
from align.errors import AlignError, first_line
from align.files import parse_json

PREFIX = "unet."
DOWN, UP = ".lora_A.weight", ".lora_B.weight"
CONFIG = "lora_adapter_metadata"
REPEAT, REPEATED_GROUP = re.compile(r"[*+{]"), re.compile(r"\)[*+{?]")
MAX_REPEATS = 2
"""Repeats in a pattern of names: more of them, or a repeated group, can take for ever to match."""
T = TypeVar("T")
LayerNames: TypeAlias = Callable[[str], str]
"""From our name of a layer to the one in the code that the architecture was published with."""


class ExportError(AlignError, InvalidInput):
    """An adapter cannot be read, or not be written in the requested form."""


@dataclass(frozen=True)
class LoraFile:
    """A LoRA as its file stores it."""

    weights: dict[str, Tensor]
    """By the file's names: `<module>.lora_A.weight` is [rank, in], `.lora_B.weight` [out, rank]."""
    ranks: dict[str, int]
    """By module, such as `unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q`."""
    alphas: dict[str, float]
    """By module; the weight change counts alpha / rank times."""
    metadata: dict[str, str]
    """Metadata of the file."""

    @property
    def shared_alpha(self) -> float:
        """Return the most common alpha that is not 0."""
        # Weights that are scaled by 0 cannot be rescaled to any other alpha.
        return most_common([alpha for alpha in self.alphas.values() if alpha] or [0.0])

    def at_strength(self, strength: float) -> LoraFile:
        """Return the adapter that changes as much at strength 1 as this one at `strength`."""
        # Alphas are stored in fp32, so that no weight is rounded another time.
        scaled = {module: alpha * strength for module, alpha in self.alphas.items()}
        return replace(self, alphas=scaled)

    def is_wide(self, module: str) -> bool:
        """Return whether a module is a convolution over more than one pixel."""
        return any(size > 1 for size in self.weights[module + DOWN].shape[2:])


def read_adapter(path: Path) -> LoraFile:
    """Read a file written by `save_adapter` or by diffusers' `save_lora_weights`.

    Raises:
        ExportError: no such file, not a whole safetensors file, or no LoRA in it.
    """
    weights, metadata = _read(path)
    modules = sorted(name.removesuffix(DOWN) for name in weights if name.endswith(DOWN))
    if not modules:
        raise ExportError(
            f"{path} holds no LoRA in diffusers' form (no lora_A weights). "
            "Name a run folder or the adapter.safetensors of one."
        )

    ranks = {module: _rank(path, weights, module) for module in modules}
    config = read_config(path, metadata)
    alphas = {module: _alpha(path, config, module, rank) for module, rank in ranks.items()}
    return LoraFile(weights, ranks, alphas, metadata)


def _rank(path: Path, weights: dict[str, Tensor], module: str) -> int:
    """Return the rank of a module's two matrices; raises ExportError where they do not fit."""
    if module + UP not in weights:
        raise ExportError(f"{path} lacks {module + UP}. Copy the adapter again.")
    down, up = weights[module + DOWN].shape, weights[module + UP].shape
    if len(down) < 2 or len(up) < 2 or down[0] != up[1]:
        raise ExportError(
            f"{path} holds two halves of {module} that do not fit: {tuple(down)} and {tuple(up)}. "
            "Copy the adapter again."
        )
    if down[0] == 0:
        raise ExportError(f"{path} has rank 0 at {module}, so it changes nothing there.")
    return down[0]


def _alpha(path: Path, config: PeftConfiguration, module: str, rank: int) -> float:
    """Return the module's alpha; raises ExportError unless it is a finite number."""
    try:
        alpha = module_alpha(config, module, rank)
        known = math.isfinite(alpha)
    except (ValueError, TypeError, AttributeError, re.error):
        known = False
    if not known:
        raise ExportError(
            f"{path} names no finite number as the alpha of {module}, so how strong its LoRA is "
            "meant to be is unknown. Copy the adapter again."
        )
    return alpha


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}
            return weights, dict(file.metadata() or {})

    except FileNotFoundError:
        raise ExportError(
            f"There is no adapter at {path}. Name a run folder or an adapter.safetensors."
        ) from None
    except (SafetensorError, OSError) as error:
        raise ExportError(
            f"{path} is cut short, or not a safetensors file ({first_line(error)}). "
            "Copy it again, or resume its run to have it written again."
        ) from None


def read_config(path: Path, metadata: dict[str, str]) -> PeftConfiguration:
    """Return the PEFT configuration of the UNet's part, empty where the file has none.

    Raises:
        ExportError: it is no JSON object, or has a broken pattern.
    """
    try:
        whole = parse_json(metadata.get(CONFIG, "{}"))
        config: Any = {name.removeprefix(PREFIX): v for name, v in whole.items()}
    except (ValueError, AttributeError):
        raise ExportError(
            f"{path} carries a {CONFIG} that is not a JSON object, so how strong its LoRA is meant "
            "to be is unknown. Copy the adapter again."
        ) from None
    check_patterns(config, path)
    checked: PeftConfiguration = config
    return checked


def check_patterns(config: PeftConfiguration, path: Path) -> None:
    """Refuse alpha patterns that are no regular expressions, or that take for ever to match."""
    for pattern in config.get("alpha_pattern") or ():
        try:
            re.compile(pattern)
            broken = REPEATED_GROUP.search(pattern) or len(REPEAT.findall(pattern)) > MAX_REPEATS
        except (re.error, TypeError, RecursionError, OverflowError):
            broken = True
        if broken:
            raise ExportError(
                f"{path} says of its layers {str(pattern)[:80]!r}, which is no pattern of names, "
                "so how strong its LoRA is meant to be is unknown. Copy the adapter again."
            )


def module_alpha(config: PeftConfiguration, module: str, rank: int) -> float:
    """Return the module's alpha by PEFT's rules; a file without one means alpha = rank."""
    patterns = config.get("alpha_pattern") or {}
    key = get_pattern_key(list(patterns), module.removeprefix(PREFIX))
    alpha = float(patterns.get(key, config.get("lora_alpha", rank)))
    # PEFT's rsLoRA scales by alpha / √rank; kohya's form only knows alpha / rank.
    return alpha * math.sqrt(rank) if config.get("use_rslora") else alpha


def kohya_weights(adapter: LoraFile, dtype: torch.dtype, names: LayerNames) -> dict[str, Tensor]:
    """Return the adapter under kohya's names.

    `<name>.lora_down.weight` is [rank, in] and `.lora_up.weight` [out, rank] in `dtype`, of a
    convolution [rank, in, k, k] and [out, rank, 1, 1]; `.alpha` is a scalar in fp32.

    All modules get one alpha, the most common one. Where another was meant, the difference goes
    into the `up` weights: diffusers 0.42 applies the most common alpha to all attention modules.

    Raises:
        ExportError: a weight that kohya's form cannot hold, or one beyond the range of `dtype`.
    """
    refuse_others(adapter, "kohya's")
    shared = adapter.shared_alpha
    result: dict[str, Tensor] = {}
    for module, alpha in adapter.alphas.items():
        name = kohya_name(module, names)
        if f"{name}.alpha" in result:
            raise ExportError(
                f"Two modules would both be called {name} in kohya's form. "
                "Export in the diffusers form."
            )

        up = adapter.weights[module + UP]
        up = up if alpha == shared else up.float() * (alpha / shared)
        result[f"{name}.alpha"] = torch.tensor(shared, dtype=torch.float32)
        result[f"{name}.lora_down.weight"] = cast(adapter.weights[module + DOWN], dtype, module)
        result[f"{name}.lora_up.weight"] = cast(up, dtype, module)
    return result


def kohya_name(module: str, names: LayerNames) -> str:
    """Return sd-scripts' name of a module, such as `lora_unet_middle_block_1_proj_in`."""
    return "lora_unet_" + names(module.removeprefix(PREFIX)).replace(".", "_")


def refuse_others(adapter: LoraFile, form: str, ends: tuple[str, ...] = ()) -> None:
    """Raise ExportError for a weight that a form cannot hold.

    Args:
        ends: endings of weights that a module may have beside lora_A and lora_B.
    """
    known = {module + end for module in adapter.ranks for end in (DOWN, UP, *ends)}
    others = sorted(set(adapter.weights) - known)

    if any("lora_magnitude_vector" in name for name in others):
        raise ExportError(
            "This adapter is a DoRA, and its magnitudes are read differently, or dropped, by the "
            f"programs that read {form} form. Export it in the dora form for ComfyUI and Forge, "
            "or in the diffusers, the peft or the merged form."
        )
    others += [module for module in adapter.ranks if not module.startswith(PREFIX)]
    if others:
        raise ExportError(
            f"{others[0]} is not a LoRA weight of a UNet, and only those can be written in {form} "
            "form. Export in the diffusers form."
        )


def cast(weight: Tensor, dtype: torch.dtype, module: str) -> Tensor:
    """Return a module's weight in another format; raises ExportError where it overflows."""
    cast = weight.to(dtype).contiguous()
    if not cast.isfinite().all():
        kind = str(dtype).removeprefix("torch.")
        raise ExportError(
            f"A weight of {module} is no finite number in {kind}. Export in fp32; if that fails "
            "too, the run has diverged: train again with a lower learning_rate."
        )
    return cast


def network_metadata(adapter: LoraFile) -> dict[str, str]:
    """Return the metadata of kohya's own files, which web UIs filter by and display."""
    alpha = f"{adapter.shared_alpha:g}"
    facts = {
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(most_common(adapter.ranks.values())),
        "ss_network_alpha": alpha,
    }
    convolutions = [rank for module, rank in adapter.ranks.items() if adapter.is_wide(module)]
    if convolutions:
        # sd-scripts keeps the rank of 3 x 3 convolutions apart, and leaves them out without one.
        arguments = {"conv_dim": str(most_common(convolutions)), "conv_alpha": alpha}
        facts["ss_network_args"] = json.dumps(arguments)
    return facts


def tensor_hash(weights: dict[str, Tensor]) -> str:
    """Return the SHA-256 of a safetensors file without its header, as metadata must not change it.

    It is sshs_model_hash in sd-scripts and A1111 (sd-scripts, `addnet_hash_safetensors`) and
    hash_sha256 in modelspec.
    """
    content = save(weights)
    header_end = 8 + int.from_bytes(content[:8], "little")
    return hashlib.sha256(memoryview(content)[header_end:]).hexdigest()


def most_common(values: Iterable[T]) -> T:
    """Return the most frequent value, of equally frequent ones the first."""
    return Counter(values).most_common(1)[0][0]
