"""SDXL's layers by the names of the code it was published with, as sd-scripts writes them.

Diffusers counts `down_blocks.1.attentions.0`, the published code `input_blocks.4.1`: its blocks
are numbered through, so a name depends on how many the blocks before it hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

INNER = {
    "norm1": "in_layers.0",
    "norm2": "out_layers.0",
    "conv1": "in_layers.2",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
OUTSIDE = {
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
}
BLOCK = re.compile(r"(down|mid|up)_blocks?\.(?:(\d{1,4})\.)??(\w+)\.(\d{1,4})(?:\.(.+))?")
RESAMPLERS = ("downsamplers", "upsamplers")


@dataclass(frozen=True)
class Layout:
    """How many layers each block of a UNet holds."""

    depths: tuple[int, ...]
    """Of the down blocks; the up blocks hold one more each, in the reverse order."""
    attends: tuple[bool, ...]
    """Whether an up block has attention, which its upsampler is numbered after."""

    def holds(self, layers: Iterable[str]) -> bool:
        """Return whether every layer has a place in these blocks."""
        return all(self._has(place) for place in places_of(layers))

    def first(self, side: str, block: int) -> int:
        """Return the number that a block's first layer has in the published code."""
        depths = self.depths if side == "down" else tuple(reversed(self.depths))
        # Each block but the last ends in a resampler; the image's own convolution is number 0.
        return sum(depths[:block]) + block + (1 if side == "down" else 0)

    def depth(self, side: str, block: int) -> int:
        """Return how many layers a block holds."""
        if side == "down":
            return self.depths[block]
        return self.depths[len(self.depths) - 1 - block] + 1

    def _has(self, place: Place) -> bool:
        if place.side == "mid":
            return True
        deep = place.block < len(self.depths) and place.number < self.depth(place.side, place.block)
        return deep and (
            place.side == "down" or place.kind != "attentions" or self.attends[place.block]
        )


@dataclass(frozen=True)
class Place:
    """Where in the UNet's blocks a layer is, by diffusers' names."""

    side: str
    """down, mid or up."""
    block: int
    kind: str
    """resnets, attentions, downsamplers or upsamplers."""
    number: int
    rest: str


SDXL_LAYOUT = Layout(depths=(2, 2, 2), attends=(True, True, False))


def layout_of(config: Mapping[str, Any]) -> Layout:
    """Read the layout from a UNet's configuration, as diffusers writes it."""
    blocks, depth = config["up_block_types"], config.get("layers_per_block", 2)
    depths = tuple(depth) if isinstance(depth, (list, tuple)) else (depth,) * len(blocks)
    return Layout(depths, tuple("CrossAttn" in kind for kind in blocks))


def guess_layout(layers: Iterable[str]) -> Layout | None:
    """Tell the layout from the layers that an adapter changes; None where they do not say.

    Up blocks hold one layer more than down blocks: where both ends are seen, that is the depth.
    """
    places = list(places_of(layers))
    deepest = {
        side: max((p.number for p in places if p.side == side), default=None)
        for side in ("down", "up")
    }
    if deepest["down"] is None and deepest["up"] is None:
        return SDXL_LAYOUT
    if deepest["down"] is None or deepest["up"] != deepest["down"] + 1:
        return None
    blocks = max(place.block for place in places) + 1
    attends = {p.block for p in places if p.side == "up" and p.kind == "attentions"}
    return Layout((deepest["up"],) * blocks, tuple(block in attends for block in range(blocks)))


def places_of(layers: Iterable[str]) -> Iterable[Place]:
    """Find the places of the layers that lie in a block."""
    return (place for layer in layers if (place := place_of(layer)) is not None)


def place_of(layer: str) -> Place | None:
    """Find where a layer is; None outside the blocks."""
    match = BLOCK.fullmatch(layer)
    if match is None:
        return None
    side, block, kind, number, rest = match.groups()
    return Place(side, int(block or 0), kind, int(number), INNER.get(rest, rest))


def sgm_name(layer: str, layout: Layout) -> str:
    """Return a layer's name in the code that SDXL was published with."""
    place = place_of(layer)
    if place is None:
        return OUTSIDE.get(layer, layer)
    if place.side == "mid":
        inner = 1 if place.kind == "attentions" else 2 * place.number
        return f"middle_block.{inner}.{place.rest}"

    first = layout.first(place.side, place.block)
    end = first + layout.depth(place.side, place.block)
    if place.kind == "downsamplers":
        return f"input_blocks.{end}.0.op"
    if place.kind == "upsamplers":
        return f"output_blocks.{end - 1}.{2 if layout.attends[place.block] else 1}.{place.rest}"

    blocks = "input_blocks" if place.side == "down" else "output_blocks"
    return f"{blocks}.{first + place.number}.{int(place.kind == 'attentions')}.{place.rest}"
