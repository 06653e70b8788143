"""Files that were brought as a LoRA and are none: the kind of each, and what to do with it.

The kind is told by the names of its weights in the header: nothing else of it is read.
"""

from __future__ import annotations

from collections.abc import Mapping

from peft.mapping import PEFT_TYPE_TO_PREFIX_MAPPING

from align.client.architectures.parts import Parts, Shapes, sort_parts
from align.client.architectures.purposes import (
    is_autoencoder,
    is_embedding,
    is_encoder,
    other_purpose,
)
from align.client.architectures.recognize import recognize
from align.client.architectures.unet_shapes import is_unet, text_width
from align.client.architectures.unets import TEXT_WIDTHS

BRING_FOLDER = "bring the folder of a tuned model in diffusers' form"
ORIGINAL_BLOCKS = "input_blocks_"
TRANSFORMER_BLOCKS = ("transformer_blocks_", "double_blocks_", "single_blocks_", "joint_blocks_",
                      "blocks_", "layers_")  # fmt: skip
OTHER_ADAPTERS = (
    ("oft_diag", "OFT of LyCORIS's first form"),
    ("lambda_layer", "T-LoRA"),
    ("lora_E", "AdaLoRA"),
    ("ranknum", "AdaLoRA"),
    ("vera_", "VeRA"),
    ("lora_embedding_", "LoRA on an embedding"),
)  # fmt: skip


def describe_non_lora(shapes: Shapes) -> str:
    """Return the end of the sentence that refuses a file without any adapter in it."""
    if not shapes:
        return "holds no LoRA: it is empty. Copy or download it again"

    parts = sort_parts(shapes)
    if parts.prefixed:
        return _checkpoint(parts, shapes)
    if kind := other_purpose(shapes):
        return f"is {kind}, no LoRA, and Palate has no use for it. Bring a LoRA file"
    if is_embedding(shapes):
        return (
            "is a textual inversion embedding, which tunes the text encoders' words, and Palate "
            "tunes the UNet alone. Bring a LoRA file"
        )
    return _part_of_a_model(parts, shapes)


def _checkpoint(parts: Parts, shapes: Shapes) -> str:
    """Return the end of the sentence that refuses a checkpoint."""
    family = recognize(shapes).architecture
    if not is_unet(parts.denoiser):
        name = family.name if family else "a whole checkpoint"
        return f"is {name}, a transformer of another architecture than SDXL's, no LoRA"

    kind = (
        "a whole checkpoint" if parts.autoencoder or parts.encoders else "the UNet of a checkpoint"
    )
    return (
        f"is {kind}{f' of {family.name}' if family else ''}, no LoRA. If it is of this base's "
        "kind, open it in diffusers with from_single_file, write it with save_pretrained, and "
        "bring that folder; or start Palate with --model on this file"
    )


def _part_of_a_model(parts: Parts, shapes: Shapes) -> str:
    if any(name.startswith(ORIGINAL_BLOCKS) for name in parts.denoiser):
        return _checkpoint(parts, shapes)
    if text_width(parts.denoiser) and is_unet(parts.denoiser):
        base = TEXT_WIDTHS.get(text_width(parts.denoiser) or 0)
        of = f" of {base.name}" if base else ""
        return (
            f"is the UNet{of} alone, of another shape than this base's. To use it, {BRING_FOLDER}"
        )

    if is_autoencoder(shapes):
        return "is an autoencoder (VAE), no LoRA, and Palate tunes the UNet alone"
    if is_encoder(shapes):
        return "is a text or image encoder, no LoRA, and Palate tunes the UNet alone"
    family = recognize(shapes).architecture
    if family or any(name.startswith(TRANSFORMER_BLOCKS) for name in parts.denoiser):
        name = f"{family.name}, " if family else ""
        return f"is {name}a transformer of another architecture than SDXL's, no LoRA"
    return f"is no LoRA: it holds {next(iter(shapes))[:80]}. Bring a LoRA file, or {BRING_FOLDER}"


def other_adapter(key: str) -> str | None:
    """Return the kind of adapter that a weight belongs to, of those that Palate cannot merge."""
    for mark, name in OTHER_ADAPTERS:
        if mark in key:
            return name
    prefixes: Mapping[object, str] = PEFT_TYPE_TO_PREFIX_MAPPING
    words = key.split(".")
    for kind, prefix in prefixes.items():
        if prefix != "lora_" and any(word.startswith(prefix) for word in words):
            return f"{str(kind).rpartition('.')[2]} of PEFT"
    return None
