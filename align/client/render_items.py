"""What the app and its sampler tell each other, in records (no torch here)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RenderItem:
    """One image to draw."""

    prompt: str
    seed: int


@dataclass(frozen=True)
class RenderSettings:
    """How images are drawn; sizes in pixels."""

    width: int
    height: int
    steps: int
    guidance: float
    negative_prompt: str
    scheduler: str


@dataclass(frozen=True)
class Rendered:
    """An image stored at images/ab/<sha256>.png."""

    sha256: str
    width: int
    height: int


@dataclass(frozen=True)
class SamplerState:
    """What the sampler does now."""

    state: str
    """starting, loading, ready, stopped or failed."""
    detail: str = ""
    device: str = "cpu"
    memory_total: int = 0
    memory_used: int = 0
    passing: bool = False
    """Of a failure: whether its cause may pass, so that it is tried again."""
    retry_s: float | None = None
    """Seconds until that; None where it is not tried by itself."""
