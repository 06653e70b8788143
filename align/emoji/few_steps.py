"""Few-step adapter: four denoising steps without guidance are enough with it.

Latent consistency distillation (Luo et al. 2023, arXiv 2310.04378) into a LoRA (arXiv 2311.05556).
The guided model follows a path from noise to an image. From any point of it the adapter predicts
the end, and it is trained to predict the same from the next point.

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
from align.emoji.denoiser import sample_batch
from align.emoji.latents import encode_all
from align.emoji.pipeline_export import FOLDER
from align.emoji.settings import EmojiSettings, FewStepsSettings
from align.emoji.training_loop import load_averaged, train, training_compute
from align.errors import InvalidSettings
from align.families.conditioning import Conditioning
from align.families.sdxl import POOLED, SDXL, SIZES, TEXT
from align.weights.pipeline import load_pipeline

FILE = "few_steps.pt"


@dataclass(frozen=True)
class TextConditioning:
    """Inputs of the UNet besides latents and timesteps."""

    text_BSD: Tensor
    pooled_BE: Tensor
    sizes_B6: Tensor

    def with_unconditional(self) -> TextConditioning:
        """Append empty prompts, as guidance needs them: 2B in all."""
        return TextConditioning(
            torch.cat([self.text_BSD, torch.zeros_like(self.text_BSD)]),
            torch.cat([self.pooled_BE, torch.zeros_like(self.pooled_BE)]),
            self.sizes_B6.repeat(2, 1),
        )


class AdapterParameters(nn.Module):
    """Parameters of an adapter as a module, without the network that they are part of."""

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        super().__init__()
        self.parts = nn.ParameterList(parameters)


class DenoisingPath:
    """Denoising path from noise to images, cut into segments, for the model and the adapter."""

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
        # The first border is the clean image: no timestep of its own, and a signal of 1.
        self.timestep_N1 = ends.clamp(min=0)
        self.signal_N1 = torch.where(ends < 0, 1.0, signal_T[self.timestep_N1])

    def add_noise(self, clean_BCHW: Tensor, noise_BCHW: Tensor, index_B: Tensor) -> Tensor:
        """Add as much noise as there is at the start of a segment."""
        signal_B111, noise_scale_B111 = self._signal_and_noise(index_B)
        return signal_B111 * clean_BCHW + noise_scale_B111 * noise_BCHW

    def predict_clean(self, noisy_BCHW: Tensor, index_B: Tensor, text: TextConditioning) -> Tensor:
        """Predict the end of the path with the adapter; at the end itself, return the input."""
        signal_B111, noise_scale_B111 = self._signal_and_noise(index_B)
        velocity_BCHW = self._velocity(noisy_BCHW, index_B, text)
        return signal_B111 * noisy_BCHW - noise_scale_B111 * velocity_BCHW

    @torch.no_grad()
    def ddim_step(self, noisy_BCHW: Tensor, index_B: Tensor, text: TextConditioning) -> Tensor:
        """Move one segment towards the image, by one DDIM step with the guided model."""
        noisy_2BCHW, index_2B = noisy_BCHW.repeat(2, 1, 1, 1), index_B.repeat(2)
        with as_reference(self._unet):
            velocities_2BCHW = self._velocity(noisy_2BCHW, index_2B, text.with_unconditional())
        conditional_BCHW, unconditional_BCHW = velocities_2BCHW.chunk(2)
        velocity_BCHW = unconditional_BCHW + self._guidance * (
            conditional_BCHW - unconditional_BCHW
        )

        signal_B111, noise_scale_B111 = self._signal_and_noise(index_B)
        clean_BCHW = signal_B111 * noisy_BCHW - noise_scale_B111 * velocity_BCHW
        noise_BCHW = noise_scale_B111 * noisy_BCHW + signal_B111 * velocity_BCHW
        return self.add_noise(clean_BCHW, noise_BCHW, index_B - 1)

    def _velocity(self, noisy_BCHW: Tensor, index_B: Tensor, text: TextConditioning) -> Tensor:
        timestep_B = self.timestep_N1.to(index_B.device)[index_B]
        conditioning = Conditioning(
            {TEXT: text.text_BSD, POOLED: text.pooled_BE, SIZES: text.sizes_B6}
        )
        return SDXL.predict(self._unet, noisy_BCHW, timestep_B, conditioning).float()

    def _signal_and_noise(self, index_B: Tensor) -> tuple[Tensor, Tensor]:
        signal_B111 = self.signal_N1.to(index_B.device)[index_B].view(-1, 1, 1, 1)
        return signal_B111.sqrt(), (1 - signal_B111).sqrt()


def train_few_steps(work: Path, settings: EmojiSettings) -> None:
    """Train the adapter of a working folder's model, from its last checkpoint on."""
    config, compute = settings.few_steps, training_compute()
    pipeline = load_pipeline(describe_model(str(work / FOLDER)), compute)
    seed, side = config.loop.seed, settings.data.side
    targets = SDXL.adapter_targets[config.targets]
    adapter = AdapterParameters(add_lora(pipeline.unet, config.rank, seed, targets))
    latents, path = encode_all(work, settings), DenoisingPath(pipeline, config)
    batches = replace(settings.denoiser, loop=config.loop, everything=0.0)

    def loss(step: int) -> Tensor:
        clean_BCHW, captions = sample_batch(latents, batches, step)
        random = torch.Generator().manual_seed(counter_key(seed, "few steps", step))
        noise_BCHW = torch.randn(clean_BCHW.shape, generator=random)
        index_B = torch.randint(1, config.stretches + 1, (len(clean_BCHW),), generator=random)
        clean_BCHW, noise_BCHW, index_B = (
            value.to(compute.device) for value in (clean_BCHW, noise_BCHW, index_B)
        )
        text = encode_captions(pipeline, captions, side)
        with compute.autocasting():
            error_BCHW = inconsistency(path, clean_BCHW, noise_BCHW, index_B, text)
        return pseudo_huber(error_BCHW, config.huber)

    train(adapter, config.loop, work / FILE, loss)
    load_averaged(adapter, work / FILE)
    save_adapter(pipeline.unet, work / FEW_STEP_ADAPTER)
    print(f"{work / FEW_STEP_ADAPTER}: {(work / FEW_STEP_ADAPTER).stat().st_size / 1e6:.1f} MB")


