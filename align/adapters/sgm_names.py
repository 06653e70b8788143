"""Names of SDXL's layers in Stability's original code (sgm), as sd-scripts writes them.

Diffusers has `down_blocks.1.attentions.0`, sgm `input_blocks.4.1`: it numbers its blocks through,
so a name depends on the number of layers in the blocks before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from align.client.single_file.names import UNET_OUTER, UNET_RESNET

BLOCK = re.compile(r"(down|mid|up)_blocks?\.(?:(\d{1,4})\.)??(\w+)\.(\d{1,4})(?:\.(.+))?")


@dataclass(frozen=True)
class Layout:
    """Numbers of layers in the blocks of a UNet."""

    depths: tuple[int, ...]
    """Of the down blocks; the up blocks hold one more each, in the reverse order."""
    attends: tuple[bool, ...]
    """True for an up block with attention, which its upsampler is numbered after."""

    def holds(self, layers: Iterable[str]) -> bool:
        """Return whether these blocks contain every layer."""
        return all(self._contains(position) for position in positions_of(layers))

    def name(self, layer: str) -> str:
        """Return a layer's name in the code that SDXL was published with."""
        return sgm_name(layer, self)

    def first(self, side: str, block: int) -> int:
        """Return the number of a block's first layer in sgm."""
        depths = self.depths if side == "down" else tuple(reversed(self.depths))
        # Each block but the last ends in a resampler; the image's own convolution is number 0.
        return sum(depths[:block]) + block + (1 if side == "down" else 0)

    def depth(self, side: str, block: int) -> int:
        """Return the number of layers in a block."""
        if side == "down":
            return self.depths[block]
        return self.depths[len(self.depths) - 1 - block] + 1

    def _contains(self, at: BlockPosition) -> bool:
        if at.side == "mid":
            return True
        deep = at.block < len(self.depths) and at.number < self.depth(at.side, at.block)
        return deep and (at.side == "down" or at.kind != "attentions" or self.attends[at.block])


@dataclass(frozen=True)
class BlockPosition:
    """Position of a layer in the UNet's blocks, by diffusers' names."""

    side: str
    """down, mid or up."""
    block: int
    kind: str
    """resnets, attentions, downsamplers or upsamplers."""
    number: int
    inner: str
    """Name inside the layer, by sgm's names; None for a resampler without one."""


SDXL_LAYOUT = Layout(depths=(2, 2, 2), attends=(True, True, False))


def layout_of(config: Mapping[str, Any]) -> Layout:
    """Read the layout from a UNet's configuration in diffusers' form."""
    blocks, depth = config["up_block_types"], config.get("layers_per_block", 2)
    depths = tuple(depth) if isinstance(depth, (list, tuple)) else (depth,) * len(blocks)
    return Layout(depths, tuple("CrossAttn" in kind for kind in blocks))


def guess_layout(layers: Iterable[str]) -> Layout | None:
    """Guess the layout from the layers that an adapter changes; None where they do not tell.

    Up blocks hold one layer more than down blocks: where the last layers of both appear, they tell
    the depth.
    """
    positions = list(positions_of(layers))
    deepest = {
        side: max((at.number for at in positions if at.side == side), default=None)
        for side in ("down", "up")
    }

    if deepest["down"] is None and deepest["up"] is None:
        return SDXL_LAYOUT
    if deepest["down"] is None or deepest["up"] != deepest["down"] + 1:
        return None
    blocks = max(at.block for at in positions) + 1
    attends = {at.block for at in positions if at.side == "up" and at.kind == "attentions"}
    return Layout((deepest["up"],) * blocks, tuple(block in attends for block in range(blocks)))


def positions_of(layers: Iterable[str]) -> Iterable[BlockPosition]:
    """Return the positions of those layers that lie in a block."""
    return (at for layer in layers if (at := position_of(layer)) is not None)


def position_of(layer: str) -> BlockPosition | None:
    """Return the position of a layer; None outside the blocks."""
    match = BLOCK.fullmatch(layer)
    if match is None:
        return None
    side, block, kind, number, name = match.groups()
    inner = UNET_RESNET.get(name, name)
    return BlockPosition(side, int(block or 0), kind, int(number), inner)


def sgm_name(layer: str, layout: Layout) -> str:
    """Return a layer's name in sgm."""
    at = position_of(layer)
    if at is None:
        return UNET_OUTER.get(layer, layer)
    if at.side == "mid":
        number = 1 if at.kind == "attentions" else 2 * at.number
        return f"middle_block.{number}.{at.inner}"

    first = layout.first(at.side, at.block)
    end = first + layout.depth(at.side, at.block)
    if at.kind == "downsamplers":
        return f"input_blocks.{end}.0.op"
    if at.kind == "upsamplers":
        return f"output_blocks.{end - 1}.{2 if layout.attends[at.block] else 1}.{at.inner}"

    blocks = "input_blocks" if at.side == "down" else "output_blocks"
    return f"{blocks}.{first + at.number}.{int(at.kind == 'attentions')}.{at.inner}"
