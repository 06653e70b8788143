"""Image attributes that people have words for: brightness, colors, sharpness, composition.

Colors are sRGB; lightness and color distances are CIELAB's (D65). An image is made small first, so
that the numbers say what a person sees at a glance, and cost a few milliseconds at any size.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from annotate.errors import BrokenImage

MAX_SIDE = 256
"""Pixels of the longer side on which everything is measured."""
BORDER = 0.06
"""The share of the shorter side that counts as the border, and so as background."""
SUBJECT_DISTANCE = 14.0
"""Distance in CIELAB from the background's color beyond which a pixel belongs to the subject."""
MIN_CHROMA = 0.12
"""Difference of the largest and the smallest channel above which a pixel has a hue."""
EDGE_SLOPE = 0.08
"""Change of lightness between neighbors, where black to white is 1, that makes an edge."""
HUES = ("red", "yellow", "green", "cyan", "blue", "pink")
WHITE_D65 = np.array([0.95047, 1.0, 1.08883])
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute with the words for more and for less of it."""

    name: str
    more: str
    less: str


ATTRIBUTES = (
    Attribute("brightness", "brighter", "darker"),
    Attribute("contrast", "more contrast", "less contrast"),
    Attribute("saturation", "stronger colors", "paler colors"),
    Attribute("colourfulness", "more colorful", "plainer in color"),
    Attribute("warmth", "warmer", "cooler"),
    *(Attribute(f"hue_{hue}", f"more {hue}", f"less {hue}") for hue in HUES),
    Attribute("sharpness", "sharper", "softer"),
    Attribute("edges", "more detail", "less detail"),
    Attribute("subject_size", "larger subject", "smaller subject"),
    Attribute("centred", "subject nearer the middle", "subject off the middle"),
    Attribute("symmetry", "more symmetric", "less symmetric"),
    Attribute("background_even", "plainer background", "busier background"),
    Attribute("background_brightness", "brighter background", "darker background"),
    Attribute("background_red", "redder or pinker background", "greener background"),
    Attribute("background_yellow", "yellower background", "bluer background"),
)
NAMES = tuple(attribute.name for attribute in ATTRIBUTES)


def attributes(path: Path) -> np.ndarray:
    """Measure an image file: one finite number for each of NAMES.

    Raises BrokenImage for a file that is gone or is no image.
    """
    rgb_HWC = read_image(path)
    lab_HWC = to_lab(rgb_HWC)
    light_HW = lab_HWC[..., 0] / 100

    values = {
        "brightness": light_HW.mean(),
        "contrast": light_HW.std(),
        **color_attributes(rgb_HWC),
        "sharpness": np.log10(laplacian(light_HW).var() + 1e-6),
        "edges": (slope(light_HW) > EDGE_SLOPE).mean(),
        "symmetry": 1 - np.abs(light_HW - light_HW[:, ::-1]).mean(),
        **composition(lab_HWC),
    }
    return np.array([float(values[name]) for name in NAMES])


def read_image(path: Path) -> np.ndarray:
    """Read an image file as RGB from 0 to 1, at most MAX_SIDE pixels long; raises BrokenImage."""
    try:
        with Image.open(path) as opened:
            # Lets a JPEG decoder skip detail that would be thrown away next.
            opened.draft("RGB", (MAX_SIDE, MAX_SIDE))
            image = flat(opened)
            image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX)
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError) as error:
        raise BrokenImage(
            f"The image {path.name} cannot be read: {error}. Put back a good copy of the file."
        ) from error
    return np.asarray(image, dtype=np.float64) / 255


def flat(image: Image.Image) -> Image.Image:
    """Return an image in RGB, with transparency on white."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        on_white = Image.new("RGBA", image.size, "white")
        on_white.alpha_composite(image.convert("RGBA"))
        return on_white.convert("RGB")
    return image.convert("RGB")


