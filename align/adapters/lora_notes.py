"""Base model of an adapter by the metadata that its trainer wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping

BASE_MODEL_KEYS = ("ss_base_model_version", "modelspec.architecture", "baseModel", "base_model",
          "base_model_name", "model_type", "ss_sd_model_name")  # fmt: skip
"""Metadata keys in which trainers name the base, the most reliable first."""
FILE_NAME_KEY = "ss_sd_model_name"
"""Holds a file's name, which counts only if a known model is in it."""
MAX_NOTE_CHARACTERS = 60
USUAL_NAMES = {
    "Kolors": ("kolors",),
    "the SDXL refiner": ("sdxl refiner", "sd xl refiner", "stable diffusion xl v1 refiner"),
    "Pony (SDXL)": ("pony",),
    "Illustrious (SDXL)": ("illustrious",),
    "SDXL": ("stable diffusion xl", "sdxl", "sd xl"),
    "FLUX.2": ("flux2", "flux 2"),
    "FLUX.1": ("flux",),
    "Stable Diffusion 1.5": ("stable diffusion v1", "stable diffusion 1", "sd v1", "sd1", "sd 1"),
    "Stable Diffusion 2": ("stable diffusion v2", "stable diffusion 2", "sd v2", "sd2", "sd 2"),
    "Stable Diffusion 3": ("stable diffusion 3", "stable diffusion v3", "sd3", "sd 3"),
    "HunyuanDiT": ("hunyuandit", "hunyuan dit"),
    "HunyuanVideo": ("hunyuan video", "hunyuanvideo", "framepack"),
    "Hunyuan": ("hunyuan",),
    "Qwen-Image": ("qwen",),
    "Z-Image": ("zimage", "z image"),
    "Stable Cascade": ("cascade", "stable cascade", "wuerstchen"),
    "AuraFlow": ("auraflow", "aura flow"),
    "LTX-Video": ("ltx",),
    "CogVideoX": ("cogvideo",),
    "Wan": ("wan ", "wan2", "wan 2", "wanvideo"),
    **{name: (name.lower(),) for name in ("Lumina", "PixArt", "Chroma", "HiDream", "Sana",
                                          "Cosmos", "Mochi")},
}  # fmt: skip
"""By usual name of a model: beginnings of words in a note that mean it; the first match counts."""
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
    for name, beginnings in USUAL_NAMES.items():
        if any(f" {beginning}" in words for beginning in beginnings):
            return name
    return None
