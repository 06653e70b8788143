"""Rendering: what the app and the sampler process tell each other."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RenderItem:
    """One image to render."""

    prompt: str
    seed: int


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """Settings that all images of a request are rendered with; sizes in pixels."""

    width: int
    height: int
    steps: int
    guidance: float
    negative_prompt: str
    scheduler: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """An image stored at images/ab/<sha256>.png."""

    sha256: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class SamplerState:
    """State of the sampler process."""

    state: str
    """starting, loading, ready, stopped or failed."""
    detail: str = ""
    """The state as a sentence."""
    device: str = "cpu"
    """Type of the device: cpu, cuda, mps, ..."""
    memory_total: int = 0
    """Bytes of the device's memory; 0 where nobody knows."""
    memory_used: int = 0
    passing: bool = False
    """True of a failure whose cause may pass, so that it is tried again."""
    retry_s: float | None = None
    """Seconds until the next try; None where there is none without `retry`."""
