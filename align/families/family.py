"""The interface of an architecture: everything that a second one must supply.

`align.families.sdxl` is the only implementation; docs/families.md is the guide for an author.

Shapes: B images, C latent channels, H x W latent pixels or pixels, F numbers of size.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import torch
from diffusers import DiffusionPipeline, ModelMixin, SchedulerMixin
from torch import Tensor

from align.adapters.kohya import LayerNames, LoraFile
from align.contracts.image_sizes import Size
from align.device import Compute
from align.diffusion.schedules import TrainingScheduler
from align.families.conditioning import Conditioning

Pipeline: TypeAlias = DiffusionPipeline
DenoiserNetwork: TypeAlias = ModelMixin
DenoiserInputs: TypeAlias = dict[str, Tensor | dict[str, Tensor]]
"""Arguments of a forward pass by name; which ones is the family's own."""


@dataclass(frozen=True)
class BaseNames:
    """Names of the published base model in the metadata of an adapter's file."""

    modelspec: str
    """Stability's modelspec: `modelspec.architecture`."""
    kohya: str
    """sd-scripts: `ss_base_model_version`."""


class ModelFamily(Protocol):
    """One architecture of diffusion models.

    A member has no state: pipelines, denoisers and tensors are arguments. The other rooms of
    `align` reach an architecture through what is here, so a second member is a file beside sdxl.py
    and a line in lookup.py.
    """

    pipeline_class: type[Pipeline]
    """The class of diffusers that a model's index names."""
    name: str
    """Value of `ModelInfo.family`, and prefix of the identities of its models."""
    parts: Mapping[str, str]
    """Parts of a pipeline that have weights, each with the stem of its files' names."""
    tokenizers: Mapping[str, str]
    """Tokenizers of a pipeline, each with its text encoder."""
    denoiser_part: str
    """The part that is trained: "unet", or "transformer" in most younger architectures."""
    denoiser_class: type[DenoiserNetwork]
    """The class of diffusers for that part."""
    adapter_targets: Mapping[str, list[str]]
    """Ends of the names of the layers that get an adapter, by the values of the setting
    `target_modules`."""
    published_code: str
    """Address of the code that kohya's layer names come from."""

    # Parts of a pipeline.

    def denoiser(self, pipeline: Pipeline) -> DenoiserNetwork:
        """Return the network that is trained; `predict` receives it, perhaps wrapped."""

    def autoencoder(self, pipeline: Pipeline) -> torch.nn.Module:
        """Return the network of pixels and latents; cached latents are keyed by its weights."""

    def text_encoders(self, pipeline: Pipeline) -> list[torch.nn.Module]:
        """Return the networks that encode prompts; cached texts are keyed by their weights."""

    def to_device(
        self, pipeline: Pipeline, compute: Compute, parts: Collection[str] | None = None
    ) -> None:
        """Move a pipeline to its device, every part in a format that it stays finite in.

        Where `parts` are named, the others stay where they are, in their formats.
        """

    # Text to conditioning.

    def encode_prompts(
        self, pipeline: Pipeline, prompts: Sequence[str], clip_skip: int = 1
    ) -> Conditioning:
        """Encode a batch of prompts, one row each, whole and with their weights, in fp32 on the
        CPU.

        `clip_skip` is counted as AUTOMATIC1111 counts it; 1 is the model as it was trained.
        """

    def prompt_chunks(self, pipeline: Pipeline, prompts: Sequence[str]) -> list[int]:
        """Return the number of passes that each prompt takes through an encoder, at least 1."""

    def encode_no_prompt(self, pipeline: Pipeline, clip_skip: int = 1) -> Conditioning:
        """Encode guidance's unconditional side, as the model was trained with: one row."""

    def rendering_inputs(
        self,
        pipeline: Pipeline,
        compute: Compute,
        prompts: Sequence[str],
        negative_prompt: str,
        guidance: float,
        clip_skip: int = 1,
    ) -> dict[str, Tensor]:
        """Encode prompts as arguments of the pipeline's call, by name, one row per prompt.

        With guidance they include the negative prompt, or no prompt where that is empty.
        """

    def size_facts(
        self, size: Size, original: Size | None = None, crop: tuple[int, int] = (0, 0)
    ) -> Tensor:
        """Return the denoiser's input for a width and height in pixels: [F], where F may be 0.

        `original` is the size of the image before it was scaled, left out where it was not; `crop`
        is what was cut off of the scaled image, at the left and at the top.
        """

    def with_size(self, text: Conditioning, size_facts: Tensor) -> Conditioning:
        """Add sizes to a conditioning: one `size_facts` for all rows, or one for each."""

    # Images to latents and back.

    def encode_images(self, pipeline: Pipeline, compute: Compute, pixels_BCHW: Tensor) -> Tensor:
        """Encode pixels in -1..1 to latents in the denoiser's scale, in fp32 on the CPU.

        Latents are cached, so they are deterministic: the posterior's mean, not a sample.
        """

    def latent_facts(self, pipeline: Pipeline) -> list[float | list[float] | None]:
        """Return the settings, as plain values, that latents depend on besides the weights."""

    def decode_latents(self, pipeline: Pipeline, compute: Compute, latents_BCHW: Tensor) -> Tensor:
        """Decode latents of the denoiser to pixels in -1..1, in fp32 on the device."""

    def tile_autoencoder(self, pipeline: Pipeline, tiled: bool) -> None:
        """Encode and decode large images tile by tile, which takes less memory, or as a whole."""

    # The denoiser.

    def rendering_scheduler(
        self,
        pipeline: Pipeline,
        solver: str,
        prediction: str = "",
        zero_terminal_snr: bool = False,
    ) -> SchedulerMixin:
        """Return a scheduler for the pipeline's call: of a named solver, or the pipeline's own.

        Its noise schedule and prediction type are the pipeline's, unless `prediction` is another
        reading of the model.

        Raises:
            InvalidSettings: no such solver (`align.contracts.solvers`), or none for the schedule.
        """

    def training_scheduler(self, pipeline: Pipeline) -> TrainingScheduler:
        """Return the noise schedule and prediction type to train with.

        Raises:
            WrongModel: a schedule or a prediction that nothing here trains.
        """

    def predict(
        self,
        denoiser: DenoiserNetwork,
        noisy_BCHW: Tensor,
        timesteps_B: Tensor,
        conditioning: Conditioning,
    ) -> Tensor:
        """Run the denoiser once; no other place calls one with its architecture's arguments.

        The caller decides on gradients, autocasting and adapters. `timesteps_B` are the result of
        `align.diffusion.schedules.network_timesteps`.
        """

    # Adapters.

    def save_adapter(self, denoiser: DenoiserNetwork, path: Path) -> None:
        """Write the denoiser's adapter as a file that the pipeline's `load_lora_weights` reads."""

    def layer_names(self, denoiser: DenoiserNetwork, layers: Iterable[str]) -> dict[str, str]:
        """Map every name that a layer may have in files of other programs to diffusers' name.

        Keys are in the form that `align.adapters.lora_names.plain_name` returns.
        """

    def published_names(
        self, adapter: LoraFile, config: Mapping[str, Any] | None = None
    ) -> LayerNames | None:
        """Return the function from diffusers' layer names to those of the published code.

        None where the adapter's layers do not fit a denoiser of this configuration or, without a
        configuration, where the layers do not determine the names.
        """

    def base_names(self, adapter: LoraFile) -> BaseNames | None:
        """Return the published model's names in metadata; None for adapters of another size."""

    def origin_name(self, denoiser: DenoiserNetwork) -> str | None:
        """Return `align.adapters.lora_origins`' name of bases of this shape; None if unknown."""

    # Memory by shape.

    def build_denoiser(self, config: Mapping[str, Any]) -> DenoiserNetwork:
        """Build a denoiser of this configuration on torch's default device, without weights."""

    def inputs_by_shape(
        self,
        denoiser: DenoiserNetwork,
        size: int | Size,
        images: int,
        dtype: torch.dtype,
        tokens: int,
    ) -> DenoiserInputs:
        """Return the arguments of one forward pass, uninitialized, on torch's default device.

        `size` is the images' width and height in pixels, or the side of squares; `tokens` is the
        length of their prompts.
        """

    def autoencoder_by_shape(
        self, pipeline: Pipeline, size: Size, images: int
    ) -> tuple[Pipeline, Tensor]:
        """Return a copy of a pipeline for `decode_latents`, and latents for it, uninitialized.

        Its autoencoder is built anew, and both are on torch's default device.
        """

    def block_names(self, denoiser: DenoiserNetwork) -> list[str]:
        """List the blocks whose activations are kept or recomputed as a whole."""
