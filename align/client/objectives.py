"""Objectives by name: their function, title, source, and the votes they learn from.

No torch here, so that the app can list and check them. An objective is one function in
align.diffusion.losses that takes `PairErrors` and `LossParams`, and one line below.
"""

from __future__ import annotations

from dataclasses import dataclass

PREFERENCE = ("preference",)
RATED = ("preference", "both_good", "both_bad")


@dataclass(frozen=True)
class Objective:
    """A loss that runs can minimize."""

    function: str
    """Its name in align.diffusion.losses."""
    title: str
    source: str
    needs_reference: bool = True
    """True where errors of the frozen base enter the loss."""
    kinds: tuple[str, ...] = PREFERENCE
    """Kinds of votes that it learns from."""


OBJECTIVES = {
    "dpo": Objective("dpo", "Diffusion-DPO", "Wallace et al. 2023, arXiv 2311.12908, Eq. 14"),
    "dpop": Objective("dpop", "DPO-Positive", "Pal et al. 2024, arXiv 2402.13228"),
    "cdpo": Objective("cdpo", "Conservative DPO", "Mitchell 2023; TRL's label_smoothing"),
    "robust": Objective("robust_dpo", "Robust DPO", "Chowdhury et al. 2024, arXiv 2403.00409"),
    "ipo": Objective("ipo", "IPO", "Azar et al. 2023, arXiv 2310.12036, Eq. 17"),
    "hinge": Objective("hinge", "Hinge (SLiC)", "Zhao et al. 2023, arXiv 2305.10425"),
    "soft": Objective("soft_dpo", "Soft-label DPO", "cross-entropy with the share of votes"),
    "smpo": Objective("smpo", "Smoothed preference (SmPO)", "Lu et al. 2025, arXiv 2506.02698"),
    "mapo": Objective("mapo", "MaPO", "Hong et al. 2024, arXiv 2406.06424", needs_reference=False),
    "kto": Objective("kto", "Diffusion-KTO", "Li et al. 2024, arXiv 2404.04465", kinds=RATED),
    "rank": Objective("rank_pairs", "RankDPO", "Karthik et al. 2024, arXiv 2410.18013, Alg. 2"),
    "sft": Objective("winner_sft", "Winner fine-tuning", "the baseline", needs_reference=False),
}
