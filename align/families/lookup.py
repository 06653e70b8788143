"""Find the family of a described model or of a loaded pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch

from align.contracts.models import ModelInfo
from align.errors import WrongModel
from align.families.family import ModelFamily, Pipeline
from align.families.sdxl import SDXL

FAMILIES: Mapping[str, ModelFamily] = MappingProxyType({SDXL.name: SDXL})
"""Every family by its name."""
DEFAULT_FAMILY = SDXL
"""The family of an adapter's file that names no model."""


def family_of(source: ModelInfo | Pipeline | torch.nn.Module) -> ModelFamily:
    """Return the family of a described model, of a loaded pipeline or of its denoiser.

    Raises:
        WrongModel: no family holds pipelines of this kind.
    """
    if isinstance(source, ModelInfo):
        return FAMILIES[source.family]
    for family in FAMILIES.values():
        if isinstance(source, (family.pipeline_class, family.denoiser_class)):
            return family
    known = ", ".join(family.pipeline_class.__name__ for family in FAMILIES.values())
    raise WrongModel(f"Palate tunes {known}, and this is a {type(source).__name__}.")
