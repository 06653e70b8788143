"""The note beside a file for another program: what to use it with, for people and for programs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
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
CARD_HASH = "palate sha256"
"""Key of a card: the hash of all others, so that edits are noticed."""


@dataclass(frozen=True)
class UsageNote:
    """What a version was made and looked at with."""

    title: str
    base: ModelInfo
    settings: RenderSettings
    trained_on: str = ""
    """Such as "dpo on 120 pairs"."""
    adapter_sha256: str = ""
    """Hash of the adapter that the file is made of."""

    def text(self) -> str:
        """Return the note for people; A1111 and Forge show it on the file's card, too."""
        lines = [f"{self.title}: a LoRA made with Palate. Use it at strength {STRENGTH:.1f}."]
        lines += [f"Trained by {self.trained_on}."] if self.trained_on else []
        return "\n".join([*lines, "", *self._lines(), ""])

    def card(self) -> str:
        """Return the file that A1111 and Forge keep beside a LoRA and let people edit, as JSON."""
        fields: dict[str, Any] = {
            "description": self.text(),
            "sd version": MODEL_VERSION,
            "preferred weight": STRENGTH,
            "negative text": self.settings.negative_prompt,
            "notes": "",
            "palate": self.facts(),
        }
        fields[CARD_HASH] = _hash_of(fields)
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
            "adapter_sha256": self.adapter_sha256,
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


def made_of(card: Mapping[str, Any]) -> str:
    """Return the hash of the adapter that a card was written for; empty for a card of others."""
    facts = card.get("palate")
    return str(facts.get("adapter_sha256", "")) if isinstance(facts, dict) else ""


def is_untouched(card: Mapping[str, Any]) -> bool:
    """Return whether a card is as it was written."""
    others = {key: value for key, value in card.items() if key != CARD_HASH}
    return bool(card.get(CARD_HASH) == _hash_of(others))


def _hash_of(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


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
