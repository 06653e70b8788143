"""A few-step sibling of the model: an adapter with which four steps and no guidance are enough.

Latent consistency distillation (Luo et al. 2023, arXiv 2310.04378) into a LoRA (arXiv 2311.05556).
The guided model leads from noise to an image along a path; from anywhere on it the adapter says
at once where it ends, and it learns that by agreeing with itself a stretch further on.

Shapes: B images, S tokens, D text width, E pooled width, C channels, H x W latent pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline
from torch import Tensor, nn

from align.adapters.lora import add_lora, as_reference, save_adapter
from align.client.models import FEW_STEP_ADAPTER, describe_model
from align.diffusion.noise import counter_key
from align.emoji.denoiser import draw_batch
from align.emoji.latents import encode_all
from align.emoji.pipeline_export import FOLDER
from align.emoji.settings import FewStepsSettings, Settings
from align.emoji.training_loop import averaged, train, training_compute
from align.errors import InvalidSettings
from align.families.family import Conditioning
from align.families.sdxl import POOLED, SDXL, SIZES, TEXT
from align.weights.pipeline import load_pipeline

FILE = "few_steps.pt"


@dataclass(frozen=True)
class Told:
    """What the UNet is told besides latents and timesteps."""

    text_BSD: Tensor
    pooled_BE: Tensor
    sizes_B6: Tensor

    def and_nothing(self) -> Told:
        """The same followed by empty prompts, as guidance needs it: 2B in all."""
        return Told(
            torch.cat([self.text_BSD, torch.zeros_like(self.text_BSD)]),
            torch.cat([self.pooled_BE, torch.zeros_like(self.pooled_BE)]),
            self.sizes_B6.repeat(2, 1),
        )


class Adapter(nn.Module):
    """An adapter's parameters alone, without the network that they are part of."""

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        super().__init__()
        self.parts = nn.ParameterList(parameters)


class Route:
    """The way from noise to images, in stretches, as the model walks it and the adapter."""

    def __init__(self, pipeline: StableDiffusionXLPipeline, settings: FewStepsSettings) -> None:
        if (predicts := pipeline.scheduler.config.prediction_type) != "v_prediction":
            raise InvalidSettings(
                f"A few-step adapter needs a model that predicts velocities, not {predicts}: "
                'its setting "prediction" is to be "v_prediction".'
            )
        self._unet = pipeline.unet
        self._guidance = settings.guidance
        signal_T = pipeline.scheduler.alphas_cumprod
        ends = torch.linspace(0, len(signal_T), settings.stretches + 1).round().long() - 1
        self.timestep_N1 = ends.clamp(min=0)
        self.signal_N1 = torch.where(ends < 0, 1.0, signal_T[self.timestep_N1])

    def noisy(self, clean_BCHW: Tensor, noise_BCHW: Tensor, place_B: Tensor) -> Tensor:
        """Images with as much noise as there is at the end of a stretch."""
        clear_B111, dim_B111 = self._shares(place_B)
        return clear_B111 * clean_BCHW + dim_B111 * noise_BCHW

    def end(self, noisy_BCHW: Tensor, place_B: Tensor, said: Told) -> Tensor:
        """Where the adapter says that the path ends: at its start, where it already is."""
        clear_B111, dim_B111 = self._shares(place_B)
        velocity_BCHW = self._velocity(noisy_BCHW, place_B, said)
        return clear_B111 * noisy_BCHW - dim_B111 * velocity_BCHW

    @torch.no_grad()
    def onward(self, noisy_BCHW: Tensor, place_B: Tensor, said: Told) -> Tensor:
        """A stretch nearer to the image, by one step of DDIM with the guided model."""
        noisy_2BCHW, place_2B = noisy_BCHW.repeat(2, 1, 1, 1), place_B.repeat(2)
        with as_reference(self._unet):
            both_2BCHW = self._velocity(noisy_2BCHW, place_2B, said.and_nothing())
        asked_BCHW, free_BCHW = both_2BCHW.chunk(2)
        velocity_BCHW = free_BCHW + self._guidance * (asked_BCHW - free_BCHW)
        clear_B111, dim_B111 = self._shares(place_B)
        clean_BCHW = clear_B111 * noisy_BCHW - dim_B111 * velocity_BCHW
        noise_BCHW = dim_B111 * noisy_BCHW + clear_B111 * velocity_BCHW
        return self.noisy(clean_BCHW, noise_BCHW, place_B - 1)

    def _velocity(self, noisy_BCHW: Tensor, place_B: Tensor, said: Told) -> Tensor:
        timestep_B = self.timestep_N1.to(place_B.device)[place_B]
        conditioning = Conditioning(
            {TEXT: said.text_BSD, POOLED: said.pooled_BE, SIZES: said.sizes_B6}
        )
        return SDXL.predict(self._unet, noisy_BCHW, timestep_B, conditioning).float()

    def _shares(self, place_B: Tensor) -> tuple[Tensor, Tensor]:
        signal_B111 = self.signal_N1.to(place_B.device)[place_B].view(-1, 1, 1, 1)
        return signal_B111.sqrt(), (1 - signal_B111).sqrt()


