"""How varied are the images that a version makes, beside its base's?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from naming import PromptClassifier

from align.evaluation.checks import check_variety


def variety(
    namer: PromptClassifier, after: Sequence[Path], before: Sequence[Path], seeds: int
) -> float:
    """Distance between latents of `after`, over that of `before`: 1 is as varied as the base.

    Both hold `seeds` images of one prompt, then those of the next. It is the value of the check
    that every run ends with (`align.evaluation.checks.check_variety`): root mean squared distance
    between the seeds of a prompt, averaged over prompts, and between prompts at the same place
    among the seeds; each over the base's, and of the two the lesser.
    """
    latents = [namer.latents(images).unflatten(0, (-1, seeds)) for images in (after, before)]
    return check_variety(*latents).value
