"""The sampler process: reads requests as JSON lines, answers with pictures it has stored."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import torch
from diffusers import StableDiffusionXLPipeline

from align.device import Compute, choose_compute, memory
from align.errors import AlignError, first_line, says_disk_full
from align.models import ModelInfo
from align.pipeline import load_pipeline, quiet_libraries
from align.render import Adapters, batches, render, store
from align.sampler_process import RenderItem, RenderSettings, SamplerState
from align.turns import Turns


def serve() -> None:
    """Answer requests from stdin until it closes."""
    replies = _claim_stdout()
    quiet_libraries()
    greeting = json.loads(sys.stdin.readline() or "null")
    if greeting is None:
        return
    torch.set_num_threads(int(greeting["threads"]))
    model = ModelInfo(**greeting["model"])
    compute = choose_compute()
    _say(replies, asdict(SamplerState("loading", f"Loading {model.name}.", compute.device.type)))
    try:
        pipeline = load_pipeline(model, compute)
    except AlignError as error:
        _say(replies, asdict(SamplerState("failed", str(error), compute.device.type)))
        return
    total, used = memory(compute)
    ready = SamplerState("ready", f"{model.name} is ready.", compute.device.type, total, used)
    _say(replies, asdict(ready))
    adapters = Adapters(pipeline)
    turns = shared_processor(compute, greeting["turns"])
    for line in sys.stdin:
        request = json.loads(line)
        for reply in _answer(
            pipeline, compute, adapters, turns, Path(greeting["images_dir"]), request
        ):
            _say(replies, {"id": request["id"], **reply})


def _claim_stdout() -> IO[str]:
    """Keep the real stdout for replies; whatever libraries print goes to stderr."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return replies


def _say(replies: IO[str], message: dict[str, Any]) -> None:
    replies.write(json.dumps(message) + "\n")
    replies.flush()


def shared_processor(compute: Compute, turns: str | None) -> Turns:
    """Turns on a CPU; other devices share their time well by themselves."""
    return Turns(Path(turns) if turns and compute.device.type == "cpu" else None)


def _answer(
    pipeline: StableDiffusionXLPipeline,
    compute: Compute,
    adapters: Adapters,
    turns: Turns,
    images_dir: Path,
    request: dict[str, Any],
) -> Iterator[dict[str, Any]]:
    items = [RenderItem(**item) for item in request["items"]]
    settings = RenderSettings(**request["settings"])
    try:
        adapters.use([(path, weight) for path, weight in request["adapters"]])
        megapixels = settings.width * settings.height / 1e6
        for indices in batches(len(items), megapixels, request["patient"]):
            with turns.drawing():
                images = render(pipeline, compute, [items[i] for i in indices], settings)
            for index, image in zip(indices, images, strict=True):
                yield {"index": index, **asdict(store(image, images_dir))}
    except (AlignError, OSError, ValueError, RuntimeError, KeyError) as error:
        yield {"error": why_not_drawn(error)}


def why_not_drawn(error: Exception) -> str:
    """What to tell a person who waits for a picture."""
    if says_disk_full(error):
        return "The disk of the studio folder is full. Free some space on it."
    reason = str(error) if isinstance(error, AlignError) else f"{first_line(error)}."
    return f"The picture could not be drawn: {reason}"
