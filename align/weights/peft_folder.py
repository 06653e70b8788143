"""Export to PEFT: a folder with the adapter's weights and its configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from safetensors.torch import save_file

from align.adapters.kohya import PREFIX, LoraFile, most_common, refuse_others
from align.adapters.peft_configuration import PeftConfiguration
from align.files import write_json
from align.weights.dora import MAGNITUDE, is_dora
from align.weights.merge import create_folder

CONFIGURATION, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PEFT_PREFIX = "base_model.model."
"""Prefix that PEFT gives every module's name."""
BIAS = ".lora_B.bias"
N = TypeVar("N", int, float)


def write_peft_folder(
    adapter: LoraFile, target: Path, facts: dict[str, str], base: str | None
) -> None:
    """Write a folder that PEFT's `PeftModel.from_pretrained` and `load_adapter` read.

    Args:
        facts: metadata for the weights' file.
        base: the hub name of the model that it was trained from, if it has one.

    Raises:
        ExportError: the target is not empty, or the file holds more than a UNet's LoRA.
    """
    refuse_others(adapter, "PEFT's", (MAGNITUDE, BIAS))

    weights = {PEFT_PREFIX + name.removeprefix(PREFIX): w for name, w in adapter.weights.items()}
    with create_folder(target) as scratch:
        save_file(weights, scratch / WEIGHTS, metadata={"format": "pt"} | facts)
        write_json(scratch / CONFIGURATION, peft_configuration(adapter, base))


def peft_configuration(adapter: LoraFile, base: str | None) -> PeftConfiguration:
    """Return the configuration of an adapter, with every module's full name.

    Keys that older releases of PEFT do not know are written only where the adapter needs them.
    """
    ranks, alphas = _bare(adapter.ranks), _bare(adapter.alphas)
    rank, alpha = most_common(ranks.values()), most_common(alphas.values())
    config: PeftConfiguration = {
        "peft_type": "LORA",
        "task_type": None,
        "base_model_name_or_path": base,
        "inference_mode": True,
        "r": rank,
        "lora_alpha": alpha,
        "rank_pattern": {name: own for name, own in ranks.items() if own != rank},
        "alpha_pattern": {name: own for name, own in alphas.items() if own != alpha},
        "target_modules": sorted(ranks),
        "modules_to_save": None,
        "bias": "none",
        "lora_dropout": 0.0,
        "fan_in_fan_out": False,
    }

    if is_dora(adapter):
        config["use_dora"] = True
    if any(name.endswith(BIAS) for name in adapter.weights):
        config["lora_bias"] = True
    return config


def _bare(values: dict[str, N]) -> dict[str, N]:
    return {module.removeprefix(PREFIX): value for module, value in values.items()}
