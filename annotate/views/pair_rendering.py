"""Rendering of pairs: the image model, the pairs that wait, and their prompts."""

from typing import TypedDict


class SamplerView(TypedDict):
    """State of the image model."""

    state: str
    """starting, loading, ready, stopped or failed."""
    detail: str
    """The state as a sentence."""
    device: str
    """Type of the device: cpu, cuda, mps, ..."""
    device_summary: str
    """Card, memory, number format and attention in a line; empty until the model is ready."""
    advice: str | None
    """What a person can do while the model has failed."""


class PoolView(TypedDict):
    """Pairs that wait for annotators."""

    ready: int
    target: int
    """How many are rendered ahead."""
    problem: str | None
    """Why the newest request failed."""


class AddedPrompts(TypedDict):
    """Prompts after some were added."""

    added: int
    """How many were new."""
    total: int
    """How many there are, those reserved for blind tests left out."""
