"""Check that weights have the shapes that their configurations say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from align.client.single_file.checkpoint import Checkpoint
from align.client.single_file.names import UNET_OUTER, UNET_RESNET, layout_of, part_names
from align.client.weight_files import StoredTensor
from align.errors import BrokenModel, WrongModel

Shapes = Mapping[str, StoredTensor]
Facts = Iterator[tuple[str, Any]]
OPTIONAL = (".conv_shortcut",)
"""Of a block whose input has another number of channels than its output."""
LAYERS = (*UNET_OUTER, *UNET_RESNET, ".downsamplers.0.conv")
EMBEDDINGS = "text_model.embeddings"


def require_known_shapes(checkpoint: Checkpoint, has_vae: bool) -> None:
    """Refuse a checkpoint whose configurations are not known, or which lacks a part.

    Raises:
        WrongModel: a UNet or an encoder of another shape than the configurations say.
        BrokenModel: a part without weights. The autoencoder may lie elsewhere: `has_vae`.
    """
    title = checkpoint.file
    if not has_vae and not checkpoint.pieces["vae"]:
        raise BrokenModel(
            f"{title} holds no autoencoder. Name one with --vae, such as sdxl_vae.safetensors."
        )
    for part, facts in SHAPE_FACTS.items():
        if part == "vae" and has_vae:
            continue
        config = checkpoint.config(f"{part}/config.json")
        if difference := mismatch(facts(checkpoint.part(part)), config):
            raise WrongModel(
                f"{title} holds an SDXL model of another shape than the published one: "
                f"{difference} in its {part}. The file does not say the rest of its "
                "configuration: name its diffusers folder."
            )
    _require_layers(checkpoint)


def _require_layers(checkpoint: Checkpoint) -> None:
    """Raise BrokenModel where the UNet lacks a weight or a bias of a layer that each SDXL has."""
    unet, lacking = checkpoint.part("unet"), []
    for ours in part_names(layout_of(checkpoint.tensors))["unet"].modules:
        block, attention, _ = ours.partition(".attentions.")
        # Whole levels have no attention.
        attends = any(name.startswith(block + attention) for name in unet)
        if ours.endswith(OPTIONAL) or (attention and not attends):
            continue
        if ours.endswith(LAYERS):
            wanted = (f"{ours}.weight", f"{ours}.bias")
            lacking += [name for name in wanted if name not in unet]
        elif not any(name.startswith(f"{ours}.") for name in unet):
            lacking.append(ours)
    if lacking:
        raise BrokenModel(
            f"{checkpoint.file} lacks {len(lacking)} weights of the model's unet, such as "
            f"{lacking[0]}. Download it again."
        )


def unet_channels(checkpoint: Checkpoint) -> int | None:
    """Return the number of channels that the UNet is given; None where that is missing."""
    weight = checkpoint.part("unet").get("conv_in.weight")
    return weight.shape[1] if weight is not None and len(weight.shape) == 4 else None


def mismatch(facts: Facts, config: Mapping[str, Any]) -> str | None:
    """Return the first fact that a configuration says otherwise, in words."""
    for fact, value in facts:
        expected = _expected(config, fact)
        if value != expected:
            return f"{fact.replace('_', ' ')} is {value}, not {expected},"
    return None


def _expected(config: Mapping[str, Any], fact: str) -> Any:
    """Return a configuration's value of a fact, one for each level where it has levels."""
    value = config.get(fact)
    if fact in ("layers_per_block", "transformer_layers_per_block") and isinstance(value, int):
        value = [value] * len(config["block_out_channels"])
    if fact == "transformer_layers_per_block" and isinstance(value, list):
        # Blocks without attention have no such layers, whatever the configuration says.
        attends = ("CrossAttn" in kind for kind in config["down_block_types"])
        return [depth if attend else 0 for depth, attend in zip(value, attends, strict=False)]
    return value


def unet_facts(unet: Shapes) -> Facts:
    """Yield what the shapes of a UNet tell, by the names of its configuration."""
    blocks = [f"down_blocks.{block}" for block in range(_count(unet, "down_blocks.{}."))]
    yield "layers_per_block", [_count(unet, f"{block}.resnets.{{}}.") for block in blocks]
    yield "block_out_channels", [_size(unet, f"{block}.resnets.0.conv2.bias") for block in blocks]
    depths = [_count(unet, f"{block}.attentions.0.transformer_blocks.{{}}.") for block in blocks]
    yield "transformer_layers_per_block", depths
    text = next((name for name in unet if name.endswith("attn2.to_k.weight")), "")
    yield "cross_attention_dim", _size(unet, text, 1)
    yield "projection_class_embeddings_input_dim", _size(unet, "add_embedding.linear_1.weight", 1)
    yield "out_channels", _size(unet, "conv_out.weight")


def encoder_facts(encoder: Shapes) -> Facts:
    """Yield what the shapes of a text encoder tell."""
    yield "num_hidden_layers", _count(encoder, "text_model.encoder.layers.{}.")
    yield "hidden_size", _size(encoder, f"{EMBEDDINGS}.token_embedding.weight", 1)
    yield "vocab_size", _size(encoder, f"{EMBEDDINGS}.token_embedding.weight")
    yield "max_position_embeddings", _size(encoder, f"{EMBEDDINGS}.position_embedding.weight")


def vae_facts(vae: Shapes) -> Facts:
    """Yield what the shapes of an autoencoder tell."""
    levels = range(_count(vae, "encoder.down_blocks.{}."))
    names = [f"encoder.down_blocks.{level}.resnets.0.conv2.bias" for level in levels]
    yield "block_out_channels", [_size(vae, name) for name in names]
    yield "latent_channels", _size(vae, "decoder.conv_in.weight", 1)


SHAPE_FACTS = {
    "unet": unet_facts,
    "text_encoder": encoder_facts,
    "text_encoder_2": encoder_facts,
    "vae": vae_facts,
}


def _count(shapes: Shapes, pattern: str) -> int:
    """Return the first number with which no name begins by this pattern."""
    number = 0
    while any(name.startswith(pattern.format(number)) for name in shapes):
        number += 1
    return number


def _size(shapes: Shapes, name: str, axis: int = 0) -> int | None:
    """Return the size of a weight along an axis; None for a missing one."""
    tensor = shapes.get(name)
    return tensor.shape[axis] if tensor is not None and len(tensor.shape) > axis else None
