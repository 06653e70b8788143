"""How far a version has moved from its base: what both predict, on inputs that are always the same.

Shapes: B images, C latent channels, H x W latent pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from align.client.planning.costs import MOVEMENT_LEVELS, MOVEMENT_PAIRS
from align.data.batch import Batcher
from align.data.encode import EncodedPairs
from align.device import Compute
from align.diffusion.noise import counter_key
from align.diffusion.schedules import TrainingScheduler, usable_timesteps, velocities
from align.families.family import DenoiserNetwork
from align.training.trainable import Trainable

LEVELS = tuple((level + 1) / (MOVEMENT_LEVELS + 1) for level in range(MOVEMENT_LEVELS))
"""Shares of the schedule: 0.2, 0.4, 0.6 and 0.8. Its ends show nothing but image, or noise."""


class MovementMeter:
    """Measures the distance of the present weights from the base's."""

    def __init__(
        self,
        data: EncodedPairs,
        batcher: Batcher,
        scheduler: TrainingScheduler,
        compute: Compute,
        trainable: Trainable,
        at_once: int = 1,
    ) -> None:
        """Measure `at_once` levels of a pair in a pass: as many as pairs of a step."""
        self._data, self._batcher, self._compute = data, batcher, compute
        self._scheduler, self._trainable = scheduler, trainable
        rows = movement_rows(data.keys)
        self._inputs = [(row, levels) for row in rows for levels in batched(LEVELS, at_once)]

    @torch.no_grad()
    def measure(self, unet: DenoiserNetwork) -> float:
        """Return the root mean square of the change over that of what is predicted, as velocities.

        On both images of a few pairs, with their prompts, at fixed levels of fixed noise.
        """
        after = [self._predict(unet, *each) for each in self._inputs]
        with self._trainable.reference() as base:
            before = [self._predict(base, *each) for each in self._inputs]

        changes, wholes = [], []
        for each, new, old in zip(self._inputs, after, before, strict=True):
            true, scale = velocities(self._scheduler, self._latents(*each), *self._noise(*each))
            changes.append((new - old) * scale.view(-1, 1, 1, 1))
            wholes.append(true)
        return relative_change(changes, wholes)

    def _predict(self, unet: DenoiserNetwork, row: int, levels: Sequence[float]) -> Tensor:
        rows, no_prompt = torch.tensor([row] * len(levels)), torch.tensor([False] * len(levels))
        pairs = self._batcher.build_noisy(rows, *self._noise(row, levels), no_prompt)
        with self._compute.autocasting():
            predicted = pairs.family.predict(
                unet, pairs.noisy_BCHW, pairs.timesteps_B, pairs.conditioning
            )
        return predicted.float().cpu()

    def _latents(self, row: int, levels: Sequence[float]) -> Tensor:
        """Return the latents of both images of a pair, the better one at all levels first."""
        images = (int(self._data.chosen[row]), int(self._data.rejected[row]))
        return torch.stack([self._data.latents[image] for image in images for _ in levels])

    def _noise(self, row: int, levels: Sequence[float]) -> tuple[Tensor, Tensor]:
        """Return the noise of both images of a pair, which share it, and their timesteps."""
        shape = self._data.latents[int(self._data.chosen[row])].shape
        keys = [counter_key("movement", self._data.keys[row], level) for level in levels]
        noises = [torch.randn(shape, generator=torch.Generator().manual_seed(key)) for key in keys]
        steps = usable_timesteps(self._scheduler)
        timesteps = torch.tensor([int(level * steps) for level in levels])
        return torch.stack(noises).repeat(2, 1, 1, 1), timesteps.repeat(2)


def batched(levels: Sequence[float], at_once: int) -> list[Sequence[float]]:
    """Split levels into passes of `at_once`."""
    return [levels[first : first + at_once] for first in range(0, len(levels), at_once)]


def movement_rows(keys: list[str]) -> list[int]:
    """Return the rows of the pairs to measure on: by a hash of their keys, always the same ones."""
    rows = sorted(range(len(keys)), key=lambda row: counter_key("movement", keys[row]))
    return rows[:MOVEMENT_PAIRS]


def relative_change(changes: list[Tensor], wholes: list[Tensor]) -> float:
    """Return the root mean square of all changes over that of what they are changes of."""
    changed = sum(float(change.double().square().sum()) for change in changes)
    whole = sum(float(each.double().square().sum()) for each in wholes)
    return (changed / whole) ** 0.5 if whole else 0.0
