"""The note beside a file for another program: what to use it with, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.contracts.models import ModelInfo
from align.contracts.rendering import RenderSettings
from align.contracts.solvers import name_of_class

STRENGTH = 1.0
"""The strength at which every sent file is right."""
MODEL_VERSION = "SDXL"
"""A1111's and Forge's word for the kind of model, by which they offer a LoRA or hide it."""


@dataclass(frozen=True)
class UsageNote:
    """What a version was made and looked at with."""

    title: str
    base: ModelInfo
    settings: RenderSettings
    trained_on: str = ""
    """Such as "dpo on 120 pairs"."""

    def text(self) -> str:
        """Return the note for people; A1111 and Forge show it on the file's card, too."""
        lines = [f"{self.title}: a LoRA made with Palate. Use it at strength {STRENGTH:.1f}."]
        lines += [f"Trained by {self.trained_on}."] if self.trained_on else []
        return "\n".join([*lines, "", *self._lines(), ""])

    def card(self) -> str:
        """Return the file that A1111 and Forge keep beside a LoRA and let people edit, as JSON."""
        fields = {
            "description": self.text(),
            "sd version": MODEL_VERSION,
            "preferred weight": STRENGTH,
            "negative text": self.settings.negative_prompt,
            "notes": "",
            "palate": self.facts(),
        }
        return json.dumps(fields, indent=4, ensure_ascii=False) + "\n"

    def metadata(self) -> dict[str, str]:
        """Return the note as metadata of the safetensors file itself."""
        hint = "; ".join([f"Strength {STRENGTH:.1f}", *self._lines()])
        return {"modelspec.usage_hint": hint, "palate.usage": json.dumps(self.facts())}

    def facts(self) -> dict[str, Any]:
        """Return the note as plain values, for programs."""
        settings = self.settings
        return {
            "strength": STRENGTH,
            "base": self.base.name,
            "base_identity": self.base.identity,
            "loras": [[Path(file).name, weight] for file, weight in settings.loras],
            "scheduler": settings.scheduler,
            "steps": settings.steps,
            "guidance": settings.guidance,
            "width": settings.width,
            "height": settings.height,
            "negative_prompt": settings.negative_prompt,
            "prompt_prefix": settings.prompt_prefix,
            "prompt_suffix": settings.prompt_suffix,
            "clip_skip": settings.clip_skip,
        }

    def _lines(self) -> Iterator[str]:
        settings = self.settings
        yield f"Base: {self.base.name} ({self.base.identity})"
        for file, weight in settings.loras:
            yield f"LoRA under it: {Path(file).name} at {weight:g}"
        yield f"Sampler: {name_of_class(settings.scheduler)}"
        yield f"Steps: {settings.steps}"
        yield f"Guidance (CFG): {settings.guidance:g}"
        yield f"Size: {settings.width} x {settings.height}"
        texts = (
            ("Negative prompt", settings.negative_prompt),
            ("Before each prompt", settings.prompt_prefix),
            ("After each prompt", settings.prompt_suffix),
        )
        yield from (f"{name}: {text}" for name, text in texts if text)
        if settings.clip_skip > 1:
            yield f"Clip skip: {settings.clip_skip}"


def own_settings(model: ModelInfo) -> RenderSettings:
    """Return the settings that a model renders with where nobody chose others."""
    return RenderSettings(
        model.width,
        model.height,
        model.steps,
        model.guidance,
        model.negative_prompt,
        model.scheduler,
    )
