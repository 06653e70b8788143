"""Draw pictures: batched, a generator per picture, stored by content."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline
from PIL import Image

from align.device import Compute
from align.errors import BrokenModel
from align.files import replacing
from align.full import Replacement, is_whole
from align.sampler_process import Rendered, RenderItem, RenderSettings

MAX_ADAPTERS = 4


def render(
    pipeline: StableDiffusionXLPipeline,
    compute: Compute,
    items: Sequence[RenderItem],
    settings: RenderSettings,
) -> list[Image.Image]:
    """One picture per item. A picture depends on its own prompt and seed, not on its neighbours.

    Batches of different size may differ by rounding (about 1e-6), so keep files, do not redraw.
    """
    with torch.inference_mode(), compute.autocasting():
        latents = pipeline(
            prompt=[item.prompt for item in items],
            # None, unlike "", lets the pipeline zero the condition if it was trained so.
            negative_prompt=[settings.negative_prompt] * len(items)
            if settings.negative_prompt
            else None,
            generator=[torch.Generator().manual_seed(item.seed) for item in items],
            width=settings.width,
            height=settings.height,
            num_inference_steps=settings.steps,
            guidance_scale=settings.guidance,
            output_type="latent",
        ).images
        return decode(pipeline, latents)


def decode(pipeline: StableDiffusionXLPipeline, latents_BCHW: torch.Tensor) -> list[Image.Image]:
    """Pictures of scaled latents."""
    scaled = latents_BCHW.float() / pipeline.vae.config.scaling_factor
    return pipeline.image_processor.postprocess(pipeline.vae.decode(scaled).sample.float())


def batches(count: int, megapixels: float, patient: bool = False) -> Iterator[range]:
    """Index ranges in batches that grow 2, 4, 8, so that the first pictures come soon.

    If `patient`, the first batch is as large as the others: on a CPU sixteen emoji pictures at
    once cost half as much as two at a time.
    """
    largest = max(1, min(16, int(4 / max(megapixels, 1e-9))))
    start, size = 0, largest if patient else min(2, largest)
    while start < count:
        yield range(start, min(start + size, count))
        start, size = start + size, min(size * 2, largest)


def store(image: Image.Image, images_dir: Path) -> Rendered:
    """Write a picture, without metadata, to images/ab/<sha256>.png and say where."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    path = images_dir / digest[:2] / f"{digest}.png"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as scratch:
            scratch.write_bytes(buffer.getvalue())
    return Rendered(digest, image.width, image.height)


class Adapters:
    """Switches a pipeline between its base, a few adapters that stay loaded, and whole UNets."""

    def __init__(self, pipeline: StableDiffusionXLPipeline) -> None:
        self._pipeline = pipeline
        self._names: dict[str, str] = {}
        self._replacement = Replacement(pipeline.unet)

    def use(self, adapter: str | None) -> None:
        """Draw with this adapter file from now on, or with the base alone.

        Raises:
            BrokenModel: the file is gone, or holds whole weights that are another UNet's.
        """
        if adapter is not None and adapter not in self._names and not Path(adapter).is_file():
            # Diffusers would take its folder for a name on the hub.
            raise BrokenModel(f"the file {Path(adapter).name} of this version is gone")
        whole = adapter is not None and is_whole(Path(adapter))
        self._replacement.use(Path(adapter) if adapter and whole else None)
        if adapter is None or whole:
            if self._names:
                self._pipeline.unet.disable_adapters()
            return
        if adapter not in self._names:
            self._load(adapter)
        self._pipeline.unet.enable_adapters()
        self._pipeline.set_adapters(self._names[adapter])

    def _load(self, adapter: str) -> None:
        if len(self._names) >= MAX_ADAPTERS:
            self._pipeline.delete_adapters(self._names.pop(next(iter(self._names))))
        name = "a" + hashlib.sha256(adapter.encode()).hexdigest()[:12]
        path = Path(adapter)
        self._pipeline.load_lora_weights(str(path.parent), weight_name=path.name, adapter_name=name)
        self._names[adapter] = name
