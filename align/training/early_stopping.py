"""Early stopping: divergence, the best adapter by held-out pairs, and reward displacement."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from torch import Tensor

from align.errors import TrainingDiverged

WINDOW = 5
"""Steps: the loss of one step alone is noisy."""
DIVERGED_RATIO = 10.0
"""A loss this many times its start, over a whole window, does not come back."""
DISPLACED_REWARD = -0.5
"""Rewards above it are noise around zero, not a fall."""
DISPLACEMENT_RATIO = 0.5
"""An alarm from this fall of the chosen images' reward on, as a share of the rejected ones' fall.
Runs of Diffusion-DPO on the embedded model, of whose images 83 % and more fitted the taste and
nearly all showed their prompt, came to less than 0.36."""


class DivergenceWatch:
    """Watches the loss for divergence; a resumed run may start a new one at any step."""

    def __init__(self) -> None:
        self._start: float | None = None
        self._recent: deque[float] = deque(maxlen=WINDOW)

    def watch(self, step: int, loss: float) -> None:
        """Record the loss of a step.

        Raises:
            TrainingDiverged: the loss has stayed far above where it started.
        """
        self._start = abs(loss) if self._start is None else self._start
        self._recent.append(loss)

        # At least 0.1: some objectives start near zero, and ten times that is no divergence.
        limit = DIVERGED_RATIO * max(self._start, 0.1)
        if len(self._recent) == WINDOW and min(self._recent) > limit:
            raise TrainingDiverged(
                f"The loss rose from {self._start:.3g} to {loss:.3g} by step {step} and stayed "
                "there. Start again with a lower learning_rate or kappa."
            )


@dataclass
class BestAdapter:
    """The newest adapter within one standard error of the best one on held-out pairs.

    The one-standard-error rule: a dozen pairs cannot rank close steps, and among equals the one
    that trained longest has learned most.
    """

    peak: float = -1.0
    """The best agreement of any step."""
    agreement: float = -1.0
    """That of the kept adapter."""
    step: int = 0
    """The step whose adapter is kept."""
    worse: int = 0
    """Evaluations in a row that fell clearly below the peak."""
    weights: dict[str, Tensor] | None = None
    accuracy_B: Tensor | None = None
    """1, 0 or ½ for each held-out pair, with these weights."""

    def consider(self, step: int, agreement: float, pairs: int, weights: dict[str, Tensor]) -> None:
        """Record the agreement of a step's adapter on `pairs` held-out pairs."""
        self.peak = max(self.peak, agreement)
        # The floor under the variance stands for luck: a perfect score has no variance of its own.
        error = math.sqrt(max(self.peak * (1 - self.peak), 1 / (4 * pairs)) / pairs)
        if agreement >= self.peak - error:
            self.step, self.agreement, self.weights, self.worse = step, agreement, weights, 0
        else:
            self.worse += 1


def displacement(chosen_reward: float, rejected_reward: float) -> str | None:
    """Return an alarm where chosen images became less likely nearly as much as rejected ones.

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
