"""Train SDXL on preferences by Diffusion-DPO, and render with the result, from Python.

Every name below is imported when it is first used, so that `import align` takes no time and needs
no torch. docs/library.md has an example for each group.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from align.client.models import describe_model
    from align.client.run_folder import RunFolder
    from align.contracts.models import ModelInfo
    from align.data.labeled_pairs import LabeledPair, read_pair_folder
    from align.data.snapshot import PreferencePair, TrainingSnapshot, read_snapshot
    from align.data.snapshot_writer import write_snapshot
    from align.device import Compute, choose_compute
    from align.diffusion.losses import (
        LossParams,
        PairErrors,
        anchor_loss,
        cdpo,
        denoising_error,
        dpo,
        dpop,
        hinge,
        implicit_accuracy,
        ipo,
        kto,
        mapo,
        preference_logits,
        rank_dpo,
        rank_pairs,
        rank_weights,
        robust_dpo,
        smpo,
        soft_dpo,
        winner_sft,
    )
    from align.errors import AlignError
    from align.sampling.image_sampler import ImageSampler
    from align.training.fine_tune import fine_tune

__all__ = [
    "AlignError",
    "Compute",
    "ImageSampler",
    "LabeledPair",
    "LossParams",
    "ModelInfo",
    "PairErrors",
    "PreferencePair",
    "RunFolder",
    "TrainingSnapshot",
    "anchor_loss",
    "cdpo",
    "choose_compute",
    "denoising_error",
    "describe_model",
    "dpo",
    "dpop",
    "fine_tune",
    "hinge",
    "implicit_accuracy",
    "ipo",
    "kto",
    "mapo",
    "preference_logits",
    "rank_dpo",
    "rank_pairs",
    "rank_weights",
    "read_pair_folder",
    "read_snapshot",
    "robust_dpo",
    "smpo",
    "soft_dpo",
    "winner_sft",
    "write_snapshot",
]

LOSSES = "align.diffusion.losses"
HOMES = {
    "AlignError": "align.errors",
    "Compute": "align.device",
    "ImageSampler": "align.sampling.image_sampler",
    "LabeledPair": "align.data.labeled_pairs",
    "ModelInfo": "align.contracts.models",
    "PreferencePair": "align.data.snapshot",
    "RunFolder": "align.client.run_folder",
    "TrainingSnapshot": "align.data.snapshot",
    "choose_compute": "align.device",
    "describe_model": "align.client.models",
    "fine_tune": "align.training.fine_tune",
    "read_pair_folder": "align.data.labeled_pairs",
    "read_snapshot": "align.data.snapshot",
    "write_snapshot": "align.data.snapshot_writer",
}
"""Modules of the public names that are not of `LOSSES`."""

if not TYPE_CHECKING:
    # Hidden from type checkers, to which it would say that any name can be imported.
    def __getattr__(name: str) -> object:
        """Import a public name from its module, when it is first used."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(HOMES.get(name, LOSSES)), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
