"""Preference objectives: pure functions of per-pair denoising errors, one loss per pair.

Notation: Lw and Ll are the policy's errors on the chosen (winning) and the rejected (losing) image,
Rw and Rl those of the frozen reference, at the same noise and timestep. Every error is a mean over
the prediction's elements, in fp32, so κ does not depend on the image's size.
z = -κ[(Lw - Rw) - (Ll - Rl)] is the preference logit, and ℓ(z) = -log σ(z) = softplus(-z).

Shapes: B pairs, L lists, K images of a list; 2B is the chosen images, then the rejected ones.
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
    """Hyperparameters of the objectives, as a run's settings name them."""

    kappa: float
    """κ = β/2 of Diffusion-DPO, for errors that are means."""
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
    """Denoising errors of policy and reference on B pairs, and the votes on them."""

    chosen_B: Tensor
    """Lw."""
    rejected_B: Tensor
    """Ll."""
    ref_chosen_B: Tensor
    """Rw."""
    ref_rejected_B: Tensor
    """Rl."""
    share_B: Tensor
    """Share of the votes that went to the chosen image, smoothed: in 0..1."""
    weight_B: Tensor
    """Weight of a pair out of a ranking, Δ_ij of `rank_weights`; 1 for a pair of its own."""
    liked_2B: Tensor
    """+1 for each image somebody wants (chosen, or one of both good), else -1."""
    baseline: Tensor
    """KTO's reference point q, from other pairs than these: one number."""

    @classmethod
    def of_preferences(
        cls,
        chosen_B: Tensor,
        rejected_B: Tensor,
        ref_chosen_B: Tensor | None = None,
        ref_rejected_B: Tensor | None = None,
        share_B: Tensor | None = None,
    ) -> PairErrors:
        """Return the errors of B plain preferences: of no ranking, each image liked or not.

        Args:
            chosen_B: denoising errors of the policy on the chosen images, as `denoising_error`
                returns them; gradients flow through them.
            rejected_B: those on the rejected images, at the same noise and timesteps.
            ref_chosen_B: those of the frozen reference, without gradients; left out, they are zero,
                for objectives without a reference (`mapo`, `winner_sft`).
            ref_rejected_B: as `ref_chosen_B`.
            share_B: share of the votes for the chosen image, in 0..1, for `soft_dpo` and `smpo`;
                left out, that of one vote with half a vote of doubt, (1 + ½) / (1 + 1).
        """
        ones_B = torch.ones_like(chosen_B)
        return cls(
            chosen_B,
            rejected_B,
            torch.zeros_like(chosen_B) if ref_chosen_B is None else ref_chosen_B,
            torch.zeros_like(rejected_B) if ref_rejected_B is None else ref_rejected_B,
            share_B=0.75 * ones_B if share_B is None else share_B,
            weight_B=ones_B,
            liked_2B=torch.cat([ones_B, -ones_B]),
            baseline=chosen_B.new_zeros(()),
        )

    def logits_B(self, kappa: float) -> Tensor:
        """Return z, see `preference_logits`."""
        return preference_logits(
            self.chosen_B, self.rejected_B, self.ref_chosen_B, self.ref_rejected_B, kappa
        )

    def rewards_2B(self, kappa: float) -> Tensor:
        """Return the implicit reward κ(R - L) of every image, the chosen ones first."""
        return kappa * torch.cat(
            [self.ref_chosen_B - self.chosen_B, self.ref_rejected_B - self.rejected_B]
        )


def preference_logits(
    chosen_B: Tensor, rejected_B: Tensor, ref_chosen_B: Tensor, ref_rejected_B: Tensor, kappa: float
) -> Tensor:
    """Return z = -κ[(Lw - Rw) - (Ll - Rl)]: above zero where the policy prefers the chosen image.

    Wallace et al. 2023 (arXiv 2311.12908), the argument of Eq. 14's log σ, with κ = βTω(λ)/2 on
    means instead of sums.
    """
    return -kappa * ((chosen_B - ref_chosen_B) - (rejected_B - ref_rejected_B))


def dpo(errors: PairErrors, params: LossParams) -> Tensor:
    """Return loss_B of Diffusion-DPO: ℓ(z). Wallace et al. 2023 (arXiv 2311.12908), Eq. 14."""
    return F.softplus(-errors.logits_B(params.kappa))


