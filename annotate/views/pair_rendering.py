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


class RenderingView(TypedDict):
    """Images that are rendered just now, where each takes seconds."""

    message: str
    """Which image is at which step, and about how long it still takes."""
    previews: list[str]
    """Small images of what they are so far, as data URLs; empty in blind tests."""


class AddedPrompts(TypedDict):
    """Prompts after some were added."""

    added: int
    """How many were new."""
    total: int
    """How many there are, those reserved for blind tests left out."""


class ReadyOfVersion(TypedDict):
    """Pairs that wait for annotators, of one version."""

    version: str
    """The version that they were rendered with."""
    ready: int


class PreparedPairsView(TypedDict):
    """Pairs that are rendered ahead because somebody asked for a number of them."""

    state: str
    """none, rendering, paused, done or stopped."""
    asked: int
    """How many were asked for last; 0 before the first time."""
    rendered: int
    """How many of them are rendered, whether they still wait or were voted on."""
    message: str
    """Where that is, as a sentence."""
    eta_s: float | None
    """Seconds until all are rendered; None where the pace is not known yet."""
    seconds_per_pair: float | None
    """Measured on the newest requests; None until there is one, and while a blind test is mixed in
    without an order under way, when it would give away which pairs are the test's."""
    bytes_per_pair: int
    bytes_measured: bool
    """Whether that was measured on images of this model, not guessed by their pixels."""
    free_bytes: int
    """Free disk where the images go."""
    reserved_bytes: int
    """What of it is left for votes, runs and everything else."""
    max_pairs: int
    """How many more the disk holds."""
    ready: list[ReadyOfVersion] | None
    """Pairs that wait now; None while a blind test is mixed in, whose pairs it would give away."""


class PrepareEstimate(TypedDict):
    """Costs of preparing a number of pairs."""

    pairs: int
    seconds: float | None
    bytes: int
    message: str
    """Both in a sentence."""
    refusal: str | None
    """Why they cannot be prepared now."""
