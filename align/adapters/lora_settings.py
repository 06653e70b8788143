"""How strong a LoRA of PEFT is meant to be, by the configuration in it or beside it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from align.adapters.kohya import CONFIG, ExportError, check_patterns, read_config
from align.errors import NotImportable
from align.files import read_json

PEFT_FILE, PEFT_ROOT = "adapter_model", "base_model.model."
"""What PEFT calls its files, and how it begins the names in them."""
MOVED_BASES = ("pissa", "olora", "corda", "lora_ga", "loftq")
"""How PEFT calls beginnings of a LoRA that take something out of the base's weights."""


def peft_config(path: Path, metadata: dict[str, str], keys: Collection[str]) -> dict[str, Any]:
    """The PEFT configuration that a file carries, or that lies beside it."""
    config = _found_config(path, metadata, keys)
    start = config.get("init_lora_weights")
    if isinstance(start, str) and start.lower().startswith(MOVED_BASES):
        raise NotImportable(
            f"{path.name} stands on a base that its trainer changed first (init_lora_weights "
            f"{start[:20]!r}), so on the plain base it means something else. Save it again with "
            "PEFT's path_initial_model_for_weight_conversion, which makes a plain LoRA of it."
        )
    return config


def _found_config(path: Path, metadata: dict[str, str], keys: Collection[str]) -> dict[str, Any]:
    if CONFIG in metadata:
        try:
            return read_config(path, metadata)
        except ExportError as error:
            raise NotImportable(str(error)) from None
    # In a folder of downloads it may be that of another file, which says nothing of this one.
    if not (path.name.startswith(PEFT_FILE) or any(key.startswith(PEFT_ROOT) for key in keys)):
        return {}
    beside = path.with_name("adapter_config.json")
    try:
        config = read_json(beside)
    except ValueError:
        raise NotImportable(f"{beside} is not JSON. Copy or download the LoRA again.") from None
    if not isinstance(config, dict):
        return {}
    try:
        check_patterns(config, beside)
    except ExportError as error:
        raise NotImportable(str(error)) from None
    # LoHa and LoKr of PEFT have the same setting under another name.
    return {"lora_alpha": config["alpha"], **config} if "alpha" in config else config
