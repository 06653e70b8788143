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
    plain: str
    """What it does, for a person who has read no paper."""
    about: str
    """When to choose it, in a sentence."""
    needs_reference: bool = True
    """True where errors of the frozen base enter the loss."""
    kinds: tuple[str, ...] = PREFERENCE
    """Kinds of votes that it learns from."""


OBJECTIVES = {
    "dpo": Objective(
        "dpo",
        "Diffusion-DPO",
        "Wallace et al. 2023, arXiv 2311.12908, Eq. 14",
        "Prefer what you chose",
        "Moves toward the images you chose and away from the others. The usual choice.",
    ),
    "dpop": Objective(
        "dpop",
        "DPO-Positive",
        "Pal et al. 2024, arXiv 2402.13228",
        "Prefer, and hold on to what you chose",
        "As the usual choice, and holds on to what you chose: against blur after long runs.",
    ),
    "cdpo": Objective(
        "cdpo",
        "Conservative DPO",
        "Mitchell 2023; TRL's label_smoothing",
        "Prefer, and expect some wrong votes",
        "Takes a share of the votes to be wrong, as when many people vote in haste.",
    ),
    "robust": Objective(
        "robust_dpo",
        "Robust DPO",
        "Chowdhury et al. 2024, arXiv 2403.00409",
        "Prefer, corrected for wrong votes",
        "Corrects for a known share of wrong votes, without bias; less steady with few votes.",
    ),
    "ipo": Objective(
        "ipo",
        "IPO",
        "Azar et al. 2023, arXiv 2310.12036, Eq. 17",
        "Prefer, up to a fixed distance",
        "Stops pushing a pair once it is far enough apart: for few votes seen many times.",
    ),
    "hinge": Objective(
        "hinge",
        "Hinge (SLiC)",
        "Zhao et al. 2023, arXiv 2305.10425",
        "Prefer until clearly apart",
        "Ignores pairs that are clearly apart already.",
    ),
    "soft": Objective(
        "soft_dpo",
        "Soft-label DPO",
        "cross-entropy with the share of votes",
        "Prefer by the share of votes",
        "Pushes as hard as people agree: for pairs with several votes.",
    ),
    "smpo": Objective(
        "smpo",
        "Smoothed preference (SmPO)",
        "Lu et al. 2025, arXiv 2506.02698",
        "Prefer, smoothed",
        "Softens unsure votes and pushes harder for sure ones.",
    ),
    "mapo": Objective(
        "mapo",
        "MaPO",
        "Hong et al. 2024, arXiv 2406.06424",
        "Prefer without the base",
        "Does without the base model beside it: less memory, strays further.",
        needs_reference=False,
    ),
    "kto": Objective(
        "kto",
        "Diffusion-KTO",
        "Li et al. 2024, arXiv 2404.04465",
        "Learn from good and bad images",
        "Also learns from both good and both bad. Changes less with few votes.",
        kinds=RATED,
    ),
    "rank": Objective(
        "rank_pairs",
        "RankDPO",
        "Karthik et al. 2024, arXiv 2410.18013, Alg. 2",
        "Learn from rankings of four",
        "Uses the order of four images ranked at once: for votes given on four at once.",
    ),
    "sft": Objective(
        "winner_sft",
        "Winner fine-tuning",
        "the baseline",
        "Imitate what you chose",
        "Trains on the chosen images alone: simple, and learns nothing of what you turned down.",
        needs_reference=False,
    ),
}
