"""The sampler process: reads requests as JSON lines, answers with images it has stored."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionXLPipeline

from align.client.cpu_lock import CpuLock
from align.client.models import ModelInfo
from align.client.render_items import RenderItem, RenderSettings, SamplerState
from align.client.watchdog import LOADING, RENDERING
from align.device import Compute, choose_compute, memory
from align.errors import AlignError, InvalidSettings, is_disk_full, whole_text
from align.sampling.heartbeat import HeartbeatSender
from align.sampling.inbox import Deserted, Inbox, Preempted
from align.sampling.main import Wire
from align.sampling.render import Adapters, batches, render, store
from align.scoring.implicit_reward import ImplicitReward
from align.scoring.scorers import finite_scores
from align.weights.full import is_whole
from align.weights.pipeline import load_pipeline, quiet_libraries


@dataclass(frozen=True)
class Loaded:
    """A pipeline on its device."""

    pipeline: StableDiffusionXLPipeline
    compute: Compute


def load(model: ModelInfo, wire: Wire, threads: int) -> Loaded:
    """Load a model, saying so; raises AlignError."""
    quiet_libraries()
    torch.set_num_threads(threads)
    compute = choose_compute()
    device = compute.device.type
    wire.tell(SamplerState("loading", f"Loading {model.name}.", device))
    pipeline = load_pipeline(model, compute)
    wire.tell(SamplerState("ready", f"{model.name} is ready.", device, *memory(compute)))
    return Loaded(pipeline, compute)


def answer_requests(
    loaded: Loaded, wire: Wire, heartbeat: HeartbeatSender, greeting: dict[str, Any]
) -> None:
    """Answer requests from stdin until it closes."""
    heartbeat.set_idle()
    adapters = Adapters(loaded.pipeline)
    cpu_lock = shared_processor(loaded.compute, greeting["cpu_lock"])
    images_dir = Path(greeting["images_dir"])
    inbox = Inbox(sys.stdin)
    for request in inbox:
        answer = _score if "images" in request else partial(_draw, images_dir)
        between = partial(_between, heartbeat, inbox, request)
        drawing = Drawing(loaded.pipeline, loaded.compute, adapters, cpu_lock, heartbeat, between)
        for reply in _answer(answer, drawing, request):
            heartbeat.step()
            wire.say({"id": request["id"], **reply})
        heartbeat.set_idle()


def _between(heartbeat: HeartbeatSender, inbox: Inbox, request: dict[str, Any]) -> None:
    """Count a step, and leave the request where there is no sense in going on."""
    heartbeat.step()
    inbox.check(request)


@dataclass(frozen=True)
class Drawing:
    """What it takes to draw and to score."""

    pipeline: StableDiffusionXLPipeline
    compute: Compute
    adapters: Adapters
    cpu_lock: CpuLock
    heartbeat: HeartbeatSender
    between: Callable[[], None]


def shared_processor(compute: Compute, cpu_lock: str | None) -> CpuLock:
    """Turns on a CPU; other devices share their time well by themselves."""
    return CpuLock(Path(cpu_lock) if cpu_lock and compute.device.type == "cpu" else None)


Replies = Iterator[dict[str, Any]]
Answer = Callable[[Drawing, dict[str, Any]], Replies]


def _answer(answer: Answer, drawing: Drawing, request: dict[str, Any]) -> Replies:
    try:
        drawing.heartbeat.enter(LOADING)
        drawing.adapters.use([(path, weight) for path, weight in request["adapters"]])
        drawing.heartbeat.enter(RENDERING)
        yield from answer(drawing, request)
    except Preempted:
        yield {"preempted": True}
    except Deserted:
        return
    except Exception as error:
        yield {"error": why_not(error, "scored" if "images" in request else "drawn")}
        if isinstance(error, torch.AcceleratorError):
            # A device that failed once fails ever after in this process; the app starts another.
            raise


def _draw(images_dir: Path, drawing: Drawing, request: dict[str, Any]) -> Replies:
    items = [RenderItem(**item) for item in request["items"]]
    settings = RenderSettings(**request["settings"])
    megapixels = settings.width * settings.height / 1e6
    for indices in batches(len(items), megapixels, request["prefer_throughput"]):
        with drawing.cpu_lock.hold():
            wanted = [items[i] for i in indices]
            images = render(drawing.pipeline, drawing.compute, wanted, settings, drawing.between)
        for index, image in zip(indices, images, strict=True):
            yield {"index": index, **asdict(store(image, images_dir))}


def _score(drawing: Drawing, request: dict[str, Any]) -> Replies:
    settings = RenderSettings(**request["settings"])
    if is_whole(Path(request["adapters"][0][0])):
        raise InvalidSettings(
            "This version trained all weights, and only one with an adapter can be asked how much "
            "likelier than its base it holds an image to be."
        )
    size = (settings.width, settings.height)
    scorer = ImplicitReward(drawing.pipeline, drawing.compute, size)
    images = [Path(image) for image in request["images"]]
    for index, (prompt, image) in enumerate(zip(request["prompts"], images, strict=True)):
        with drawing.cpu_lock.hold():
            score = finite_scores(scorer, [prompt], [image])[0]
        yield {"index": index, "score": score}


def why_not(error: Exception, done: str) -> str:
    """What to tell a person who waits for an image to be drawn or scored."""
    if is_disk_full(error):
        return "The disk of the studio folder is full. Free some space on it."
    reason = str(error) if isinstance(error, AlignError) else f"{whole_text(error)}."
    return f"The image could not be {done}: {reason}"
