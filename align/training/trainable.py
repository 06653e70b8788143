"""Trainable weights: a LoRA or DoRA on the denoiser, or all of its weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from align.adapters.lora import (
    add_lora,
    as_reference,
    lora_state,
    restore_lora,
    start_from,
)
from align.client.config import TrainConfig
from align.families.family import DenoiserNetwork
from align.families.lookup import family_of
from align.weights.full import FullTrainable


class Trainable(Protocol):
    """Weights that a run trains, beside the frozen reference they started from."""

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        """Parameters for the optimizer, in fp32."""

    def reference(self) -> AbstractContextManager[DenoiserNetwork]:
        """Enter a context in which the denoiser is the frozen base."""

    def state(self) -> dict[str, Tensor]:
        """Return the weights on the CPU, by name."""

    def restore(self, state: dict[str, Tensor]) -> None:
        """Put weights from `state` back."""

    def start_from(self, path: Path, name: str) -> None:
        """Go on from the file of version `name`; raises AlignError where it does not fit."""

    def save(self, path: Path) -> None:
        """Write the file that a sampler loads."""


class LoraTrainable:
    """A LoRA or DoRA; the reference is the same UNet with it off."""

    def __init__(self, unet: DenoiserNetwork, config: TrainConfig) -> None:
        use_dora = config.adapter == "dora"
        self._unet = unet
        self._family = family_of(unet)
        targets = self._family.adapter_targets[config.target_modules]
        self._parameters = add_lora(unet, config.rank, config.seed, targets, use_dora)

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        """Parameters for the optimizer, in fp32."""
        return self._parameters

    @contextmanager
    def reference(self) -> Iterator[DenoiserNetwork]:
        """Yield the denoiser with the adapter switched off."""
        with as_reference(self._unet):
            yield self._unet

    def state(self) -> dict[str, Tensor]:
        """Return the adapter's weights on the CPU, by name."""
        return lora_state(self._unet)

    def restore(self, state: dict[str, Tensor]) -> None:
        """Put weights from `state` back."""
        restore_lora(self._unet, state)

    def start_from(self, path: Path, name: str) -> None:
        """Go on from an adapter file; raises InvalidSettings where it has another shape."""
        start_from(self._unet, path, name)

    def save(self, path: Path) -> None:
        """Write a file that any diffusers SDXL pipeline's `load_lora_weights` reads."""
        self._family.save_adapter(self._unet, path)


def make_trainable(unet: DenoiserNetwork, config: TrainConfig, start: Path) -> Trainable:
    """Create what the setting `adapter` asks for; `init_from` continues from the file `start`.

    Raises:
        AlignError: the file does not fit what is to be trained.
    """
    trainable: Trainable = (
        FullTrainable(unet) if config.adapter == "full" else LoraTrainable(unet, config)
    )
    if config.init_from != "base":
        trainable.start_from(start, config.init_from)
    return trainable
