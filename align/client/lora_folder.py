"""The folder in which another program looks for LoRA files, and names of files in it. No torch."""

from __future__ import annotations

import os
import re
from pathlib import Path

from align.errors import UnusableFolder

PLACES = ("models/loras", "models/Lora", "loras", "Lora")
"""LoRA folders within the folders of ComfyUI, of A1111 and Forge, and within their models folders.
"""
OTHER_PLACES = (
    "checkpoints", "stable-diffusion", "diffusion_models", "unet", "vae", "clip", "text_encoders",
    "controlnet", "embeddings", "upscale_models",
)  # fmt: skip
"""Names of the folders beside it, in lower case, in which no LoRA is looked for."""
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices, with any ending."""
LONGEST_STEM = 80
"""Characters; in UTF-8 they are at most 240 bytes, and a file name may have 255 with its ending."""


def find_lora_folder(path: Path) -> Path:
    """Return the folder for LoRA files that a person means: this one, or the one within it.

    Args:
        path: a LoRA folder, or the folder of ComfyUI, A1111 or Forge or its models folder.

    Raises:
        UnusableFolder: it is missing, for other files, or cannot be written to.
    """
    folder = path.expanduser().resolve()
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "is not there"
        raise UnusableFolder(
            f"{folder} {what}. Name the folder in which your program looks for LoRA files, such as "
            "ComfyUI/models/loras or stable-diffusion-webui/models/Lora."
        )

    found = next((folder / place for place in PLACES if (folder / place).is_dir()), folder)
    if found.name.lower() in OTHER_PLACES:
        raise UnusableFolder(
            f"{found} is for other models, and no program looks for LoRA files there. Name the "
            "LoRA folder beside it: loras in ComfyUI, Lora in A1111 and Forge."
        )
    if not os.access(found, os.W_OK | os.X_OK):
        raise UnusableFolder(
            f"{found} cannot be written to. Allow Palate's user to write there, or name another "
            "folder."
        )
    return found


def safe_stem(name: str) -> str:
    """Return a file name without ending that every system and every prompt takes.

    Windows forbids some characters and names, and A1111 writes the name into
    `<lora:name:strength>`.
    """
    stem = re.sub(r"[^\w.+-]+", "-", name)[:LONGEST_STEM].strip("-. ") or "lora"
    return f"lora-{stem}" if RESERVED.fullmatch(stem) else stem
