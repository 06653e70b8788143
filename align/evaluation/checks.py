"""Checks of a version before people see it, from its images beside those of its base.

Shapes: P prompts, S seeds, N = P·S images, C latent channels, H x W latent pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from align.contracts.run_files import CheckEntry, HoldoutResult, TrainProbeResult

FLAT_DEVIATION = 0.02
"""Standard deviation of gray values in 0..1 under which an image shows nothing."""
MAX_LATENT_RATIO = 2.0
"""Latents this many times larger or smaller than the base's are no images to the autoencoder."""
MAX_BROKEN = 0.1
"""Share of a version's images that may be broken."""
MIN_VARIETY = 0.4
"""Of the base's. On the embedded model adapters of five tastes came to 0.93 and more, three that
render one image whatever the prompt to 0.21 to 0.32."""
MIN_PROMPT_KEPT = 0.6
"""Of the base's. The same good adapters came to 1, adapters of noise to 0.19 to 0.31."""


@dataclass(frozen=True)
class ReleaseCheck:
    """Result of one check; `sentence` says it for a person."""

    name: str
    passed: bool
    value: float
    limit: float
    sentence: str

    def entry(self, version: str) -> CheckEntry:
        """Return it for evaluation.json, as a check of this version."""
        return {
            "version": version,
            "name": self.name,
            "passed": self.passed,
            "value": self.value,
            "limit": self.limit,
            "sentence": self.sentence,
        }


def check_images(
    gray_NHW: Tensor, base_gray_NHW: Tensor, latents_NCHW: Tensor, base_NCHW: Tensor
) -> ReleaseCheck:
    """Check that images are images: finite, not flat, of latents about as large as the base's.

    `gray_NHW` are the version's decoded images in 0..1, `base_gray_NHW` those of the base. What
    the base renders flat as well, no run has spoiled.
    """
    finite_N = latents_NCHW.flatten(1).isfinite().all(dim=1)
    flat_N = is_flat(gray_NHW) & ~is_flat(base_gray_NHW)
    ratio_N = latents_NCHW.flatten(1).nan_to_num().std(dim=1) / base_NCHW.std().clamp(min=1e-9)
    wild_N = (ratio_N > MAX_LATENT_RATIO) | (ratio_N < 1 / MAX_LATENT_RATIO)
    broken = float((~finite_N | wild_N | flat_N).float().mean())

    passed = broken <= MAX_BROKEN
    kinds = {"not finite": ~finite_N, "noise": wild_N & finite_N, "flat": flat_N & finite_N}
    found = ", ".join(f"{int(hit_N.sum())} {kind}" for kind, hit_N in kinds.items() if hit_N.any())
    seen = f"Broken among its sample images, {len(finite_N)} in all"
    sentence = f"{seen}: {found}." if found else "Its images are images."
    return ReleaseCheck("images", passed, broken, MAX_BROKEN, sentence)


def is_flat(gray_NHW: Tensor) -> Tensor:
    """Return True for each image whose gray values hardly differ."""
    return gray_NHW.flatten(1).std(dim=1) < FLAT_DEVIATION


def check_variety(latents_PSCHW: Tensor, base_PSCHW: Tensor) -> ReleaseCheck:
    """Check that images differ by prompt and by seed as much as the base's do."""
    ratios = {
        "seeds of one prompt": ratio(latents_PSCHW, base_PSCHW),
        "prompts with one seed": ratio(latents_PSCHW.transpose(0, 1), base_PSCHW.transpose(0, 1)),
    }
    what, least = min(ratios.items(), key=lambda item: item[1])
    sentence = f"Images of different {what} differ {least:.0%} as much as the base's."
    return ReleaseCheck("variety", least >= MIN_VARIETY, least, MIN_VARIETY, sentence)


def ratio(latents_PSCHW: Tensor, base_PSCHW: Tensor) -> float:
    """Return the spread over the second dimension relative to the base's; 1 for a single image."""
    if latents_PSCHW.shape[1] < 2:
        return 1.0
    return spread(latents_PSCHW.nan_to_num()) / max(spread(base_PSCHW), 1e-9)


def spread(latents_PSCHW: Tensor) -> float:
    """Return the root mean squared distance between two seeds, averaged over prompts and seeds."""
    flat = latents_PSCHW.flatten(start_dim=2)
    distances = torch.cdist(flat, flat) / flat.shape[2] ** 0.5
    first, second = torch.triu_indices(flat.shape[1], flat.shape[1], offset=1)
    return float(distances[:, first, second].mean())


def check_prompt(recognized_N: Tensor, base_recognized_N: Tensor) -> ReleaseCheck:
    """Check that images show their prompt as often as the base's do.

    Arguments are True where an image's own prompt explains it best
    (`align.evaluation.diffusion_classifier`).
    """
    own, base = float(recognized_N.float().mean()), float(base_recognized_N.float().mean())
    kept = own / max(base, 1e-9)
    sentence = f"The prompt is told from {own:.0%} of its images, from {base:.0%} of the base's."
    return ReleaseCheck("prompt", kept >= MIN_PROMPT_KEPT, kept, MIN_PROMPT_KEPT, sentence)


def check_holdout(held_out: HoldoutResult | None) -> ReleaseCheck | None:
    """Check that held-out pairs are not ordered against the people; None without such pairs.

    `held_out` comes from `align.training.pair_accuracy.holdout_result`.
    """
    if not held_out or held_out["accuracy"] is None:
        return None
    accuracy, pairs = held_out["accuracy"], held_out["pairs"]
    sentence = f"It orders {accuracy * pairs:g} of {pairs} pairs it never saw as people did."
    passed = not held_out.get("against", False)
    return ReleaseCheck("held_out", passed, accuracy, 0.5, sentence)


def check_train_probe(settled: TrainProbeResult | None) -> ReleaseCheck | None:
    """Check that choices it learned from are not turned round; None without such pairs.

    `settled` comes from `align.training.pair_accuracy.train_probe_result`. A few flips are
    disagreements between votes: only more than a coin explains are held against a version.
    """
    if not settled or settled["flipped"] is None:
        return None
    share, pairs = settled["flipped"], settled["pairs"]
    sentence = f"It would flip {share:.0%} of {pairs} choices that it learned from."
    return ReleaseCheck("settled", not settled["against"], share, 0.5, sentence)
