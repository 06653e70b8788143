"""Preference objectives: pure functions of per-pair errors, one value a pair.

Shapes: B pairs, L lists, K images of a list. Every error is a mean over the prediction's
elements, in fp32, so that the params κ does not depend on the image's size. "chosen" is the
image that was preferred. ℓ(z) = -log σ(z) = softplus(-z).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

MAPO_SCALE = 1000.0
"""T of MaPO's margin, as released (mapo-t2i/mapo)."""
MAPO_SNR = 0.5
"""s of g(L) = sL / (e^{sL} - 1), as released."""


@dataclass(frozen=True)
class LossParams:
    """The numbers that objectives take."""

    kappa: float
    smoothing: float = 0.1
    """ε of cDPO and robust DPO: the share of votes taken to be wrong."""
    sharpness: float = 10.0
    """γ of SmPO."""
    mapo_weight: float = 0.1
    """β of MaPO."""
    dpop_lambda: float = 1.0
    """λ of DPO-Positive."""


@dataclass(frozen=True)
class PairErrors:
    """Denoising errors of policy and reference, and what people said of the pair."""

    chosen_B: Tensor
    rejected_B: Tensor
    ref_chosen_B: Tensor
    ref_rejected_B: Tensor
    share_B: Tensor
    """Share of the votes that went to the chosen image, smoothed: in 0..1."""
    weight_B: Tensor
    """How much a pair of a ranking counts, Δ_ij of `rank_weights`; 1 for a pair of its own."""
    liked_2B: Tensor
    """+1 for each image somebody wants (chosen, or one of both good), else -1."""
    baseline: Tensor
    """KTO's reference point q, from other pairs than these; a single number."""

    def logits_B(self, kappa: float) -> Tensor:
        """z, see `preference_logits`."""
        return preference_logits(
            self.chosen_B, self.rejected_B, self.ref_chosen_B, self.ref_rejected_B, kappa
        )

    def rewards_2B(self, kappa: float) -> Tensor:
        """κ(R - L) of every image, the chosen ones first: the implicit reward."""
        return kappa * torch.cat(
            [self.ref_chosen_B - self.chosen_B, self.ref_rejected_B - self.rejected_B]
        )


def preference_logits(
    chosen_B: Tensor, rejected_B: Tensor, ref_chosen_B: Tensor, ref_rejected_B: Tensor, kappa: float
) -> Tensor:
    """z = -κ[(Lw - Rw) - (Ll - Rl)]: above zero where the policy orders the pair as people did.

    Arguments are denoising errors of policy (L) and reference (R) on the chosen (w) and the
    rejected (l) image. Wallace et al. 2023 (arXiv 2311.12908), the argument of Eq. 14's log σ,
    with κ = βTω(λ)/2 on means instead of sums.
    """
    return -kappa * ((chosen_B - ref_chosen_B) - (rejected_B - ref_rejected_B))


def dpo(errors: PairErrors, params: LossParams) -> Tensor:
    """ℓ(z). Wallace et al. 2023 (arXiv 2311.12908), Eq. 14."""
    return F.softplus(-errors.logits_B(params.kappa))


def dpop(errors: PairErrors, params: LossParams) -> Tensor:
    """ℓ(z - λκ max(0, Lw - Rw)): DPO that also pays where a chosen image becomes less likely.

    DPO is content when both become less likely, as long as the rejected one falls further. Pal et
    al. 2024 (DPO-Positive, arXiv 2402.13228), with log p_ref - log p read as Lw - Rw.
    """
    lost_B = params.kappa * F.relu(errors.chosen_B - errors.ref_chosen_B)
    return F.softplus(params.dpop_lambda * lost_B - errors.logits_B(params.kappa))


def anchor_loss(errors: PairErrors, params: LossParams) -> Tensor:
    """Mean over both images of κ max(0, L - R): nothing is lost of what the base could draw.

    Rounds of tuning on images of tuned models drift without such anchors (Bertrand et al. 2023,
    arXiv 2310.00429, for real data in the mix); the one-sided form is ours.
    """
    return F.relu(-errors.rewards_2B(params.kappa)).view(2, -1).mean(dim=0)


def cdpo(errors: PairErrors, params: LossParams) -> Tensor:
    """(1-ε)ℓ(z) + εℓ(-z): least at z = log((1-ε)/ε), so it stops pushing. As in TRL."""
    z_B = errors.logits_B(params.kappa)
    return (1 - params.smoothing) * F.softplus(-z_B) + params.smoothing * F.softplus(z_B)


def robust_dpo(errors: PairErrors, params: LossParams) -> Tensor:
    """[(1-ε)ℓ(z) - εℓ(-z)] / (1-2ε): unbiased if a share ε of the votes is flipped.

    Chowdhury et al. 2024 (arXiv 2403.00409). Not bounded below: keep ε small and stop early.
    """
    z_B, flipped = errors.logits_B(params.kappa), params.smoothing
    return ((1 - flipped) * F.softplus(-z_B) - flipped * F.softplus(z_B)) / (1 - 2 * flipped)


def ipo(errors: PairErrors, params: LossParams) -> Tensor:
    """(z - ½)²: a target margin instead of an endless push.

    Azar et al. 2023 (arXiv 2310.12036), Eq. 17, with h = z/κ, τ = κ, and the factor 1/κ² left out.
    """
    return (errors.logits_B(params.kappa) - 0.5).square()


def hinge(errors: PairErrors, params: LossParams) -> Tensor:
    """max(0, 1 - z). Zhao et al. 2023 (SLiC, arXiv 2305.10425), on z."""
    return F.relu(1 - errors.logits_B(params.kappa))


