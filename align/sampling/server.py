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

from align.client.cpu_lock import Turns
from align.client.models import ModelInfo
from align.client.render_items import RenderItem, RenderSettings, SamplerState
from align.client.watchdog import DRAWING, LOADING
from align.device import Compute, choose_compute, memory
from align.errors import AlignError, InvalidSettings, says_disk_full, whole_text
from align.sampling.heartbeat import Heart
from align.sampling.inbox import Deserted, Inbox, Overtaken
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


def answer_requests(loaded: Loaded, wire: Wire, heart: Heart, greeting: dict[str, Any]) -> None:
    """Answer requests from stdin until it closes."""
    heart.rest()
    adapters = Adapters(loaded.pipeline)
    turns = shared_processor(loaded.compute, greeting["turns"])
    images_dir = Path(greeting["images_dir"])
    inbox = Inbox(sys.stdin)
    for request in inbox:
        answer = _score if "images" in request else partial(_draw, images_dir)
        between = partial(_between, heart, inbox, request)
        drawing = Drawing(loaded.pipeline, loaded.compute, adapters, turns, heart, between)
        for reply in _answer(answer, drawing, request):
            heart.step()
            wire.say({"id": request["id"], **reply})
        heart.rest()


def _between(heart: Heart, inbox: Inbox, request: dict[str, Any]) -> None:
    """Count a step, and leave the request where there is no sense in going on."""
    heart.step()
    inbox.check(request)


@dataclass(frozen=True)
class Drawing:
    """What it takes to draw and to score."""

    pipeline: StableDiffusionXLPipeline
    compute: Compute
    adapters: Adapters
    turns: Turns
    heart: Heart
    between: Callable[[], None]


def shared_processor(compute: Compute, turns: str | None) -> Turns:
    """Turns on a CPU; other devices share their time well by themselves."""
    return Turns(Path(turns) if turns and compute.device.type == "cpu" else None)


Replies = Iterator[dict[str, Any]]
Answer = Callable[[Drawing, dict[str, Any]], Replies]


def _answer(answer: Answer, drawing: Drawing, request: dict[str, Any]) -> Replies:
    try:
        drawing.heart.enter(LOADING)
        drawing.adapters.use([(path, weight) for path, weight in request["adapters"]])
        drawing.heart.enter(DRAWING)
        yield from answer(drawing, request)
    except Overtaken:
        yield {"gave_way": True}
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
        with drawing.turns.drawing():
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
        with drawing.turns.drawing():
            score = finite_scores(scorer, [prompt], [image])[0]
        yield {"index": index, "score": score}


def why_not(error: Exception, done: str) -> str:
    """What to tell a person who waits for an image to be drawn or scored."""
    if says_disk_full(error):
        return "The disk of the studio folder is full. Free some space on it."
    reason = str(error) if isinstance(error, AlignError) else f"{whole_text(error)}."
    return f"The image could not be {done}: {reason}"
