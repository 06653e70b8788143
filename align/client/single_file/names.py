"""SDXL's weights under the names of the code that it was published with, and under diffusers'.

The published code numbers the blocks of a UNet through, where diffusers counts levels and layers.
A table names every module that is called differently; whatever lies inside keeps its name. So one
table serves both ways. Three kinds of weights have another shape as well: OpenCLIP keeps query, key
and value in one matrix and its projection transposed, and the autoencoder's attention is a 1 x 1
convolution.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

PREFIXES = {
    "unet": "model.diffusion_model.",
    "vae": "first_stage_model.",
    "text_encoder": "conditioner.embedders.0.transformer.",
    "text_encoder_2": "conditioner.embedders.1.model.",
}
"""Prefixes of the parts in a checkpoint."""
UNET_OUTER = {
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
}
UNET_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
VAE_RESNET = {"": "", "conv_shortcut": "nin_shortcut"}
VAE_ATTENTION = {
    "group_norm": "norm",
    "to_q": "q",
    "to_k": "k",
    "to_v": "v",
    "to_out.0": "proj_out",
}
OPEN_CLIP_OUTER = {
    "text_model.embeddings.token_embedding": "token_embedding",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm": "ln_final",
}
OPEN_CLIP_LAYER = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}
PROJECTION, LINEAR_PROJECTION = "text_projection", "text_projection.weight"
FUSED = re.compile(r"(?P<layer>.+)\.self_attn\.(?P<which>[qkv])_proj\.(?P<kind>weight|bias)")
FUSED_ORIGINAL = re.compile(r"(?P<layer>.+)\.attn\.in_proj_(?P<kind>weight|bias)")
CONVOLVED = re.compile(r".+\.attentions\.0\.to_(q|k|v|out\.0)\.weight")
"""Weights of the autoencoder's attention, by diffusers' names."""


@dataclass(frozen=True)
class Layout:
    """Numbers of layers in a model's blocks, which names depend on."""

    depths: tuple[int, ...]
    """Layers of the UNet's down blocks; its up blocks hold one more each, in the reverse order."""
    attends: tuple[bool, ...]
    """True for an up block with attention, which its upsampler is numbered after."""
    vae_levels: int
    vae_layers: int
    """Layers of each level of the encoder; the decoder's hold one more."""
    text_layers: int
    """Layers of the second text encoder."""


SDXL_LAYOUT = Layout((2, 2, 2), (True, True, False), 4, 2, 32)