def dpop(errors: PairErrors, params: LossParams) -> Tensor:
    """Return loss_B of DPO-Positive: ℓ(z - λκ max(0, Lw - Rw)), against losing chosen images.

    DPO is content when both become less likely, as long as the rejected one falls further. Pal et
    al. 2024 (DPO-Positive, arXiv 2402.13228), with log p_ref - log p read as Lw - Rw.
    """
    lost_B = params.kappa * F.relu(errors.chosen_B - errors.ref_chosen_B)
    return F.softplus(params.dpop_lambda * lost_B - errors.logits_B(params.kappa))


def anchor_loss(errors: PairErrors, params: LossParams) -> Tensor:
    """Return loss_B of an anchor: the mean over both images of κ max(0, L - R).

    It is a term against losing what the base can.

    Rounds of tuning on images of tuned models drift without such anchors (Bertrand et al. 2023,
    arXiv 2310.00429, for real data in the mix); the one-sided form is ours.
    """
    return F.relu(-errors.rewards_2B(params.kappa)).view(2, -1).mean(dim=0)


def cdpo(errors: PairErrors, params: LossParams) -> Tensor:
    """Return loss_B of conservative DPO: (1-ε)ℓ(z) + εℓ(-z), least at z = log((1-ε)/ε).

    Mitchell 2023 (A note on DPO with noisy preferences), as TRL's label_smoothing.
    """
    z_B = errors.logits_B(params.kappa)
    return (1 - params.smoothing) * F.softplus(-z_B) + params.smoothing * F.softplus(z_B)


def robust_dpo(errors: PairErrors, params: LossParams) -> Tensor:
    """Return loss_B of robust DPO: [(1-ε)ℓ(z) - εℓ(-z)] / (1-2ε), unbiased for a share ε of flips.

    Chowdhury et al. 2024 (arXiv 2403.00409). Not bounded below: keep ε small and stop early.
    """
    z_B, epsilon = errors.logits_B(params.kappa), params.smoothing
    return ((1 - epsilon) * F.softplus(-z_B) - epsilon * F.softplus(z_B)) / (1 - 2 * epsilon)


def ipo(errors: PairErrors, params: LossParams) -> Tensor:
    """Return loss_B of IPO: (z - ½)², a target margin where DPO pushes without end.

    Azar et al. 2023 (arXiv 2310.12036), Eq. 17, with h = z/κ, τ = κ, and the factor 1/κ² left out.
    """
    return (errors.logits_B(params.kappa) - 0.5).square()


def hinge(errors: PairErrors, params: LossParams) -> Tensor:
    """Return loss_B of the hinge: max(0, 1 - z). Zhao et al. 2023 (SLiC, arXiv 2305.10425)."""
    return F.relu(1 - errors.logits_B(params.kappa))


def soft_dpo(errors: PairErrors, params: LossParams) -> Tensor:
    """Return loss_B of soft-label DPO: pℓ(z) + (1-p)ℓ(-z), p the share of votes; least at logit p.

    The cross-entropy with the share of votes; with p = 1-ε it is `cdpo`.
    """
    z_B, share_B = errors.logits_B(params.kappa), errors.share_B
    return share_B * F.softplus(-z_B) + (1 - share_B) * F.softplus(z_B)


def smpo(errors: PairErrors, params: LossParams) -> Tensor:
    """Return loss_B of SmPO: ℓ(γ(2p-1)z), a stronger push where people agree more.

    Lu et al. 2025 (arXiv 2506.02698) with ordinary shared noise in place of their inverted noise,
    and p from votes in place of PickScore. Form taken from the released code; the paper's own
    values are UNVERIFIED.
    """
    push_B = params.sharpness * (2 * errors.share_B - 1)
    return F.softplus(-push_B * errors.logits_B(params.kappa))


def mapo(errors: PairErrors, params: LossParams) -> Tensor:
    """Return loss_B of MaPO: Lw - β log σ(T(g(Lw) - g(Ll))), g(L) = sL/(e^{sL} - 1), no reference.

    Hong et al. 2024 (arXiv 2406.06424); constants as in the released code, the paper's equation
    UNVERIFIED.
    """
    margin_B = MAPO_SCALE * (mapo_score(errors.chosen_B) - mapo_score(errors.rejected_B))
    return errors.chosen_B + params.mapo_weight * F.softplus(-margin_B)


def mapo_score(error_B: Tensor) -> Tensor:
    """Return MaPO's g(L) = x/(e^x - 1) with x = sL; its series where the quotient would be 0/0."""
    x_B = MAPO_SNR * error_B
    # e^x - 1 overflows and x/(e^x - 1) is 0/0 at the ends: neither may reach the gradient.
    small_B = x_B < 1e-3
    quotient_B = x_B / torch.expm1(torch.where(small_B, torch.ones_like(x_B), x_B).clamp(max=80.0))
    return torch.where(small_B, 1 - x_B / 2 + x_B.square() / 12, quotient_B)