def soft_dpo(errors: PairErrors, params: LossParams) -> Tensor:
    """pℓ(z) + (1-p)ℓ(-z) with p the share of votes: least at z = logit p."""
    z_B, share_B = errors.logits_B(params.kappa), errors.share_B
    return share_B * F.softplus(-z_B) + (1 - share_B) * F.softplus(z_B)


def smpo(errors: PairErrors, params: LossParams) -> Tensor:
    """ℓ(γ(2p-1)z): the surer people are, the stronger the push.

    Lu et al. 2025 (arXiv 2506.02698) with ordinary shared noise in place of their inverted noise,
    and p from votes in place of PickScore. Form taken from the released code; the paper's own
    values are UNVERIFIED.
    """
    push_B = params.sharpness * (2 * errors.share_B - 1)
    return F.softplus(-push_B * errors.logits_B(params.kappa))


def mapo(errors: PairErrors, params: LossParams) -> Tensor:
    """Lw - β log σ(T(g(Lw) - g(Ll))), g(L) = sL/(e^{sL} - 1): no reference at all.

    Hong et al. 2024 (arXiv 2406.06424); constants as in the released code, the paper's equation
    UNVERIFIED.
    """
    margin_B = MAPO_SCALE * (mapo_score(errors.chosen_B) - mapo_score(errors.rejected_B))
    return errors.chosen_B + params.mapo_weight * F.softplus(-margin_B)


def mapo_score(error_B: Tensor) -> Tensor:
    """g(L) = x/(e^x - 1) with x = sL; its series where the quotient would be 0/0."""
    x_B = MAPO_SNR * error_B
    small_B = x_B < 1e-3
    quotient_B = x_B / torch.expm1(torch.where(small_B, torch.ones_like(x_B), x_B).clamp(max=80.0))
    return torch.where(small_B, 1 - x_B / 2 + x_B.square() / 12, quotient_B)


def kto(errors: PairErrors, params: LossParams) -> Tensor:
    """1 - σ(w(r - q)), the mean over both images; w is +1 for a liked one, -1 for another.

    Li et al. 2024 (arXiv 2404.04465), Kahneman-Tversky utility with λ = 1. q comes from the pairs
    of earlier steps: unrelated samples, as the paper asks, and the same for any batch split.
    """
    gain_2B = errors.liked_2B * (errors.rewards_2B(params.kappa) - errors.baseline)
    return torch.sigmoid(-gain_2B).view(2, -1).mean(dim=0)


def winner_sft(errors: PairErrors, params: LossParams) -> Tensor:
    """Lw: denoise what people chose, and forget the rest."""
    return errors.chosen_B


def rank_pairs(errors: PairErrors, params: LossParams) -> Tensor:
    """Δ_ij ℓ(z): one pair of RankDPO's sum, see `rank_dpo`."""
    return errors.weight_B * F.softplus(-errors.logits_B(params.kappa))


def rank_dpo(gap_LK: Tensor, merit_LK: Tensor, kappa: float) -> Tensor:
    """Σ Δ_ij ℓ(-κ(s_i - s_j)) over the pairs of each list, i better than j; s = L - R.

    RankDPO (arXiv 2410.18013), Algorithm 2. Sum, not mean, over a list's pairs.
    """
    worse_LKK = gap_LK.unsqueeze(1) - gap_LK.unsqueeze(2)
    better_LKK = merit_LK.unsqueeze(2) > merit_LK.unsqueeze(1)
    terms_LKK = rank_weights(merit_LK) * F.softplus(-kappa * worse_LKK)
    return (terms_LKK * better_LKK).sum(dim=(1, 2))


def rank_weights(merit_LK: Tensor) -> Tensor:
    """Δ_ij = |G_i - G_j| · |1/D_i - 1/D_j| with G = 2^φ - 1 and D = ln(1 + rank). [L, K, K]

    RankDPO (arXiv 2410.18013), Algorithm 1. The exponential gain and the natural logarithm are
    UNVERIFIED readings of the paper. Equal merits share the mean of their discounts.
    """
    gain_LK = torch.exp2(merit_LK) - 1
    places_K = torch.arange(1, merit_LK.shape[1] + 1, dtype=merit_LK.dtype)
    discount_K = 1 / torch.log1p(places_K.to(merit_LK.device))
    ahead_LK = (merit_LK.unsqueeze(1) > merit_LK.unsqueeze(2)).sum(dim=2)
    equal_LK = (merit_LK.unsqueeze(1) == merit_LK.unsqueeze(2)).sum(dim=2)
    sums = torch.cat([discount_K.new_zeros(1), discount_K.cumsum(0)])
    discount_LK = (sums[ahead_LK + equal_LK] - sums[ahead_LK]) / equal_LK
    gain_gap = (gain_LK.unsqueeze(2) - gain_LK.unsqueeze(1)).abs()
    return gain_gap * (discount_LK.unsqueeze(2) - discount_LK.unsqueeze(1)).abs()


def implicit_accuracy(logits_B: Tensor) -> Tensor:
    """1 where a pair is ordered as people ordered it, 0 where not, ½ where z is exactly zero."""
    return (torch.sign(logits_B) + 1) / 2


def denoising_error(predicted_BCHW: Tensor, target_BCHW: Tensor) -> Tensor:
    """Mean squared error of each image, reduced in fp32.

    κ = 2500 turns a difference of 4e-4 into one unit of z, so no rounding before this mean.
    """
    return (predicted_BCHW.float() - target_BCHW.float()).square().mean(dim=(1, 2, 3))
