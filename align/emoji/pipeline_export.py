"""Export of the trained networks as a standard pipeline folder, in half precision."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, StableDiffusionXLPipeline, UniPCMultistepScheduler
from torch import Tensor

from align.data.encode import sha256
from align.emoji.autoencoder import FILE as AUTOENCODER
from align.emoji.autoencoder import SCALING, load_autoencoder
from align.emoji.denoiser import LATENT_STATS, load_denoiser, noise_schedule
from align.emoji.emoji_images import LABELS
from align.emoji.settings import EmojiSettings
from align.emoji.tokenizer import load_tokenizer
from align.emoji.training_loop import NotTrained
from align.errors import AlignError
from align.files import read_json
from align.weights.merge import remove_local_paths

FOLDER = "model"
MAX_BYTES = 32_000_000
STEPS_OFFSET = 1
ZERO_SNR_SIGMAS = {"use_exponential_sigmas": True, "sigma_max": 250.0, "sigma_min": 0.15}
"""Each step removes the same share of the noise. With zero terminal SNR the first steps decide the
image, and the first of ten steps of equal time would go from sigma 4,096 to 18."""


class TooLarge(AlignError):
    """The model is larger than the project may ship."""


def export(work: Path, settings: EmojiSettings) -> None:
    """Write the pipeline of a working folder to its `model`, whatever that held before."""
    folder = work / FOLDER
    pipeline = assemble(work, settings).to(torch.float16)
    # Files of an earlier export would stay, and count towards the size.
    shutil.rmtree(folder, ignore_errors=True)
    pipeline.save_pretrained(folder, safe_serialization=True)
    remove_local_paths(folder)
    shutil.copyfile(work / LABELS, folder / LABELS)

    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"{folder}: {size / 1e6:.1f} MB")
    if size > MAX_BYTES:
        raise TooLarge(
            f"The model has {size / 1e6:.1f} MB, more than {MAX_BYTES / 1e6:.0f}. Choose fewer "
            "channels in settings.json and train again."
        )


def assemble(work: Path, settings: EmojiSettings) -> StableDiffusionXLPipeline:
    """Assemble the pipeline of a working folder, in fp32 on the CPU.

    Raises:
        NotTrained: a part is missing, or the parts were not trained on one another.
    """
    tokenizer, stats = load_tokenizer(work), read_json(work / LATENT_STATS)
    autoencoder = load_autoencoder(work, settings).cpu()
    if stats is None or stats["autoencoder"] != sha256(work / AUTOENCODER):
        raise NotTrained("There is no denoiser for this autoencoder yet. Train it first.")

    fold_latent_stats(autoencoder, torch.tensor(stats["mean"]), torch.tensor(stats["std"]))
    denoiser = load_denoiser(work, settings, tokenizer, stats["side"]).cpu()
    schedule = noise_schedule(settings.denoiser)

    return StableDiffusionXLPipeline(
        vae=autoencoder,
        text_encoder=denoiser.text_encoder,
        text_encoder_2=denoiser.text_encoder_2,
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        unet=denoiser.unet,
        scheduler=UniPCMultistepScheduler.from_config(
            schedule.config,
            steps_offset=STEPS_OFFSET,
            timestep_spacing="trailing",
            **(ZERO_SNR_SIGMAS if settings.denoiser.no_signal_at_end else {}),
        ),
        add_watermarker=False,
    )


@torch.no_grad()
def fold_latent_stats(autoencoder: AutoencoderKL, mean_C: Tensor, std_C: Tensor) -> None:
    """Fold the normalization of latents into the autoencoder's weights: exactly, in place.

    Afterwards latents times SDXL's factor have zero mean and unit standard deviation. The last
    layer of the encoder and the first of the decoder are 1×1 convolutions, which absorb it.
    """
    unit_C = std_C * SCALING
    count = len(mean_C)
    last, first = autoencoder.quant_conv, autoencoder.post_quant_conv
    first.bias += (first.weight.flatten(1) * mean_C).sum(dim=1)
    first.weight *= unit_C.view(1, -1, 1, 1)
    last.weight[:count] /= unit_C.view(-1, 1, 1, 1)
    last.bias[:count] = (last.bias[:count] - mean_C) / unit_C
    # The other half of the channels are the logarithms of the variances.
    last.bias[count:] -= 2 * unit_C.log()