def kto(errors: PairErrors, params: LossParams) -> Tensor:
    """Return loss_B of Diffusion-KTO: the mean over both images of 1 - σ(w(r - q)), w = ±1.

    w is 1 for images that are liked, else -1; r is the implicit reward, q the `baseline`.

    Li et al. 2024 (arXiv 2404.04465), Kahneman-Tversky utility with λ = 1. q comes from the pairs
    of earlier steps: unrelated samples, as the paper asks, and the same for any batch split.
    """
    gain_2B = errors.liked_2B * (errors.rewards_2B(params.kappa) - errors.baseline)
    return torch.sigmoid(-gain_2B).view(2, -1).mean(dim=0)


def winner_sft(errors: PairErrors, params: LossParams) -> Tensor:
    """Return loss_B of supervised fine-tuning on the chosen images alone: Lw. The baseline."""
    return errors.chosen_B


def rank_pairs(errors: PairErrors, params: LossParams) -> Tensor:
    """Return loss_B of RankDPO's pairs: Δ_ij ℓ(z), the terms of the sum in `rank_dpo`."""
    return errors.weight_B * F.softplus(-errors.logits_B(params.kappa))


def rank_dpo(gap_LK: Tensor, score_LK: Tensor, kappa: float) -> Tensor:
    """Return loss_L of RankDPO: Σ Δ_ij ℓ(-κ(s_i - s_j)) over a list's pairs, i better than j.

    Karthik et al. 2024 (arXiv 2410.18013), Algorithm 2. Sum, not mean, over a list's pairs.

    Args:
        gap_LK: s = L - R, how much larger the policy's error is than the reference's.
        score_LK: the images' scores, higher for better ones; equal ones make no pair.
        kappa: κ.
    """
    worse_LKK = gap_LK.unsqueeze(1) - gap_LK.unsqueeze(2)
    better_LKK = score_LK.unsqueeze(2) > score_LK.unsqueeze(1)
    terms_LKK = rank_weights(score_LK) * F.softplus(-kappa * worse_LKK)
    return (terms_LKK * better_LKK).sum(dim=(1, 2))


def rank_weights(score_LK: Tensor) -> Tensor:
    """Return RankDPO's weights Δ_ij = |G_i - G_j| · |1/D_i - 1/D_j| as [L, K, K].

    G = 2^φ - 1 is the gain of a score φ, D = ln(1 + rank) its discount.

    Karthik et al. 2024 (arXiv 2410.18013), Algorithm 1. The exponential gain and the natural
    logarithm are UNVERIFIED readings of the paper. Equal scores share the mean of their discounts.
    """
    gain_LK = torch.exp2(score_LK) - 1
    ranks_K = torch.arange(1, score_LK.shape[1] + 1, dtype=score_LK.dtype)
    discount_K = 1 / torch.log1p(ranks_K.to(score_LK.device))

    # Images of equal score take the places from `ahead` on, and each the mean of their discounts.
    ahead_LK = (score_LK.unsqueeze(1) > score_LK.unsqueeze(2)).sum(dim=2)
    equal_LK = (score_LK.unsqueeze(1) == score_LK.unsqueeze(2)).sum(dim=2)
    sums = torch.cat([discount_K.new_zeros(1), discount_K.cumsum(0)])
    discount_LK = (sums[ahead_LK + equal_LK] - sums[ahead_LK]) / equal_LK

    gain_gap = (gain_LK.unsqueeze(2) - gain_LK.unsqueeze(1)).abs()
    return gain_gap * (discount_LK.unsqueeze(2) - discount_LK.unsqueeze(1)).abs()


def implicit_accuracy(logits_B: Tensor) -> Tensor:
    """Return 1 where the policy prefers the chosen image, 0 where not, ½ where z is zero."""
    return (torch.sign(logits_B) + 1) / 2


def denoising_error(predicted_BCHW: Tensor, target_BCHW: Tensor) -> Tensor:
    """Return the mean squared error of each image, reduced in fp32: errors_B.

    κ = 2500 turns a difference of 4e-4 into one unit of z, so nothing is rounded before this mean.
    """
    return (predicted_BCHW.float() - target_BCHW.float()).square().mean(dim=(1, 2, 3))
