"""Features of an image that are computed from its pixels alone: color, light and sharpness.

Shapes: N images, F features, S x S pixels. All arithmetic is in fp64.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from align.data.encode import read_image

SIDE = 128
"""Pixels that an image is scaled to, so that features of all sizes compare."""
CELLS = 4
"""Rows and columns of the grid of mean colors."""
BORDER = 8
"""Pixels of the rim: mostly background in an image of one thing."""
EDGE = 0.02
"""Change of lightness per pixel that counts as an edge."""
TO_CONES = ((0.4122214708, 0.5363325363, 0.0514459929), (0.2119034982, 0.6806995451, 0.1073969566),
            (0.0883024619, 0.2817188376, 0.6299787005))  # fmt: skip
TO_LAB = ((0.2104542553, 0.7936177850, -0.0040720468), (1.9779984951, -2.4285922050, 0.4505937099),
          (0.0259040371, 0.7827717662, -0.8086757660))  # fmt: skip
FEATURES = (
    *(f"{kind} {axis}" for kind in ("mean", "spread") for axis in "Lab"),
    *("dark end", "median", "bright end", "mean chroma", "spread of chroma"),
    *("mean edge", "share of edges", "sharpness"),
    *(f"{kind} {axis}" for kind in ("border", "spread of border") for axis in "Lab"),
    *(f"{axis} of cell {cell}" for axis in "Lab" for cell in range(CELLS**2)),
)


def read_features(images: Sequence[Path]) -> Tensor:
    """Compute features_NF of the middle squares of image files, in the order of FEATURES.

    Raises:
        SnapshotError: a file is not an image.
    """
    rows = [image_features((read_image(path, (SIDE, SIDE)) + 1) / 2) for path in images]
    return torch.stack(rows) if rows else torch.zeros(0, len(FEATURES), dtype=torch.float64)


def image_features(rgb_3SS: Tensor) -> Tensor:
    """Compute features_F of an image of sRGB values from 0 to 1."""
    lab_3SS = oklab(rgb_3SS)
    chroma_SS = lab_3SS[1:].norm(dim=0)
    border_3P = lab_3SS[:, _border(lab_3SS.shape[-1])]
    # Not the extremes: one pixel would decide them.
    levels = torch.tensor([0.05, 0.5, 0.95], dtype=torch.float64)
    return torch.cat([
        lab_3SS.mean(dim=(1, 2)), lab_3SS.std(dim=(1, 2), correction=0),
        lab_3SS[0].flatten().quantile(levels),
        torch.stack([chroma_SS.mean(), chroma_SS.std(correction=0)]),
        _edges(lab_3SS[0]),
        border_3P.mean(dim=1), border_3P.std(dim=1, correction=0),
        F.adaptive_avg_pool2d(lab_3SS, CELLS).flatten(),
    ])  # fmt: skip


def oklab(rgb_3SS: Tensor) -> Tensor:
    """Convert sRGB to lightness L and opponent colors a (green to red) and b (blue to yellow).

    Ottosson 2020, "A perceptual color space for image processing", matrices M1 (from linear sRGB)
    and M2.
    """
    rgb = rgb_3SS.double().clamp(0, 1)
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    cones = torch.einsum("ij,jyx->iyx", torch.tensor(TO_CONES, dtype=torch.float64), linear)
    return torch.einsum("ij,jyx->iyx", torch.tensor(TO_LAB, dtype=torch.float64), cones.pow(1 / 3))


def _border(side: int) -> Tensor:
    """Mask the pixels of the rim."""
    rim = torch.ones(side, side, dtype=torch.bool)
    rim[BORDER:-BORDER, BORDER:-BORDER] = False
    return rim


def _edges(light_SS: Tensor) -> Tensor:
    """Compute mean slope, share of steep pixels and mean curvature of the lightness."""
    down, right = light_SS.diff(dim=0)[:, :-1], light_SS.diff(dim=1)[:-1]
    slope = (down.square() + right.square()).sqrt()
    curvature = light_SS.diff(n=2, dim=0)[:, 1:-1] + light_SS.diff(n=2, dim=1)[1:-1]
    return torch.stack([slope.mean(), (slope > EDGE).double().mean(), curvature.abs().mean()])
