"""Dynamic loss scaling for fp16: gradients too small for it are multiplied into its range.

Micikevicius et al. 2018 (arXiv 1710.03740), section 3.2. A step whose gradients overflow is taken
again with half the factor, from the same noise, so no step is left out and a resumed run does the
same as one that was never stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TypeVar

import torch
from torch import Tensor
from torch.optim import Optimizer

Logged = TypeVar("Logged")

INITIAL_SCALE = 2.0**16
MAX_SCALE = 2.0**24
GROWTH_INTERVAL = 500
"""Steps without an overflow after which the factor is doubled, as in torch's GradScaler."""


@dataclass
class LossScale:
    """Factor on the loss; 1 in formats that need none."""

    factor: float = 1.0
    steps: int = 0
    """Since the factor was changed."""

    @classmethod
    def of(cls, autocast: torch.dtype | None) -> LossScale:
        """Return the scale that a run with forward passes in this format begins with."""
        return cls(INITIAL_SCALE if autocast == torch.float16 else 1.0)

    def lower(self) -> bool:
        """Halve the factor; return False where there is none left to halve."""
        if self.factor <= 1.0:
            return False
        self.factor, self.steps = self.factor / 2, 0
        return True

    def keep(self) -> None:
        """Count a step that went well, and double the factor after many of them."""
        self.steps += 1
        if 1.0 < self.factor < MAX_SCALE and self.steps >= GROWTH_INTERVAL:
            self.factor, self.steps = self.factor * 2, 0

    def state(self) -> dict[str, float]:
        """Return what a checkpoint stores."""
        return asdict(self)


def finite_gradients(
    scale: LossScale,
    optimizer: Optimizer,
    backward: Callable[[], Logged],
    clip: Callable[[], Tensor],
) -> tuple[Logged, float]:
    """Compute gradients of a scaled loss and unscale them, again with half the factor on overflow.

    `backward` multiplies the loss by the factor; `clip` clips gradients and returns their norm
    before. Returns what `backward` logged, and the norm, which is finite unless no factor helped.
    """
    while True:
        logged = backward()
        # Before clipping, whose limit is meant for the gradients as they are.
        if scale.factor != 1:
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        parameter.grad /= scale.factor

        norm = float(clip())
        if math.isfinite(norm) or not scale.lower():
            scale.keep()
            return logged, norm
        optimizer.zero_grad(set_to_none=True)
