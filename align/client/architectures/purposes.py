"""Files of weights that hold no model: parts of one, and things that are put beside one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

Shapes = Mapping[str, tuple[int, ...]]
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
AUTOENCODER_MARKS = (("encoder.down", "decoder.up"), ("decoder.mid", "decoder.conv_in"),
                     ("encoder.middle", "decoder.middle"), ("first_stage_model.",),
                     ("taesd_",))  # fmt: skip
ENCODER_MARKS = ("text_model.encoder.", "vision_model.", "visual.transformer.",
                 "transformer.text_model.", "resblocks.", "encoder.block.0.layer",
                 "enc.blk.0.")  # fmt: skip
EMBEDDING_KEYS = ("emb_params", "clip_l", "clip_g", "string_to_param", "<", "t5xxl",
                  "text_encoders_")  # fmt: skip
ADAPTER_ENDINGS = (".lora_A.weight", ".lora_A.default.weight", ".lora_down.weight",
                   ".lora.down.weight", "_lora.down.weight", ".hada_w1_a", ".lokr_w1",
                   ".lokr_w1_a", ".oft_blocks", ".oft_diag", ".on_input", ".a1.weight", ".diff",
                   ".diff_b", ".w_norm", ".vera_lambda_b", ".vera_lambda_d",
                   ".vera_lambda_b.default", ".vera_lambda_d.default")  # fmt: skip


def other_purpose(names: Iterable[str], even_tuned: bool = False) -> str | None:
    """Return the kind of a file for another purpose than tuning a UNet; None for any other.

    Args:
        names: of its weights.
        even_tuned: leave out kinds that have LoRAs of their own.
    """
    text = "\n".join(names)
    return next(
        (
            name
            for name, marks in OTHER_PURPOSES
            if any(mark in text for mark in marks) and not (even_tuned and marks == MOTION_MODULE)
        ),
        None,
    )


def is_adapter(names: Iterable[str]) -> bool:
    """Return whether a file holds a LoRA, or a change of LyCORIS's kinds."""
    return any(name.endswith(ADAPTER_ENDINGS) for name in names)


def is_embedding(shapes: Shapes) -> bool:
    """Return whether a file holds just a few vectors, under names of text embeddings."""
    return 0 < len(shapes) <= len(EMBEDDING_KEYS) and all(
        key.startswith(EMBEDDING_KEYS) and len(shape) <= 2 for key, shape in shapes.items()
    )


def is_autoencoder(names: Collection[str]) -> bool:
    """Return whether a file holds an autoencoder (VAE) of any architecture."""
    text = "\n".join(names)
    return any(all(mark in text for mark in marks) for marks in AUTOENCODER_MARKS)


def is_encoder(names: Collection[str]) -> bool:
    """Return whether a file holds a text or image encoder."""
    text = "\n".join(names)
    return any(mark in text for mark in ENCODER_MARKS)
