"""Base model of an adapter by the metadata that its trainer wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping

from align.client.architectures.families import ARCHITECTURES

BASE_MODEL_KEYS = ("ss_base_model_version", "modelspec.architecture", "baseModel", "base_model",
          "base_model_name", "model_type", "ss_sd_model_name")  # fmt: skip
"""Metadata keys in which trainers name the base, the most reliable first."""
FILE_NAME_KEY = "ss_sd_model_name"
"""Holds a file's name, which counts only if a known model is in it."""
MAX_NOTE_CHARACTERS = 60
BETWEEN_WORDS = re.compile(r"[^a-z0-9]+")


def noted_base(metadata: Mapping[str, str]) -> str | None:
    """Return the base that the metadata names, by its usual name where it has one."""
    for key in BASE_MODEL_KEYS:
        note = metadata.get(key, "")[:MAX_NOTE_CHARACTERS].strip()
        known = usual_name(note)
        if known or (note and key != FILE_NAME_KEY):
            return known or note
    return None


def usual_name(note: str) -> str | None:
    """Return the usual name of the model that a note names; None for an unknown one."""
    words = f" {BETWEEN_WORDS.sub(' ', note.lower())} "
    for family in ARCHITECTURES:
        # The first match counts.
        if any(f" {beginning}" in words for beginning in family.notes):
            return family.name
    return None
