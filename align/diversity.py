"""Do pictures of one prompt still differ as much as the base's? Told at the end of a run.

Shapes: P prompts, S seeds, C latent channels, H x W latent pixels.
"""

from __future__ import annotations

import torch
from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
from torch import Tensor

from align.device import Compute
from align.encode import EncodedPairs
from align.learner import Learner
from align.models import ModelInfo

PROMPTS, SEEDS, STEPS = 2, 3, 10
"""Few, since only how far pictures lie apart is asked, not how good they are."""
COLLAPSED = 0.4
"""Of the base's spread: a threshold by judgement. A taste about backgrounds makes pictures alike to
some degree, one that always draws the same picture comes near zero."""


def diversity(
    pipeline: StableDiffusionXLPipeline,
    unet: UNet2DConditionModel,
    learner: Learner,
    data: EncodedPairs,
    model: ModelInfo,
    compute: Compute,
) -> float:
    """The spread of a few pictures as they are drawn now, over that of the base's; 1 is no change.

    Only latents are drawn, so autoencoder and text encoders may be gone.
    """
    with learner.reference() as base:
        before = spread(latents(pipeline, base, data, model, compute))
    after = spread(latents(pipeline, unet, data, model, compute))
    return after / max(before, 1e-9)


@torch.inference_mode()
def latents(
    pipeline: StableDiffusionXLPipeline,
    unet: UNet2DConditionModel,
    data: EncodedPairs,
    model: ModelInfo,
    compute: Compute,
) -> Tensor:
    """latents_PSCHW of the first prompts, each with the same seeds."""
    prompts = min(PROMPTS, len(data.text_PSD) - 1)
    rows = torch.arange(prompts).repeat_interleave(SEEDS)
    bare = torch.full_like(rows, len(data.text_PSD) - 1)

    def embedded(rows: Tensor) -> tuple[Tensor, Tensor]:
        texts = data.text_PSD[rows], data.pooled_PE[rows]
        text, pooled = (t.to(compute.device, compute.weights) for t in texts)
        return text, pooled

    (text, pooled), (bare_text, bare_pooled) = embedded(rows), embedded(bare)
    pipeline.unet = unet
    with compute.autocasting():
        drawn = pipeline(
            prompt_embeds=text,
            pooled_prompt_embeds=pooled,
            negative_prompt_embeds=bare_text,
            negative_pooled_prompt_embeds=bare_pooled,
            generator=[torch.Generator().manual_seed(seed) for _ in range(prompts)
                       for seed in range(SEEDS)],
            width=model.width,
            height=model.height,
            num_inference_steps=min(STEPS, model.steps),
            guidance_scale=model.guidance,
            output_type="latent",
        ).images  # fmt: skip
    return drawn.float().cpu().unflatten(0, (prompts, SEEDS))


def spread(latents_PSCHW: Tensor) -> float:
    """Root mean squared distance between two seeds of a prompt, averaged over prompts and seeds."""
    flat = latents_PSCHW.flatten(start_dim=2)
    distances = torch.cdist(flat, flat) / flat.shape[2] ** 0.5
    first, second = torch.triu_indices(flat.shape[1], flat.shape[1], offset=1)
    return float(distances[:, first, second].mean())


def collapse(ratio: float) -> str | None:
    """An alarm where pictures became alike."""
    if ratio >= COLLAPSED:
        return None
    return (
        f"Pictures of one prompt became alike: they differ {ratio:.0%} as much as the base's. "
        "Compare closely; fewer steps, a higher kappa or a lower learning_rate keep more variety."
    )
