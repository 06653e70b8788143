"""The seam between Palate and an architecture: everything that a second one must supply.

`align.families.sdxl` is the one member so far; docs/families.md is the author's guide.

Shapes: B images, C latent channels, H x W latent pixels or pixels, F numbers of size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import torch
from diffusers import DiffusionPipeline, ModelMixin
from torch import Tensor

from align.adapters.kohya import LayerNames, LoraFile
from align.device import Compute
from align.diffusion.noise import TrainingScheduler

Pipeline: TypeAlias = DiffusionPipeline
DenoiserNetwork: TypeAlias = ModelMixin


@dataclass(frozen=True)
class Conditioning:
    """The inputs of a denoiser besides noisy latents and timesteps: named tensors, a row an image.

    The names and shapes are the family's own. Whoever holds a conditioning picks, repeats, moves
    and stores its rows, and never looks inside.
    """

    tensors: Mapping[str, Tensor]

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]

    def __len__(self) -> int:
        return len(next(iter(self.tensors.values())))

    def rows(self, index: Tensor | slice) -> Conditioning:
        """Pick rows, each as often as `index` names it."""
        return Conditioning({name: tensor[index] for name, tensor in self.tensors.items()})

    def row(self, number: int) -> dict[str, Tensor]:
        """Return one row as tensors of their own, for a cache."""
        return {name: tensor[number].contiguous() for name, tensor in self.tensors.items()}

    def expand(self, count: int) -> Conditioning:
        """Repeat the only row, without copying it."""
        return Conditioning(
            {name: t.expand(count, *[-1] * (t.ndim - 1)) for name, t in self.tensors.items()}
        )

    def to(self, device: torch.device, dtype: torch.dtype) -> Conditioning:
        """Move and convert every tensor."""
        return Conditioning({name: t.to(device, dtype) for name, t in self.tensors.items()})

    @staticmethod
    def stack(rows: Sequence[Mapping[str, Tensor]]) -> Conditioning:
        """Put rows, as `row` returns them, below one another."""
        return Conditioning({name: torch.stack([row[name] for row in rows]) for name in rows[0]})

    @staticmethod
    def cat(parts: Sequence[Conditioning]) -> Conditioning:
        """Put the rows of several below one another."""
        names = parts[0].tensors
        return Conditioning({name: torch.cat([part[name] for part in parts]) for name in names})


@dataclass(frozen=True)
class BaseNames:
    """What the metadata of an adapter's file calls the base that it is for."""

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
    """As `ModelInfo.family` and the beginning of identities have it."""
    parts: Mapping[str, str]
    """The parts of a pipeline that have weights, with the stem of their files' names."""
    tokenizers: Mapping[str, str]
    """The tokenizers of a pipeline, each with the text encoder that it is for."""
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
        """Return the network that is trained: `predict` is given it, perhaps wrapped."""

    def autoencoder(self, pipeline: Pipeline) -> torch.nn.Module:
        """Return the network between pixels and latents; its weights name cached latents."""

    def text_encoders(self, pipeline: Pipeline) -> list[torch.nn.Module]:
        """Return the networks that read prompts; their weights name cached conditionings."""

    def to_device(self, pipeline: Pipeline, compute: Compute) -> None:
        """Move a pipeline to its device, every part in a format that it stays finite in."""

    # Text to conditioning.

    def encode_prompts(self, pipeline: Pipeline, prompts: Sequence[str]) -> Conditioning:
        """Encode a batch of prompts in one pass, a row each, in fp32 on the CPU."""

    def encode_no_prompt(self, pipeline: Pipeline) -> Conditioning:
        """Encode what guidance sets against a prompt, as the model was trained: one row."""

    def rendering_inputs(
        self,
        pipeline: Pipeline,
        compute: Compute,
        prompts: Sequence[str],
        negative_prompt: str,
        guidance: float,
    ) -> dict[str, Tensor]:
        """Encode prompts for rendering: arguments of the pipeline's call by name, a row a prompt.

        With guidance, the other side of it too: `negative_prompt`, or none where that is empty.
        """

    def size_facts(self, size: tuple[int, int]) -> Tensor:
        """Return what the denoiser is told of a width and height in pixels: [F], F may be 0."""

    def with_size(self, text: Conditioning, size_facts: Tensor) -> Conditioning:
        """Add the numbers of `size_facts` to every row of a conditioning."""

    # Images to latents and back.

    def encode_images(self, pipeline: Pipeline, compute: Compute, pixels_BCHW: Tensor) -> Tensor:
        """Encode pixels in -1..1 to latents as the denoiser works with them, in fp32 on the CPU.

        Deterministic: the mean of what the autoencoder holds possible, not a sample.
        """

    def latent_facts(self, pipeline: Pipeline) -> list[Any]:
        """Return, as plain values, what latents depend on besides the autoencoder's weights."""

    def decode_latents(self, pipeline: Pipeline, compute: Compute, latents_BCHW: Tensor) -> Tensor:
        """Decode latents of the denoiser to pixels in -1..1, in fp32 on the device."""

    # The denoiser.

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
        """Run the denoiser once: the only place where one is called with its own arguments.

        Gradients, autocasting and adapters are the caller's. `timesteps_B` are as
        `align.diffusion.noise.conditioning` returns them.
        """

    # Adapters.

    def save_adapter(self, denoiser: DenoiserNetwork, path: Path) -> None:
        """Write the denoiser's adapter as a file that the pipeline's `load_lora_weights` reads."""

    def layer_names(self, denoiser: DenoiserNetwork, layers: Iterable[str]) -> dict[str, str]:
        """Return our name of a layer by every name that it may have in files of other programs.

        Names are as `align.adapters.lora_names.plain_name` leaves them.
        """

    def published_names(
        self, adapter: LoraFile, config: Mapping[str, Any] | None = None
    ) -> LayerNames | None:
        """Return what an adapter's layers are called in the code that was published.

        None where they do not fit a denoiser of this configuration, or where, without one, the
        adapter itself does not tell.
        """

    def base_names(self, adapter: LoraFile) -> BaseNames | None:
        """Return what metadata calls the published model, None for adapters of another size."""

    def origin_name(self, denoiser: DenoiserNetwork) -> str | None:
        """Return what `align.adapters.lora_origins` calls adapters for a base of this shape."""

    # Memory by shape.

    def build_denoiser(self, config: Mapping[str, Any]) -> DenoiserNetwork:
        """Build a denoiser of this configuration on torch's default device, without weights."""

    def inputs_by_shape(
        self, denoiser: DenoiserNetwork, size: int, images: int, dtype: torch.dtype, tokens: int
    ) -> dict[str, Any]:
        """Return arguments of one forward pass that only have shapes, on torch's default device.

        For so many images of `size` x `size` pixels, each with a prompt of so many tokens.
        """

    def block_names(self, denoiser: DenoiserNetwork) -> list[str]:
        """List the parts whose activations are kept or recomputed as a whole, in forward order."""
