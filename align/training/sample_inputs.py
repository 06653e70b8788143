"""Prompts of a run's samples, encoded while the encoders are there, and images made of them.

Shapes: C latent channels, H x W latent pixels.
"""

from __future__ import annotations

import contextlib
import copy
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from align.client.run_config import RunConfig
from align.contracts.rendering import RenderItem, RenderSettings
from align.contracts.run_samples import SamplePrompt
from align.data.latent_cache import checksum, content_key, fingerprint
from align.device import Compute
from align.errors import AlignError, first_line
from align.families.family import Pipeline
from align.families.lookup import family_of
from align.sampling.image_sampler import render_settings
from align.sampling.render import decode, denoise, require_finite
from align.sampling.steps import OnStep

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SampleInputs:
    """Everything that rendering the samples of a run takes besides its denoiser."""

    prompts: list[SamplePrompt]
    settings: RenderSettings
    """The look of the run, or the model's own."""
    texts: list[dict[str, Tensor]]
    """Per prompt, the arguments of the pipeline's call that stand for it, on the CPU."""
    autoencoder: torch.nn.Module
    """On the CPU while nothing is decoded: a card has no room for it beside training."""

    def key(self, prompt: int, base: str) -> str:
        """Return the key of a prompt's image by the base of this key, for a cache."""
        settings = self.settings
        # Texts stand for prompts, encoders and what is left out here; LoRAs are in the base.
        rendered = (settings.width, settings.height, settings.steps, settings.guidance)
        solver = (settings.scheduler, settings.prediction, settings.zero_terminal_snr)
        seed = self.prompts[prompt]["seed"]
        texts, decoder = checksum(self.texts[prompt]), fingerprint(self.autoencoder)
        return content_key("sample", base, decoder, texts, seed, rendered, solver)


def encode_samples(
    pipeline: Pipeline, compute: Compute, prepared: RunConfig
) -> SampleInputs | None:
    """Encode the prompts of a run's samples; None where it is to render none, or cannot.

    The autoencoder leaves the device: everything that it has to encode is encoded by then.
    """
    if not prepared.samples:
        return None
    try:
        return encoded(pipeline, compute, prepared)
    except (AlignError, OSError, RuntimeError, ValueError) as error:
        logger.warning("no samples are rendered: %s", first_line(error))
        return None


def encoded(pipeline: Pipeline, compute: Compute, prepared: RunConfig) -> SampleInputs:
    """Encode the prompts of a run's samples; raises whatever goes wrong with them."""
    family, settings = family_of(pipeline), prepared.look or render_settings(prepared.model)

    texts = []
    for sample in prepared.samples:
        with torch.no_grad(), compute.autocasting():
            given = family.rendering_inputs(
                pipeline,
                compute,
                [settings.whole_prompt(sample["prompt"])],
                settings.negative_prompt,
                settings.guidance,
                settings.clip_skip,
            )
        texts.append({name: text.cpu() for name, text in given.items()})
    autoencoder = family.autoencoder(pipeline).to("cpu")
    return SampleInputs(list(prepared.samples), settings, texts, autoencoder)


def render_sample(
    pipeline: Pipeline, compute: Compute, inputs: SampleInputs, prompt: int, between: OnStep
) -> Image.Image:
    """Render one prompt with the denoiser as it is now; `pipeline` has no other part.

    `between` is called after every denoising step; an exception in it ends the rendering.

    Raises:
        SamplerFailed: the image came out as no numbers.
        RuntimeError: the memory of the device ran out.
    """
    settings, sample = inputs.settings, inputs.prompts[prompt]
    item = RenderItem(sample["prompt"], sample["seed"])
    # A pipeline and its scheduler store the state of the call that is running.
    own = copy.copy(pipeline)
    own.scheduler = copy.deepcopy(
        family_of(pipeline).rendering_scheduler(
            pipeline, settings.scheduler, settings.prediction, settings.zero_terminal_snr
        )
    )
    texts = {name: text.to(compute.device) for name, text in inputs.texts[prompt].items()}

    with torch.no_grad(), compute.autocasting():
        latents_1CHW = denoise(own, [item], settings, texts, between)
    require_finite(latents_1CHW, [item])
    return decoded(own, compute, inputs, latents_1CHW)


def decoded(
    own: Pipeline, compute: Compute, inputs: SampleInputs, latents_1CHW: Tensor
) -> Image.Image:
    """Decode one image, tile by tile where it does not fit as a whole."""
    own.vae = inputs.autoencoder.to(compute.device)
    try:
        with contextlib.suppress(torch.OutOfMemoryError):
            return decode(own, compute, latents_1CHW)[0]
        family_of(own).tile_autoencoder(own, True)
        return decode(own, compute, latents_1CHW)[0]
    finally:
        inputs.autoencoder.to("cpu")


@contextlib.contextmanager
def without_traces(compute: Compute, compiled: bool) -> Iterator[None]:
    """Leave nothing behind that training could notice: neither random states nor compiled code."""
    devices = [compute.device] if compute.device.type == "cuda" else []
    # Another shape would let the compiler make blocks anew, for shapes that change.
    eager = torch.compiler.set_stance("force_eager") if compiled else contextlib.nullcontext()
    with torch.random.fork_rng(devices=devices), eager:
        yield
