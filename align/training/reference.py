"""Errors of the frozen reference: run once a noise sample, kept for every run and objective."""

from __future__ import annotations

import torch
from torch import Tensor

from align.data.batch import Batcher, NoiseSample, NoisyPairs, pair_errors
from align.data.latent_cache import ErrorCache, content_key
from align.device import Compute
from align.training.trainable import Trainable


class Reference:
    """The frozen base, asked only for what nobody asked it before."""

    def __init__(
        self, cache: ErrorCache, batcher: Batcher, compute: Compute, base: str, trainable: Trainable
    ) -> None:
        self._cache = cache
        self._batcher = batcher
        self._compute = compute
        self._base = content_key(base, str(compute))
        self._learner = trainable
        self.asked = 0
        """Draws that were wanted."""
        self.known = 0
        """Noise samples whose errors were in the cache."""

    @torch.no_grad()
    def errors(self, samples: list[NoiseSample], pairs: NoisyPairs) -> tuple[Tensor, Tensor]:
        """Return the errors (chosen_B, rejected_B) of the base on these noise samples.

        `pairs` holds the tensors that the UNet is given for them.
        """
        keys = [content_key(self._base, key) for key in self._batcher.keys(samples)]
        found_2B = self._cache.get(keys)
        self.asked += len(samples)
        if found_2B is None:
            with self._learner.reference() as base:
                run_2B = torch.stack(pair_errors(base, pairs, self._compute))
            self._cache.put(keys, run_2B.cpu())
            found_2B = self._cache.get(keys)
            assert found_2B is not None
        else:
            self.known += len(samples)
        chosen_B, rejected_B = found_2B.to(self._compute.device)
        return chosen_B, rejected_B

    def flush(self) -> None:
        """Put what is new on the disk: before every checkpoint, so that a resume finds it."""
        self._cache.flush()