@dataclass(frozen=True)
class Piece:
    """One weight of diffusers as it lies in a checkpoint."""

    key: str
    """Its name there."""
    third: int | None = None
    """Number of the third of that tensor which it is: query, key or value."""
    transposed: bool = False
    convolved: bool = False
    """True where the tensor has two more dimensions, of size one."""

    def shape(self, stored: Sequence[int]) -> tuple[int, ...]:
        """Return its shape where the tensor of the checkpoint has the shape `stored`."""
        shape = tuple(stored)
        if self.third is not None:
            return (shape[0] // 3, *shape[1:])
        if self.transposed:
            return shape[::-1]
        return shape[:2] if self.convolved else shape


@dataclass(frozen=True)
class ModuleNames:
    """Names of a part's modules, by diffusers' names."""

    modules: Mapping[str, str]
    inverse: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inverse", {v: k for k, v in self.modules.items()})

    def to_original(self, name: str) -> str:
        """Return the published code's name of a weight."""
        return _replace_longest(name, self.modules)

    def to_diffusers(self, name: str) -> str:
        """Return diffusers' name of a weight."""
        return _replace_longest(name, self.inverse)


def _replace_longest(name: str, modules: Mapping[str, str]) -> str:
    """Replace the longest beginning of a name that is in the table, if there is one."""
    end = len(name)
    while end > 0:
        if (known := modules.get(name[:end])) is not None:
            return known + name[end:]
        end = name.rfind(".", 0, end)
    return name


def part_names(layout: Layout) -> dict[str, ModuleNames]:
    """Return the names of every part's modules, by part."""
    return {
        "unet": ModuleNames(dict(_unet_modules(layout))),
        "vae": ModuleNames(dict(_vae_modules(layout))),
        # Its names are those of transformers in either form.
        "text_encoder": ModuleNames({}),
        "text_encoder_2": ModuleNames(dict(_open_clip_modules(layout))),
    }


def _inside(ours: str, theirs: str, inner: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the names of a module's parts."""
    for name, other in inner.items():
        yield f"{ours}.{name}".rstrip("."), f"{theirs}.{other}".rstrip(".")


def _unet_modules(layout: Layout) -> Iterator[tuple[str, str]]:
    yield from UNET_OUTER.items()
    number, last = 1, len(layout.depths) - 1
    for block, depth in enumerate(layout.depths):
        ours = f"down_blocks.{block}"
        for layer in range(depth):
            yield from _inside(f"{ours}.resnets.{layer}", f"input_blocks.{number}.0", UNET_RESNET)
            yield f"{ours}.attentions.{layer}", f"input_blocks.{number}.1"
            number += 1
        if block < last:
            yield f"{ours}.downsamplers.0.conv", f"input_blocks.{number}.0.op"
            number += 1

    yield from _inside("mid_block.resnets.0", "middle_block.0", UNET_RESNET)
    yield "mid_block.attentions.0", "middle_block.1"
    yield from _inside("mid_block.resnets.1", "middle_block.2", UNET_RESNET)

    number = 0
    for block, depth in enumerate(reversed(layout.depths)):
        ours, attends = f"up_blocks.{block}", layout.attends[block]
        for layer in range(depth + 1):
            yield from _inside(f"{ours}.resnets.{layer}", f"output_blocks.{number}.0", UNET_RESNET)
            if attends:
                yield f"{ours}.attentions.{layer}", f"output_blocks.{number}.1"
            number += 1
        if block < last:
            yield f"{ours}.upsamplers.0", f"output_blocks.{number - 1}.{2 if attends else 1}"


def _vae_modules(layout: Layout) -> Iterator[tuple[str, str]]:
    for half in ("encoder", "decoder"):
        yield f"{half}.conv_norm_out", f"{half}.norm_out"
        ours, theirs = f"{half}.mid_block", f"{half}.mid"
        yield from _inside(f"{ours}.resnets.0", f"{theirs}.block_1", VAE_RESNET)
        yield from _inside(f"{ours}.attentions.0", f"{theirs}.attn_1", VAE_ATTENTION)
        yield from _inside(f"{ours}.resnets.1", f"{theirs}.block_2", VAE_RESNET)

    for level in range(layout.vae_levels):
        ours, theirs = f"encoder.down_blocks.{level}", f"encoder.down.{level}"
        yield f"{ours}.downsamplers.0", f"{theirs}.downsample"
        for layer in range(layout.vae_layers):
            yield from _inside(f"{ours}.resnets.{layer}", f"{theirs}.block.{layer}", VAE_RESNET)
        # The published code counts the decoder's levels from the image on.
        ours, theirs = f"decoder.up_blocks.{layout.vae_levels - 1 - level}", f"decoder.up.{level}"
        yield f"{ours}.upsamplers.0", f"{theirs}.upsample"
        for layer in range(layout.vae_layers + 1):
            yield from _inside(f"{ours}.resnets.{layer}", f"{theirs}.block.{layer}", VAE_RESNET)


def _open_clip_modules(layout: Layout) -> Iterator[tuple[str, str]]:
    yield from OPEN_CLIP_OUTER.items()
    for layer in range(layout.text_layers):
        ours, theirs = f"text_model.encoder.layers.{layer}", f"transformer.resblocks.{layer}"
        yield ours, theirs
        yield from _inside(ours, theirs, OPEN_CLIP_LAYER)


def original_piece(part: str, name: str, names: ModuleNames) -> Piece:
    """Return where a weight of diffusers goes in a checkpoint."""
    prefix = PREFIXES[part]
    if part == "vae":
        key = prefix + names.to_original(name)
        return Piece(key, convolved=CONVOLVED.fullmatch(name) is not None)
    if part != "text_encoder_2":
        return Piece(prefix + names.to_original(name))

    if name == LINEAR_PROJECTION:
        return Piece(prefix + PROJECTION, transposed=True)
    if fused := FUSED.fullmatch(name):
        layer = names.to_original(fused["layer"])
        key = f"{prefix}{layer}.attn.in_proj_{fused['kind']}"
        return Piece(key, third="qkv".index(fused["which"]))
    return Piece(prefix + names.to_original(name))


def pieces_of(part: str, key: str, names: ModuleNames) -> dict[str, Piece]:
    """Return the weights of diffusers, by name, that a tensor of a checkpoint holds."""
    name = key.removeprefix(PREFIXES[part])
    if part == "text_encoder_2":
        if name == PROJECTION:
            return {LINEAR_PROJECTION: Piece(key, transposed=True)}
        if name == LINEAR_PROJECTION:
            # Some programs write it as a linear layer, under its name in transformers.
            return {name: Piece(key)}
        if fused := FUSED_ORIGINAL.fullmatch(name):
            layer = names.to_diffusers(fused["layer"])
            return {
                f"{layer}.self_attn.{which}_proj.{fused['kind']}": Piece(key, third=number)
                for number, which in enumerate("qkv")
            }

    ours = names.to_diffusers(name)
    return {ours: Piece(key, convolved=part == "vae" and CONVOLVED.fullmatch(ours) is not None)}


def layout_of(keys: Collection[str]) -> Layout:
    """Read the layout from the names of a checkpoint's weights, prefixes included."""
    unet = [key.removeprefix(PREFIXES["unet"]) for key in keys if key.startswith(PREFIXES["unet"])]
    inputs = _largest(r"input_blocks\.(\d+)\.", unet)
    ends = [number for number in range(inputs + 1) if f"input_blocks.{number}.0.op.weight" in unet]
    borders = [0, *ends, inputs + 1]
    depths = tuple(after - before - 1 for before, after in pairwise(borders))

    attends, first = [], 0
    for depth in reversed(depths):
        mark = f"output_blocks.{first}.1.transformer_blocks."
        attends.append(any(name.startswith(mark) for name in unet))
        first += depth + 1

    vae, text = PREFIXES["vae"], PREFIXES["text_encoder_2"]
    return Layout(
        depths,
        tuple(attends),
        _largest(rf"{re.escape(vae)}encoder\.down\.(\d+)\.", keys) + 1,
        _largest(rf"{re.escape(vae)}encoder\.down\.\d+\.block\.(\d+)\.", keys) + 1,
        _largest(rf"{re.escape(text)}transformer\.resblocks\.(\d+)\.", keys) + 1,
    )


def _largest(pattern: str, keys: Iterable[str]) -> int:
    """Return the largest number that a pattern finds at the beginning of the keys, or -1."""
    found = (re.match(pattern, key) for key in keys)
    return max((int(match[1]) for match in found if match), default=-1)