def train_few_steps(work: Path, settings: Settings) -> None:
    """Train the adapter of a working folder's model, from its last checkpoint on."""
    wanted, compute = settings.few_steps, training_compute()
    pipeline = load_pipeline(describe_model(str(work / FOLDER)), compute)
    seed, side = wanted.loop.seed, settings.data.side
    targets = SDXL.adapter_targets[wanted.targets]
    adapter = Adapter(add_lora(pipeline.unet, wanted.rank, seed, targets))
    latents, route = encode_all(work, settings), Route(pipeline, wanted)
    drawn = replace(settings.denoiser, loop=wanted.loop, everything=0.0)

    def loss(step: int) -> Tensor:
        clean_BCHW, captions = draw_batch(latents, drawn, step)
        random = torch.Generator().manual_seed(counter_key(seed, "few steps", step))
        noise_BCHW = torch.randn(clean_BCHW.shape, generator=random)
        place_B = torch.randint(1, wanted.stretches + 1, (len(clean_BCHW),), generator=random)
        clean_BCHW, noise_BCHW, place_B = (
            value.to(compute.device) for value in (clean_BCHW, noise_BCHW, place_B)
        )
        said = told(pipeline, captions, side)
        with compute.autocasting():
            error_BCHW = inconsistency(route, clean_BCHW, noise_BCHW, place_B, said)
        return pseudo_huber(error_BCHW, wanted.huber)

    train(adapter, wanted.loop, work / FILE, loss)
    averaged(adapter, work / FILE)
    save_adapter(pipeline.unet, work / FEW_STEP_ADAPTER)
    print(f"{work / FEW_STEP_ADAPTER}: {(work / FEW_STEP_ADAPTER).stat().st_size / 1e6:.1f} MB")


def inconsistency(
    route: Route, clean_BCHW: Tensor, noise_BCHW: Tensor, place_B: Tensor, said: Told
) -> Tensor:
    """How far apart the adapter ends from two points of the same path."""
    noisy_BCHW = route.noisy(clean_BCHW, noise_BCHW, place_B)
    with torch.no_grad():
        nearer_BCHW = route.onward(noisy_BCHW, place_B, said)
        target_BCHW = route.end(nearer_BCHW, place_B - 1, said)
    return route.end(noisy_BCHW, place_B, said) - target_BCHW


def pseudo_huber(error_BCHW: Tensor, width: float) -> Tensor:
    """Quadratic for errors smaller than `width`, absolute for larger ones, and their mean.

    √(e² + w²) - w, written so that nothing cancels.
    """
    square_BCHW = error_BCHW.square()
    return (square_BCHW / ((square_BCHW + width**2).sqrt() + width)).mean()


@torch.no_grad()
def told(pipeline: StableDiffusionXLPipeline, captions: Sequence[str], side: int) -> Told:
    """Captions as the pipeline would encode them."""
    text_BSD, _, pooled_BE, _ = pipeline.encode_prompt(
        list(captions), do_classifier_free_guidance=False
    )
    sizes_6 = SDXL.size_facts((side, side)).to(text_BSD.device)
    return Told(text_BSD, pooled_BE, sizes_6.expand(len(captions), -1))