def to_lab(rgb_HWC: np.ndarray) -> np.ndarray:
    """Convert sRGB from 0 to 1 into CIELAB (IEC 61966-2-1, then CIE 15)."""
    linear = np.where(rgb_HWC <= 0.04045, rgb_HWC / 12.92, ((rgb_HWC + 0.055) / 1.055) ** 2.4)
    xyz = linear @ TO_XYZ.T / WHITE_D65
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def color_attributes(rgb_HWC: np.ndarray) -> dict[str, float]:
    """Measure saturation, colorfulness, warmth and the share of pixels of each hue."""
    red, green, blue = rgb_HWC[..., 0], rgb_HWC[..., 1], rgb_HWC[..., 2]
    high, low = rgb_HWC.max(axis=-1), rgb_HWC.min(axis=-1)
    chroma = high - low
    sector = hue_sector(rgb_HWC, high, chroma)
    has_hue = chroma > MIN_CHROMA
    return {
        "saturation": chroma.mean(),
        "colourfulness": colorfulness(red, green, blue),
        "warmth": (red - blue).mean(),
        **{f"hue_{hue}": (has_hue & (sector == i)).mean() for i, hue in enumerate(HUES)},
    }


def hue_sector(rgb_HWC: np.ndarray, high: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """Return the hue of each pixel as an index into HUES, sectors of 60 degrees around each."""
    red, green, blue = rgb_HWC[..., 0], rgb_HWC[..., 1], rgb_HWC[..., 2]
    safe = np.where(chroma > 0, chroma, 1)
    sixth = np.select(
        [high == red, high == green],
        [(green - blue) / safe, 2 + (blue - red) / safe],
        4 + (red - green) / safe,
    )
    sector: np.ndarray = np.floor(sixth + 0.5).astype(int) % len(HUES)
    return sector


def colorfulness(red: np.ndarray, green: np.ndarray, blue: np.ndarray) -> float:
    """Return the colorfulness of an image (Hasler and Süsstrunk 2003, their metric M3)."""
    rg, yb = red - green, (red + green) / 2 - blue
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))


def laplacian(light_HW: np.ndarray) -> np.ndarray:
    """Return the discrete Laplacian of lightness at each inner pixel."""
    if min(light_HW.shape) < 3:
        return np.zeros((1, 1))
    inner = light_HW[1:-1, 1:-1]
    around = light_HW[:-2, 1:-1] + light_HW[2:, 1:-1] + light_HW[1:-1, :-2] + light_HW[1:-1, 2:]
    return np.asarray(around - 4 * inner)


def slope(light_HW: np.ndarray) -> np.ndarray:
    """Return the magnitude of the lightness gradient at each pixel."""
    across = np.diff(light_HW, axis=1, append=light_HW[:, -1:])
    down = np.diff(light_HW, axis=0, append=light_HW[-1:])
    return np.asarray(np.hypot(across, down))


def composition(lab_HWC: np.ndarray) -> dict[str, float]:
    """Measure the subject, which is what differs from the border's color, and the background."""
    height, width = lab_HWC.shape[:2]
    edge = border_mask(height, width)
    # The median: a subject that touches the border does not shift it.
    border = lab_HWC[edge]
    ground = np.median(border, axis=0)
    subject = np.linalg.norm(lab_HWC - ground, axis=-1) > SUBJECT_DISTANCE
    return {
        "subject_size": subject.mean(),
        "centred": centredness(subject),
        "background_even": -np.linalg.norm(border - ground, axis=-1).mean() / 100,
        "background_brightness": ground[0] / 100,
        "background_red": ground[1] / 100,
        "background_yellow": ground[2] / 100,
    }


def border_mask(height: int, width: int) -> np.ndarray:
    """Return a mask of the pixels at the border."""
    deep = max(1, round(BORDER * min(height, width)))
    edge = np.ones((height, width), dtype=bool)
    edge[deep : height - deep, deep : width - deep] = False
    return edge


def centredness(subject: np.ndarray) -> float:
    """Return the closeness of a subject's center to the image's: 1 there, 0 in a corner."""
    rows, columns = np.nonzero(subject)
    if not len(rows):
        return 1.0
    height, width = subject.shape
    across = (columns.mean() + 0.5) / width - 0.5
    down = (rows.mean() + 0.5) / height - 0.5
    return float(1 - np.hypot(across, down) / np.sqrt(0.5))
