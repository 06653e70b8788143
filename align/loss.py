"""Preference objectives: pure functions of per-pair errors, one value a pair.

Shapes: B pairs. Every error is a mean over the prediction's elements, in fp32, so that the
strength κ does not depend on the picture's size. "chosen" is the picture that was preferred.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def preference_logits(
    chosen_B: Tensor, rejected_B: Tensor, ref_chosen_B: Tensor, ref_rejected_B: Tensor, kappa: float
) -> Tensor:
    """z = -κ[(Lw - Rw) - (Ll - Rl)]: above zero where the policy orders the pair as people did.

    Arguments are denoising errors of policy (L) and reference (R) on the chosen (w) and the
    rejected (l) picture. Wallace et al. 2023 (arXiv 2311.12908), the argument of Eq. 14's log σ,
    with κ = βTω(λ)/2 on means instead of sums.
    """
    return -kappa * ((chosen_B - ref_chosen_B) - (rejected_B - ref_rejected_B))


def diffusion_dpo_loss(logits_B: Tensor) -> Tensor:
    """-log σ(z), a value per pair. Wallace et al. 2023 (arXiv 2311.12908), Eq. 14."""
    return F.softplus(-logits_B)


def implicit_accuracy(logits_B: Tensor) -> Tensor:
    """1 where a pair is ordered as people ordered it, 0 where not, ½ where z is exactly zero."""
    return (torch.sign(logits_B) + 1) / 2


def denoising_error(predicted_BCHW: Tensor, target_BCHW: Tensor) -> Tensor:
    """Mean squared error of each picture, reduced in fp32.

    κ = 2500 turns a difference of 4e-4 into one unit of z, so no rounding before this mean.
    """
    return (predicted_BCHW.float() - target_BCHW.float()).square().mean(dim=(1, 2, 3))
