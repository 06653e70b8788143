"""Bytes of images of 1024 x 1024 pixels as PNG, and as the WebP that pages elsewhere are sent.

    python tests/bench/image_bytes.py [FOLDER]

Without a folder, of the photograph that comes with Gradio. Each image is taken as it is, and with
the grain of a photograph (a deviation of 2 levels of 255), which PNG keeps dearly. Prints a line
for each size that is sent: the mean of bytes beside the PNG's, and of milliseconds.
"""

from __future__ import annotations

import io
import statistics
import sys
import time
from pathlib import Path

import gradio
import numpy as np
from PIL import Image, ImageOps

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from annotate.web.image_response import as_webp

SIZE = (1024, 1024)
SMALLEST = 640
"""Smaller images would be blurred by enlarging, and small for that."""
SIDES = (512, 768, 1024)
KINDS = (".jpg", ".jpeg", ".png", ".webp")
GRAIN = 2.0


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(gradio.__file__).parent / "test_data"
    photographs = [as_square(file) for file in sorted(folder.rglob("*")) if file.suffix in KINDS]
    photographs = [image for image in photographs if image is not None]
    if not photographs:
        raise SystemExit(f"No image in {folder} has {SMALLEST} pixels on either side.")
    for told, grain in (("as they are", 0.0), ("with grain", GRAIN)):
        report(told, [as_png(image, grain) for image in photographs])


def report(told: str, images: list[bytes]) -> None:
    """Print what PNG takes and what WebP takes at each size."""
    png = statistics.mean(map(len, images))
    print(f"{told}, {len(images)} of them: PNG {png / 1e6:.2f} MB")
    for side in SIDES:
        started = time.perf_counter()
        mean = statistics.mean(len(as_webp(image, side)) or len(image) for image in images)
        took = (time.perf_counter() - started) / len(images)
        print(f"  WebP {side}: {mean / 1e6:.3f} MB, {mean / png:.1%}, {1000 * took:.0f} ms")


def as_square(file: Path) -> Image.Image | None:
    """Return an image as 1024 x 1024 pixels; None for one that is too small."""
    with Image.open(file) as image:
        if min(image.size) < SMALLEST:
            return None
        return ImageOps.fit(image.convert("RGB"), SIZE)


def as_png(image: Image.Image, grain: float) -> bytes:
    """Return an image as a PNG, with grain on top."""
    noise = np.random.default_rng(0).normal(0, grain, (*SIZE, 3)) if grain else 0.0
    levels = np.clip(np.asarray(image, float) + noise, 0, 255).round().astype(np.uint8)
    content = io.BytesIO()
    Image.fromarray(levels).save(content, "PNG")
    return content.getvalue()


if __name__ == "__main__":
    main()
