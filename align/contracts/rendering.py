"""Rendering: what the app and the sampler process send each other, as JSON lines.

The app writes one `SamplerGreeting`, then requests. The sampler writes states and heartbeats of its
own accord, and replies that carry the number of their request.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NotRequired, TypeAlias, TypedDict, final

from align.contracts.devices import DeviceFacts, read_facts
from align.contracts.models import ModelInfo, read_model
from align.contracts.step_progress import StepProgress

SEPARATORS = (",", ".", ";", ":", "BREAK")
"""Ends of a prompt's prefix, or starts of its suffix, beside which no comma is put."""


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
    prompt_prefix: str = ""
    """Text before every prompt, added when it is encoded."""
    prompt_suffix: str = ""
    clip_skip: int = 1
    """The layer of the text encoders, counted as A1111 counts: 1 is as the model was trained."""
    loras: tuple[tuple[str, float], ...] = ()
    """LoRA files under the base, each with its weight; versions are added on top of them. The
    folder that a file lies in tells what it holds."""
    prediction: str = ""
    """What the network is taken to predict, in place of what it was loaded as; empty for that."""
    zero_terminal_snr: bool = False
    """True where `prediction` goes with a noise schedule that ends in noise alone."""

    def whole_prompt(self, prompt: str) -> str:
        """Return a prompt with the prefix and the suffix around it."""
        return whole_prompt(prompt, self.prompt_prefix, self.prompt_suffix)


@final
class BaseLoraFacts(TypedDict):
    """A LoRA under the base."""

    file: str
    """Name of its file."""
    weight: float


class LookFacts(TypedDict):
    """The look of images: what they are rendered with, besides model and version."""

    steps: int
    guidance: float
    """1 is no guidance."""
    sizes: list[str]
    """Width x height in pixels; a pair has one of them."""
    negative_prompt: str
    prompt_prefix: str
    """Text before every prompt."""
    prompt_suffix: str
    scheduler: str
    """Name of the sampler, as A1111 spells it; the model's own is a class of diffusers."""
    clip_skip: int
    """As A1111 counts: 1 is as the model was trained."""
    loras: list[BaseLoraFacts]
    """LoRAs under the base; versions are trained and rendered on top of them."""


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
    facts: DeviceFacts | None = None
    """The device and its number formats, once the model is ready."""


@final
class SamplerGreeting(TypedDict):
    """The first line to a sampler: what to load."""

    model: ModelInfo
    images_dir: str
    cpu_lock: str | None
    """File of the lock that processes on a CPU share."""
    threads: int
    heartbeat_interval_s: float


@final
class RenderRequest(TypedDict):
    """Images to render, all with the same settings."""

    id: int
    """Number of the request, which its replies carry."""
    items: list[RenderItem]
    adapters: list[tuple[str, float]]
    """Files with weights, added up; none is the base alone."""
    settings: RenderSettings
    prefer_throughput: bool
    """The last image comes as early as possible, not the first one."""
    preemptible: bool
    """End early as soon as another request arrives that is not preemptible."""
    progress: NotRequired[bool]
    """Tell of the steps meanwhile, where an image takes seconds."""
    previews: NotRequired[bool]
    """Send small previews along with the progress."""


@final
class ScoreRequest(TypedDict):
    """Images to score by the implicit reward of an adapter."""

    id: int
    prompts: list[str]
    images: list[str]
    """A file for each prompt."""
    adapters: list[tuple[str, float]]
    settings: RenderSettings


SamplerRequest: TypeAlias = RenderRequest | ScoreRequest


@final
class RenderedReply(TypedDict):
    """One image of a `RenderRequest`."""

    id: int
    index: int
    """Of its item."""
    image: Rendered


@final
class ScoredReply(TypedDict):
    """The score of one image of a `ScoreRequest`."""

    id: int
    index: int
    score: float


@final
class PreemptedReply(TypedDict):
    """The end of a request that gives way to another one."""

    id: int
    preempted: bool


@final
class ErrorReply(TypedDict):
    """The end of a request that failed."""

    id: int
    error: str
    """The reason as a sentence."""


@final
class SamplerWork(TypedDict):
    """Work of the sampler, and how much of it is done."""

    phase: str
    """loading, rendering or idle."""
    work: int
    """Number of steps made plus bytes downloaded; only a change of it matters."""


@final
class HeartbeatMessage(TypedDict):
    """A sign of life of the sampler, every few seconds."""

    heartbeat: SamplerWork
    downloaded: int
    """Bytes of the model so far, while it comes from a hub."""


ItemReply: TypeAlias = RenderedReply | ScoredReply
SamplerReply: TypeAlias = ItemReply | StepProgress | PreemptedReply | ErrorReply
SamplerMessage: TypeAlias = SamplerState | HeartbeatMessage | SamplerReply


def to_line(message: SamplerGreeting | SamplerRequest | SamplerMessage) -> str:
    """Write a message as a line of JSON."""
    return json.dumps(message, default=asdict) + "\n"


def read_greeting(line: str) -> SamplerGreeting:
    """Read the first line to a sampler."""
    message: Any = json.loads(line)
    message["model"] = read_model(message["model"])
    greeting: SamplerGreeting = message
    return greeting


def read_request(line: str) -> SamplerRequest:
    """Read a request to a sampler."""
    message: Any = json.loads(line)
    if "settings" in message:
        message["settings"] = read_settings(message["settings"])
    if "items" in message:
        message["items"] = [RenderItem(**item) for item in message["items"]]
    request: SamplerRequest = message
    return request


def look_facts(settings: RenderSettings) -> LookFacts:
    """Return settings for people, as a version and a note beside a file tell them."""
    return {
        "steps": settings.steps,
        "guidance": settings.guidance,
        "sizes": [f"{settings.width} x {settings.height}"],
        "negative_prompt": settings.negative_prompt,
        "prompt_prefix": settings.prompt_prefix,
        "prompt_suffix": settings.prompt_suffix,
        "scheduler": settings.scheduler,
        "clip_skip": settings.clip_skip,
        "loras": [{"file": Path(lora).name, "weight": weight} for lora, weight in settings.loras],
    }


def whole_prompt(prompt: str, prefix: str, suffix: str) -> str:
    """Return a prompt with a prefix and a suffix around it, separated by commas."""
    if not prefix and not suffix:
        return prompt
    parts = [part.strip() for part in (prefix, prompt, suffix) if part.strip()]
    whole = parts[0] if parts else ""
    for part in parts[1:]:
        separated = whole.endswith(SEPARATORS) or part.startswith(SEPARATORS)
        between = "" if part.startswith(",") else " " if separated else ", "
        whole += f"{between}{part}"
    return whole


def read_settings(given: dict[str, Any]) -> RenderSettings:
    """Read render settings from JSON, which knows lists where these have tuples."""
    loras = tuple((str(path), float(weight)) for path, weight in given.get("loras", ()))
    return RenderSettings(**{**given, "loras": loras})


def read_message(line: str) -> SamplerMessage:
    """Read what a sampler writes. Raises ValueError for a line that was cut short."""
    message: Any = json.loads(line)
    if "state" in message:
        return SamplerState(**{**message, "facts": read_facts(message.get("facts"))})
    if "image" in message:
        message["image"] = Rendered(**message["image"])
    read: SamplerMessage = message
    return read
