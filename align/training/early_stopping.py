"""When a run should end before its last step, and which of its adapters to keep."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from align.errors import TrainingDiverged

WINDOW = 5
DIVERGED_RATIO = 10.0
"""A loss this many times its start, over a whole window, does not come back."""
DISPLACED_REWARD = -0.5
DISPLACEMENT_RATIO = 0.5
"""Of the rejected images' fall. Runs of Diffusion-DPO on the embedded model, of whose images 83 %
and more fitted the taste and nearly all showed their prompt, came to less than 0.36."""


class DivergenceWatch:
    """Watches the loss; safe to start anew at any step."""

    def __init__(self) -> None:
        self._start: float | None = None
        self._recent: deque[float] = deque(maxlen=WINDOW)

    def watch(self, step: int, loss: float) -> None:
        """Take note of a step's loss.

        Raises:
            TrainingDiverged: the loss has stayed far above where it started.
        """
        self._start = abs(loss) if self._start is None else self._start
        self._recent.append(loss)
        if len(self._recent) == WINDOW and min(self._recent) > DIVERGED_RATIO * max(
            self._start, 0.1
        ):
            raise TrainingDiverged(
                f"The loss rose from {self._start:.3g} to {loss:.3g} by step {step} and stayed "
                "there. Start again with a lower learning_rate or kappa."
            )


@dataclass
class BestAdapter:
    """The newest adapter that held-out pairs do not tell from the best one, and when to stop.

    "Not told from" is the one-standard-error rule: a dozen pairs cannot rank close steps, and among
    equals the one that trained longest has learned most.
    """

    peak: float = -1.0
    agreement: float = -1.0
    step: int = 0
    worse: int = 0
    """Judgements in a row that fell clearly below the peak."""
    weights: dict[str, Tensor] | None = None
    accuracy_B: Tensor | None = None
    """How these weights do on each held-out pair."""

    def consider(self, step: int, agreement: float, pairs: int, weights: dict[str, Tensor]) -> None:
        """Take note of how the adapter of a step does on `pairs` held-out pairs."""
        self.peak = max(self.peak, agreement)
        error = math.sqrt(max(self.peak * (1 - self.peak), 1 / (4 * pairs)) / pairs)
        if agreement >= self.peak - error:
            self.step, self.agreement, self.weights, self.worse = step, agreement, weights, 0
        else:
            self.worse += 1

    def state(self) -> dict[str, Any]:
        """Everything a resume needs."""
        return dict(vars(self))


def displacement(chosen_reward: float, rejected_reward: float) -> str | None:
    """An alarm where chosen images became less likely nearly as much as rejected ones.

    Both errors rise in public runs too (SalesforceAIResearch/DiffusionDPO issue 17): accuracy then
    looks fine while the images get worse.
    """
    fell_along = chosen_reward <= DISPLACEMENT_RATIO * rejected_reward
    if max(chosen_reward, rejected_reward) > DISPLACED_REWARD or not fell_along:
        return None
    return (
        "It moved away from the images you chose as well as from the others. Compare closely; "
        "fewer steps, a higher kappa, or the objective dpop with a higher dpop_lambda keep it "
        "nearer."
    )