def inconsistency(
    path: DenoisingPath,
    clean_BCHW: Tensor,
    noise_BCHW: Tensor,
    index_B: Tensor,
    text: TextConditioning,
) -> Tensor:
    """Return the difference of the adapter's predictions from two points of the same path."""
    noisy_BCHW = path.add_noise(clean_BCHW, noise_BCHW, index_B)
    with torch.no_grad():
        next_BCHW = path.ddim_step(noisy_BCHW, index_B, text)
        target_BCHW = path.predict_clean(next_BCHW, index_B - 1, text)
    return path.predict_clean(noisy_BCHW, index_B, text) - target_BCHW


def pseudo_huber(error_BCHW: Tensor, width: float) -> Tensor:
    """Return the mean pseudo-Huber loss: quadratic for errors below `width`, absolute beyond.

    √(e² + w²) - w, written so that nothing cancels.
    """
    square_BCHW = error_BCHW.square()
    return (square_BCHW / ((square_BCHW + width**2).sqrt() + width)).mean()


@torch.no_grad()
def encode_captions(
    pipeline: StableDiffusionXLPipeline, captions: Sequence[str], side: int
) -> TextConditioning:
    """Encode captions as the pipeline does."""
    text_BSD, _, pooled_BE, _ = pipeline.encode_prompt(
        list(captions), do_classifier_free_guidance=False
    )
    sizes_6 = SDXL.size_facts((side, side)).to(text_BSD.device)
    return TextConditioning(text_BSD, pooled_BE, sizes_6.expand(len(captions), -1))
