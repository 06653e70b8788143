"""Render images: batched, with a generator per image, stored by content."""

from __future__ import annotations

import copy
import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from PIL import Image

from align.adapters.lora import merged
from align.contracts.rendering import Rendered, RenderItem, RenderSettings
from align.device import Compute
from align.errors import SamplerFailed
from align.families.family import Pipeline
from align.families.lookup import family_of
from align.files import replacing
from align.sampling.cpu_threads import map_in_threads, split_batch
from align.sampling.steps import CleanLatents, DenoisingStep, OnStep, ignore_step

PNG_COMPRESSION = 4
"""Of 9: files 4 % larger than by the usual 6 of PNG are there in half the time."""
LARGEST_BATCH = 16
IMAGES_PER_DECODE = 2
"""On a CPU the activations of more images do not fit into its cache.

Sixteen images of the embedded model, side by side on two cores, take 1.12 s one by one, 1.09 by
two, 1.03 by four and 1.21 by eight; by two and not side by side, 1.31.
"""


def render(
    pipeline: Pipeline,
    compute: Compute,
    items: Sequence[RenderItem],
    settings: RenderSettings,
    between: OnStep = ignore_step,
) -> list[Image.Image]:
    """Render one image per item, which depends on its own prompt and seed alone.

    Batches of different size may differ by rounding (about 1e-6), so keep files and do not render
    again. `between` is called after every denoising step; an exception in it ends the rendering.

    Raises:
        SamplerFailed: an image came out as no numbers.
    """
    latents_BCHW = render_latents(pipeline, compute, items, settings, between)
    require_finite(latents_BCHW, items)
    return decode(pipeline, compute, latents_BCHW)


def require_finite(latents_BCHW: torch.Tensor, items: Sequence[RenderItem]) -> None:
    """Raise SamplerFailed where latents hold a NaN or an infinity."""
    finite = latents_BCHW.flatten(1).isfinite().all(dim=1).tolist()
    if not all(finite):
        item = items[finite.index(False)]
        raise SamplerFailed(
            f"The image of {item.prompt[:60]!r} with seed {item.seed} came out as no numbers, so "
            "that nothing can be seen in it. Take weights in the prompt and of LoRAs, and the "
            "guidance, nearer to 1, or another number format than fp16."
        )


def render_latents(
    pipeline: Pipeline,
    compute: Compute,
    items: Sequence[RenderItem],
    settings: RenderSettings,
    between: OnStep = ignore_step,
) -> torch.Tensor:
    """Render scaled latents [B, C, H, W], one per item.

    `between` is called after every denoising step; an exception in it ends the rendering.
    """
    family = family_of(pipeline)
    chunks = family.prompt_chunks(pipeline, [settings.whole_prompt(item.prompt) for item in items])
    # Texts of one batch are of one length.
    groups = [[n for n, c in enumerate(chunks) if c == count] for count in dict.fromkeys(chunks)]
    with merged(family.denoiser(pipeline)):
        parts = [
            _render_group(pipeline, compute, [items[number] for number in group], settings, between)
            for group in groups
        ]
    order = torch.tensor([number for group in groups for number in group]).argsort()
    return torch.cat(parts)[order]


def _render_group(
    pipeline: Pipeline,
    compute: Compute,
    items: Sequence[RenderItem],
    settings: RenderSettings,
    between: OnStep,
) -> torch.Tensor:
    """Render latents of prompts of one length."""
    texts = _encode_texts(pipeline, compute, items, settings)
    scheduler = family_of(pipeline).rendering_scheduler(
        pipeline, settings.scheduler, settings.prediction, settings.zero_terminal_snr
    )

    def denoised(part: slice) -> torch.Tensor:
        # A pipeline and its scheduler store the state of the call that is running.
        own = copy.copy(pipeline)
        own.scheduler = copy.deepcopy(scheduler)
        given = {name: text[part] for name, text in texts.items()}
        with torch.inference_mode(), compute.autocasting():
            return denoise(own, items[part], settings, given, between)

    return torch.cat(map_in_threads(denoised, split_batch(len(items), compute.device)))


