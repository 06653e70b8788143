"""Files that were brought as a LoRA and are none: the kind of each, and what to do with it.

The kind is told by the names of its weights in the header: nothing else of it is read.
"""

from __future__ import annotations

from collections.abc import Mapping

from peft.mapping import PEFT_TYPE_TO_PREFIX_MAPPING

from align.adapters.lora_names import strip_prefixes
from align.adapters.lora_origins import TEXT_LAYERS, TEXT_WIDTHS, Shapes

BRING_FOLDER = "bring the folder of a tuned model in diffusers' form"
MOTION_MODULE = ("motion_modules.",)
OTHER_PURPOSES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("a Control-LoRA", ("lora_controlnet",)),
    ("a ControlNet-LLLite", ("lllite_",)),
    ("a ControlNet", ("control_model.", "controlnet_", "control_add_embedding", "zero_convs.",
                      "input_hint_block.", "controlnet_cond_embedding", "control_layers.",
                      "control_all_x_embedder")),
    ("an IP-Adapter", ("image_proj.", "ip_adapter.", "perceiver_resampler", "to_k_ip.")),
    ("a T2I-Adapter", ("adapter.body.", "body.0.resnets.", "body.0.block1.", "body.0.in_conv.")),
    ("a motion module of AnimateDiff", MOTION_MODULE),
    ("a PhotoMaker or InstantID", ("id_encoder.", "qformer_perceiver", "face_net.")),
    ("a hypernetwork", (".linear.0.weight", ".linear1.weight_orig")),
    ("an upscaler", ("RRDB_trunk", "rdb1.conv1", "RDB1.conv1", "residual_group.blocks",
                     "upsample.0.weight")),
)  # fmt: skip
"""Files for other purposes, by words in the names of their weights."""
CHECKPOINT_MARKS = ("model.diffusion_model.",)
WHOLE_MARKS = ("cond_stage_model.", "conditioner.", "text_encoders.", "first_stage_model.", "vae.")
VAE_MARKS = (("encoder.down", "decoder.up"), ("decoder.mid", "decoder.conv_in"),
             ("first_stage_model.",), ("taesd_",))  # fmt: skip
ENCODER_MARKS = ("text_model.encoder.", "vision_model.", "visual.transformer.",
                 "transformer.text_model.", "resblocks.", "encoder.block.0.layer")  # fmt: skip
EMBEDDING_KEYS = ("emb_params", "clip_l", "clip_g", "string_to_param", "<", "t5xxl",
                  "text_encoders_")  # fmt: skip
TRANSFORMER_PREFIXES = ("transformer_blocks.", "double_blocks.", "single_blocks.", "joint_blocks.",
                "blocks.", "layers.")  # fmt: skip
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
    text = "\n".join(shapes)
    if not shapes:
        return "holds no LoRA: it is empty. Copy or download it again"

    if any(part in text for part in CHECKPOINT_MARKS):
        return _checkpoint(text, shapes)
    if kind := other_purpose(shapes):
        return f"is {kind}, no LoRA, and Palate has no use for it. Bring a LoRA file"
    if _is_embedding(shapes):
        return (
            "is a textual inversion embedding, which tunes the text encoders' words, and Palate "
            "tunes the UNet alone. Bring a LoRA file"
        )
    return _part_of_a_model(text, shapes)


def other_purpose(shapes: Shapes, even_tuned: bool = False) -> str | None:
    """Return the kind of a file for another purpose than tuning a UNet; None for any other.

    Args:
        shapes: by the names of the weights.
        even_tuned: leave out kinds that have LoRAs of their own.
    """
    text = "\n".join(shapes)
    return next(
        (
            name
            for name, marks in OTHER_PURPOSES
            if any(mark in text for mark in marks) and not (even_tuned and marks == MOTION_MODULE)
        ),
        None,
    )


def _checkpoint(text: str, shapes: Shapes) -> str:
    base = _base_of(shapes)
    whole = any(part in text for part in WHOLE_MARKS)
    kind = "a whole checkpoint" if whole else "the UNet of a checkpoint"
    if base is None and not any(word in text for word in ("input_blocks.", "down_blocks.")):
        kind = "a whole checkpoint of another architecture than SDXL's"
    return (
        f"is {kind}{f' of {base}' if base else ''}, no LoRA. If it is of this base's kind, open "
        "it in diffusers with from_single_file, write it with save_pretrained, and bring that "
        "folder; or start Palate with --model on the folder"
    )


def _base_of(shapes: Shapes) -> str | None:
    """Return the model of a UNet by the width of its text embeddings; None for an unknown one."""
    for name, shape in shapes.items():
        module = name.removesuffix(".weight").replace(".", "_")
        if module.endswith(TEXT_LAYERS) and len(shape) > 1 and shape[1] in TEXT_WIDTHS:
            return TEXT_WIDTHS[shape[1]]
    return None


def _is_embedding(shapes: Shapes) -> bool:
    """Return whether a file holds just a few vectors, under names of text embeddings."""
    return len(shapes) <= len(EMBEDDING_KEYS) and all(
        key.startswith(EMBEDDING_KEYS) and len(shape) <= 2 for key, shape in shapes.items()
    )


def _part_of_a_model(text: str, shapes: Shapes) -> str:
    names = [strip_prefixes(name) for name in shapes]
    if any(name.startswith("input_blocks.") for name in names):
        return _checkpoint(text, shapes)
    if any("down_blocks." in name and "attn2" in name for name in names):
        base = _base_of(shapes)
        of = f" of {base}" if base else ""
        return (
            f"is the UNet{of} alone, of another shape than this base's. To use it, {BRING_FOLDER}"
        )

    if any(all(mark in text for mark in marks) for marks in VAE_MARKS):
        return "is an autoencoder (VAE), no LoRA, and Palate tunes the UNet alone"
    if any(mark in text for mark in ENCODER_MARKS):
        return "is a text or image encoder, no LoRA, and Palate tunes the UNet alone"
    if any(name.startswith(TRANSFORMER_PREFIXES) for name in names):
        return "is a transformer of another architecture than SDXL's, no LoRA"
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
