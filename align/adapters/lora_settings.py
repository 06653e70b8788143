"""PEFT configuration of a LoRA, in its metadata or beside it, which holds its alpha."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from align.adapters.kohya import CONFIG, ExportError, check_patterns, read_config
from align.adapters.peft_configuration import PeftConfiguration
from align.errors import NotImportable
from align.files import read_json

PEFT_FILE, PEFT_PREFIX = "adapter_model", "base_model.model."
"""PEFT's name for its files, and the prefix of the keys in them."""
BASE_CHANGING_INITS = ("pissa", "olora", "corda", "lora_ga", "loftq")
"""Initializations of PEFT that subtract the fresh LoRA from the base's weights."""


def peft_config(path: Path, metadata: dict[str, str], keys: Collection[str]) -> PeftConfiguration:
    """Return the PEFT configuration in a file's metadata or beside it, or an empty one.

    Raises:
        NotImportable: it cannot be read, or the LoRA belongs on a changed base.
    """
    config = _found_config(path, metadata, keys)
    init = config.get("init_lora_weights")
    if isinstance(init, str) and init.lower().startswith(BASE_CHANGING_INITS):
        raise NotImportable(
            f"{path.name} stands on a base that its trainer changed first (init_lora_weights "
            f"{init[:20]!r}), so on the plain base it means something else. Save it again with "
            "PEFT's path_initial_model_for_weight_conversion, which makes a plain LoRA of it."
        )
    return config


def _found_config(path: Path, metadata: dict[str, str], keys: Collection[str]) -> PeftConfiguration:
    if CONFIG in metadata:
        try:
            return read_config(path, metadata)
        except ExportError as error:
            raise NotImportable(str(error)) from None

    # In a folder of downloads the configuration may belong to another file.
    if not (path.name.startswith(PEFT_FILE) or any(key.startswith(PEFT_PREFIX) for key in keys)):
        return {}
    beside = path.with_name("adapter_config.json")
    try:
        found = read_json(beside)
    except ValueError:
        raise NotImportable(f"{beside} is not JSON. Copy or download the LoRA again.") from None
    if not isinstance(found, dict):
        return {}

    config: Any = found
    try:
        check_patterns(config, beside)
    except ExportError as error:
        raise NotImportable(str(error)) from None
    # LoHa and LoKr of PEFT have the same setting under another name.
    read: PeftConfiguration = config
    if "alpha" in read:
        read.setdefault("lora_alpha", read["alpha"])
    return read
