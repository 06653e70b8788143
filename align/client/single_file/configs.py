"""Configurations of a checkpoint: SDXL's own, which come with the project, and those it stores.

A file of SDXL's shape says nothing of its configurations, since they are SDXL's. For any other
shape the file holds those that differ in its metadata, as `align.weights.single_file` writes them:
heads of attention, activations and vocabularies cannot be read from weights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from align.errors import BrokenModel
from align.files import parse_json

FOLDER = "sdxl"
STORED = "palate.configs"
"""Name of the metadata with a JSON object: configurations by the names of their files."""
INDEX, SCHEDULER = "model_index.json", "scheduler/scheduler_config.json"
CONFIGS = (
    INDEX,
    SCHEDULER,
    "unet/config.json",
    "vae/config.json",
    "text_encoder/config.json",
    "text_encoder_2/config.json",
)
TOKENIZERS = ("tokenizer", "tokenizer_2")
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
ZEROED = "force_zeros_for_empty_prompt"


def sdxl_folder() -> Path:
    """Return the folder with SDXL's configurations and its tokenizers' vocabulary."""
    return Path(__file__).parents[2] / FOLDER


def sdxl_config(name: str) -> dict[str, Any]:
    """Read one of SDXL's configurations."""
    config: dict[str, Any] = json.loads((sdxl_folder() / name).read_text(encoding="utf-8"))
    return config


def stored_configs(title: str, metadata: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Read the configurations that a checkpoint stores.

    Raises:
        BrokenModel: they are no JSON objects.
    """
    try:
        stored = parse_json(metadata.get(STORED, "{}"))
        tokenizers = [f"{part}/{name}" for part in TOKENIZERS for name in TOKENIZER_FILES]
        wanted = (*CONFIGS, *tokenizers)
        known = {name: stored[name] for name in wanted if name in dict(stored)}
        if all(isinstance(config, dict) for config in known.values()):
            return known
    except (ValueError, TypeError):
        pass
    raise BrokenModel(
        f"{title} holds configurations that cannot be read, in its metadata under {STORED}. Export "
        "it again."
    )
