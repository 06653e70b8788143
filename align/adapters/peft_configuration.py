"""PEFT's adapter_config.json, as far as Palate writes and reads it."""

from __future__ import annotations

from typing import TypedDict


class PeftConfiguration(TypedDict, total=False):
    """Configuration of an adapter; files of other programs may hold other keys and values."""

    peft_type: str
    task_type: str | None
    base_model_name_or_path: str | None
    inference_mode: bool
    r: int
    """Rank of the layers that `rank_pattern` does not name."""
    lora_alpha: float
    """Alpha of the layers that `alpha_pattern` does not name."""
    rank_pattern: dict[str, int]
    """Ranks by patterns of layers' names."""
    alpha_pattern: dict[str, float]
    target_modules: list[str]
    modules_to_save: list[str] | None
    bias: str
    lora_dropout: float
    fan_in_fan_out: bool
    use_dora: bool
    lora_bias: bool
    use_rslora: bool
    """The change is scaled by alpha / √rank, not by alpha / rank."""
    init_lora_weights: bool | str
    alpha: float
    """Alpha in configurations of LoHa and LoKr."""
