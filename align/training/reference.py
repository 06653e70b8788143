"""Errors of the frozen reference: computed once per noise sample, cached for all later runs."""

from __future__ import annotations

import torch
from torch import Tensor

from align.data.batch import Batcher, NoiseSample, NoisyPairs, pair_errors
from align.data.latent_cache import ErrorCache, content_key
from align.device import Compute
from align.training.trainable import Trainable


class Reference:
    """The frozen base, run only where an error is not in the cache."""

    def __init__(
        self,
        cache: ErrorCache,
        batcher: Batcher,
        compute: Compute,
        base: str,
        trainable: Trainable,
        base_format: str = "model",
    ) -> None:
        """`base` is the fingerprint of the base's weights before they were put into `base_format`.

        Cached errors belong to both.
        """
        self._cache = cache
        self._batcher = batcher
        self._compute = compute
        self._fingerprint = base
        self.use_format(base_format)
        self._trainable = trainable
        self.requested = 0
        """Noise samples whose errors were asked for."""
        self.cached = 0
        """Those of them whose errors were in the cache."""

    def use_format(self, base_format: str) -> None:
        """Ask for the errors of the base in this format from now on."""
        # Caches of before there were formats hold the base's own under a key without one.
        formats = [] if base_format == "model" else [base_format]
        self._base = content_key(self._fingerprint, str(self._compute), *formats)

    @property
    def base(self) -> str:
        """Return the key of the base, in the format that it is in."""
        return self._base

    @torch.no_grad()
    def errors(self, samples: list[NoiseSample], pairs: NoisyPairs) -> tuple[Tensor, Tensor]:
        """Return the errors (chosen_B, rejected_B) of the base on these noise samples.

        `pairs` holds the tensors that the UNet is given for them.
        """
        keys = [content_key(self._base, key) for key in self._batcher.keys(samples)]
        errors_2B = self._cache.get(keys)
        self.requested += len(samples)

        if errors_2B is not None:
            self.cached += len(samples)
        else:
            with self._trainable.reference() as base:
                computed_2B = torch.stack(pair_errors(base, pairs, self._compute))
            self._cache.put(keys, computed_2B.cpu())
            # Read back: errors known before stay as they are, whatever this batch came to.
            errors_2B = self._cache.get(keys)
            assert errors_2B is not None

        chosen_B, rejected_B = errors_2B.to(self._compute.device)
        return chosen_B, rejected_B

    def flush(self) -> None:
        """Write new errors to disk: before every checkpoint, so that a resumed run finds them."""
        self._cache.flush()