def _encode_texts(
    pipeline: Pipeline,
    compute: Compute,
    items: Sequence[RenderItem],
    settings: RenderSettings,
) -> dict[str, torch.Tensor]:
    """Encode the prompts as arguments of the pipeline's call, by name."""
    prompts = [settings.whole_prompt(item.prompt) for item in items]
    with torch.inference_mode(), compute.autocasting():
        return family_of(pipeline).rendering_inputs(
            pipeline,
            compute,
            prompts,
            settings.negative_prompt,
            settings.guidance,
            settings.clip_skip,
        )


def denoise(
    pipeline: Pipeline,
    items: Sequence[RenderItem],
    settings: RenderSettings,
    texts: dict[str, torch.Tensor],
    between: OnStep,
) -> torch.Tensor:
    """Call a pipeline once, which has a scheduler of its own; return scaled latents.

    `texts` are the arguments that stand for the prompts. The caller decides on gradients, formats
    and adapters.
    """
    clean = CleanLatents(pipeline.scheduler)

    def on_step(
        _: object, step: int, timestep: int, tensors: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        latents_BCHW = clean.of(tensors["latents"])
        between(DenoisingStep(items, step + 1, pipeline.num_timesteps, latents_BCHW))
        return tensors

    latents: torch.Tensor = pipeline(
        **texts,
        generator=[torch.Generator().manual_seed(item.seed) for item in items],
        width=settings.width,
        height=settings.height,
        num_inference_steps=settings.steps,
        guidance_scale=settings.guidance,
        output_type="latent",
        callback_on_step_end=on_step,
    ).images
    return latents


def decode(
    pipeline: Pipeline, compute: Compute, latents_BCHW: torch.Tensor, most: int | None = None
) -> list[Image.Image]:
    """Decode scaled latents to images, at most so many at once."""
    at_once = most or decoded_at_once(compute, len(latents_BCHW))

    def decoded(part_BCHW: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return family_of(pipeline).decode_latents(pipeline, compute, part_BCHW)

    parts = torch.split(latents_BCHW, at_once)
    with torch.inference_mode():
        # Side by side on a CPU alone: a card has room for what is decoded at once, and no more.
        on_cpu = compute.device.type == "cpu"
        images = torch.cat(
            map_in_threads(decoded, parts) if on_cpu else [decoded(part) for part in parts]
        )
        decoded_images: list[Image.Image] = pipeline.image_processor.postprocess(images)
        return decoded_images


def decoded_at_once(compute: Compute, images: int) -> int:
    """Return how many of some images are decoded at once where memory is no matter."""
    return min(IMAGES_PER_DECODE, images) if compute.device.type == "cpu" else images


def batches(
    count: int, megapixels: float, prefer_throughput: bool = False, most: int = LARGEST_BATCH
) -> Iterator[range]:
    """Yield index ranges in batches that grow 2, 4, 8, so that the first images come soon.

    If `prefer_throughput`, the first batch is as large as the others: on a CPU sixteen emoji images
    at once cost half as much as two at a time. No batch is larger than `most`.
    """
    largest = max(1, min(LARGEST_BATCH, most, int(4 / max(megapixels, 1e-9))))
    start, size = 0, largest if prefer_throughput else min(2, largest)
    while start < count:
        yield range(start, min(start + size, count))
        start, size = start + size, min(size * 2, largest)


def store_image(image: Image.Image, images_dir: Path) -> Rendered:
    """Write an image without metadata to ab/<sha256>.png and return its digest and size."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=PNG_COMPRESSION)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    path = images_dir / digest[:2] / f"{digest}.png"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as scratch:
            scratch.write_bytes(buffer.getvalue())
    return Rendered(digest, image.width, image.height)
