"""Rasterize emoji: RGBA arrays from vector files and from finished images.

Shapes: H x W pixels, 4 channels (red, green, blue, opacity), all 0..255.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np
import resvg_py
from PIL import Image

from align.emoji.sources import members, read_json_member
from align.emoji.subjects import plain_code

INK = "#202020"


def rasterize_icons(
    archive: Path, side: int, codes: Collection[str]
) -> Iterator[tuple[str, np.ndarray]]:
    """Rasterize the wanted emoji of an Iconify package: pairs of code and [H, W, 4]."""
    icons = read_json_member(archive, "icons.json")
    for code, name in read_json_member(archive, "chars.json").items():
        icon = find_icon(icons, name) if plain_code(code) in codes else None
        if icon is not None:
            yield plain_code(code), rasterize_svg(svg_of(icon, icons), side)


class Icon(TypedDict):
    """One icon of an Iconify package: the inside of an SVG file, and its size."""

    body: str
    left: NotRequired[float]
    top: NotRequired[float]
    width: NotRequired[float]
    height: NotRequired[float]


class IconAlias(TypedDict, total=False):
    """Another name of an icon; other keys turn or flip it."""

    parent: str


class IconSet(TypedDict):
    """icons.json of an Iconify package."""

    icons: dict[str, Icon]
    aliases: NotRequired[dict[str, IconAlias]]
    width: NotRequired[float]
    """Of icons that name none, as is the height."""
    height: NotRequired[float]


def find_icon(icons: IconSet, name: str) -> Icon | None:
    """Find an icon by its name or by an alias without changes of its own, else return None."""
    while name not in icons["icons"]:
        alias = icons.get("aliases", {}).get(name, {})
        if set(alias) != {"parent"}:
            return None
        name = alias["parent"]
    return icons["icons"][name]


def svg_of(icon: Icon, defaults: IconSet) -> str:
    """Complete an icon to an SVG file; sets of one color are rasterized in INK."""
    left, top = icon.get("left", 0), icon.get("top", 0)
    width = icon.get("width", defaults.get("width", 16))
    height = icon.get("height", defaults.get("height", 16))
    body = icon["body"].replace("currentColor", INK)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{left} {top} {width} {height}" width="{width}" height="{height}">{body}</svg>'
    )


def rasterize_svg(svg: str, side: int) -> np.ndarray:
    """Rasterize an SVG file, as large as a square of this side allows."""
    content = resvg_py.svg_to_bytes(svg_string=svg, width=side, skip_system_fonts=True)
    return fit(Image.open(io.BytesIO(bytes(content))), side)


def scaled_images(
    archive: Path, side: int, codes: Collection[str]
) -> Iterator[tuple[str, np.ndarray]]:
    """Scale the wanted emoji of a package of WebP files, which are named by code."""
    for name, content in members(archive, ".webp"):
        if plain_code(name) in codes:
            yield plain_code(name), fit(Image.open(io.BytesIO(content)), side)


def fit(image: Image.Image, side: int) -> np.ndarray:
    """Scale an image into a square and center it."""
    scaled = image.convert("RGBA")
    if max(scaled.size) != side:
        ratio = side / max(scaled.size)
        size = (max(1, round(scaled.width * ratio)), max(1, round(scaled.height * ratio)))
        # Only in this mode does Pillow weigh colors by their opacity.
        scaled = scaled.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    square = Image.new("RGBA", (side, side))
    square.paste(scaled, ((side - scaled.width) // 2, (side - scaled.height) // 2))
    return np.asarray(square)
