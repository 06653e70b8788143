"""Share of the time that previews of slow images take, which is to stay below 2 %.

    python tests/bench/previews.py

A message a second has at most four previews. Their time is that of the map, of JPEG and of base64,
on one core of this machine; a device adds the copy of its latents, 256 kB an image.
"""

import time

import torch

from align.sampling.latent_preview import SDXL_BIAS, SDXL_FACTORS, LatentPreview
from align.sampling.progress import INTERVAL_S, MAX_PREVIEWS

REPEATS = 50


def preview_s(images: int, side: int) -> float:
    """Return the seconds that the previews of one message take."""
    preview = LatentPreview(torch.tensor(SDXL_FACTORS), torch.tensor(SDXL_BIAS))
    latents_BCHW = torch.randn(images, 4, side, side, dtype=torch.float16)
    preview.urls(latents_BCHW)
    began = time.perf_counter()
    for _ in range(REPEATS):
        preview.urls(latents_BCHW)
    return (time.perf_counter() - began) / REPEATS


if __name__ == "__main__":
    torch.set_num_threads(1)
    for images in (1, 2, MAX_PREVIEWS):
        took = preview_s(images, side=128)
        share = f"{took / INTERVAL_S:.2%}"
        print(f"{images} of 1024 x 1024: {1000 * took:.1f} ms, {share} of a second")
