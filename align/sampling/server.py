"""The sampler process: answers requests in JSON lines with the images it has stored."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from align.client.cpu_lock import CpuLock
from align.client.watchdog import LOADING, RENDERING
from align.contracts.image_sizes import Size
from align.contracts.models import ModelInfo
from align.contracts.rendering import (
    RenderRequest,
    SamplerGreeting,
    SamplerReply,
    SamplerRequest,
    SamplerState,
    ScoreRequest,
)
from align.device import Compute, choose_compute, memory
from align.device_facts import device_facts
from align.errors import AlignError, DeviceFull, InvalidSettings, is_disk_full, whole_text
from align.sampling.adapter_switcher import AdapterSwitcher
from align.sampling.heartbeat import HeartbeatSender
from align.sampling.inbox import Inbox, InputClosed, Preempted
from align.sampling.latent_preview import preview_of
from align.sampling.main import ReplyStream
from align.sampling.memory.ladder import MemoryLadder
from align.sampling.memory.loading import load_ladder
from align.sampling.progress import Previewer, report_of
from align.sampling.render import store_image
from align.sampling.steps import DenoisingStep, OnStep
from align.scoring.implicit_reward import ImplicitReward
from align.scoring.scorers import finite_scores
from align.weights.full import holds_full_weights
from align.weights.pipeline import quiet_libraries


@dataclass(frozen=True)
class LoadedModel:
    """A pipeline in the memory of its device."""

    memory: MemoryLadder
    ready: SamplerState
    """What the app was told once it was loaded."""


def load(model: ModelInfo, replies: ReplyStream, threads: int) -> LoadedModel:
    """Load a model and report it; raises AlignError."""
    quiet_libraries()
    torch.set_num_threads(threads)
    compute = choose_compute(full_size=model.full_size)
    device = compute.device.type
    replies.send(SamplerState("loading", f"Loading {model.name}.", device))
    ladder, facts = load_ladder(model, compute), device_facts(compute)
    told = f"{model.name} is ready. {ladder.explanation}".strip()
    ready = SamplerState("ready", told, device, *memory(compute), facts=facts)
    replies.send(ready)
    return LoadedModel(ladder, ready)


def answer_requests(
    loaded: LoadedModel, replies: ReplyStream, heartbeat: HeartbeatSender, greeting: SamplerGreeting
) -> None:
    """Answer requests from stdin until it closes."""
    heartbeat.set_idle()
    ladder, model = loaded.memory, greeting["model"]
    ladder.on_rung = partial(_tell_rung, loaded, replies, model.name)
    adapters = AdapterSwitcher(ladder.pipeline)
    cpu_lock = make_cpu_lock(ladder.compute, greeting["cpu_lock"])
    images_dir = Path(greeting["images_dir"])

    previewer = Previewer(partial(preview_of, ladder.pipeline, ladder.compute))
    inbox = Inbox(sys.stdin)
    for request in inbox:
        report = report_of(request, previewer, replies.send)
        between = partial(_count_step, heartbeat, inbox, request, report)
        size = (model.width, model.height)
        context = RequestContext(ladder, size, adapters, cpu_lock, heartbeat, between)
        try:
            for reply in _handle(images_dir, context, request):
                heartbeat.step()
                replies.send(reply)
        except DeviceFull as error:
            # The app starts another process later, which takes what is free by then.
            replies.send(replace(loaded.ready, state="failed", detail=str(error), passing=True))
            return
        heartbeat.set_idle()


def _tell_rung(loaded: LoadedModel, replies: ReplyStream, name: str, sentence: str) -> None:
    """Tell the app what is done from here on for want of memory."""
    total, used = memory(loaded.memory.compute)
    told = f"{name} is ready. {sentence}"
    replies.send(replace(loaded.ready, detail=told, memory_total=total, memory_used=used))


def _count_step(
    heartbeat: HeartbeatSender,
    inbox: Inbox,
    request: SamplerRequest,
    report: OnStep,
    step: DenoisingStep,
) -> None:
    """Count and report a step, then raise where the request is not to be continued."""
    heartbeat.step()
    report(step)
    inbox.check(request)


@dataclass(frozen=True)
class RequestContext:
    """Everything that rendering or scoring one request needs."""

    memory: MemoryLadder
    size: Size
    """Width and height that the model is made for."""
    adapters: AdapterSwitcher
    cpu_lock: CpuLock
    heartbeat: HeartbeatSender
    between: OnStep


def make_cpu_lock(compute: Compute, cpu_lock: str | None) -> CpuLock:
    """Return the lock that processes on a CPU share; other devices schedule themselves."""
    return CpuLock(Path(cpu_lock) if cpu_lock and compute.device.type == "cpu" else None)


def _handle(
    images_dir: Path, context: RequestContext, request: SamplerRequest
) -> Iterator[SamplerReply]:
    try:
        context.heartbeat.enter(LOADING)
        adapters = [(path, weight) for path, weight in request["adapters"]]
        settings, loras = request["settings"], request["settings"].loras
        context.memory.load_adapters(lambda: context.adapters.use(adapters, loras), settings)
        context.heartbeat.enter(RENDERING)
        if "images" in request:
            yield from _score(context, request)
        else:
            yield from _render(images_dir, context, request)
    except Preempted:
        yield {"id": request["id"], "preempted": True}
    except InputClosed:
        return
    except DeviceFull:
        raise
    except Exception as error:
        done = "scored" if "images" in request else "rendered"
        yield {"id": request["id"], "error": error_sentence(error, done)}
        if isinstance(error, torch.AcceleratorError):
            # A device that failed once fails ever after in this process; the app starts another.
            raise


def _render(
    images_dir: Path, context: RequestContext, request: RenderRequest
) -> Iterator[SamplerReply]:
    parts = context.memory.render(
        request["items"],
        request["settings"],
        context.between,
        request["prefer_throughput"],
        context.cpu_lock.hold,
    )
    for indices, images in parts:
        for index, image in zip(indices, images, strict=True):
            yield {"id": request["id"], "index": index, "image": store_image(image, images_dir)}


def _score(context: RequestContext, request: ScoreRequest) -> Iterator[SamplerReply]:
    if holds_full_weights(Path(request["adapters"][0][0])):
        raise InvalidSettings(
            "This version trained all weights, and only one with an adapter can be asked how much "
            "likelier than its base it holds an image to be."
        )

    settings, memory = request["settings"], context.memory
    scorer = ImplicitReward(
        memory.pipeline,
        memory.compute,
        context.size,
        clip_skip=settings.clip_skip,
        reference=context.adapters.as_reference,
    )
    prompts = [settings.whole_prompt(prompt) for prompt in request["prompts"]]
    images = [Path(image) for image in request["images"]]
    for index, (prompt, image) in enumerate(zip(prompts, images, strict=True)):
        with context.cpu_lock.hold():
            score = memory.attempt(
                partial(_score_one, scorer, prompt, image),
                context.size,
                scorer.samples_per_pass,
                "Scoring an image takes more memory than the device has free",
            )
        yield {"id": request["id"], "index": index, "score": score}


def _score_one(scorer: ImplicitReward, prompt: str, image: Path, rows: int) -> float:
    """Score an image with so many rows in a pass."""
    return finite_scores(replace(scorer, samples_per_pass=rows), [prompt], [image])[0]


def error_sentence(error: Exception, done: str) -> str:
    """Return the sentence for a person who waits for an image to be rendered or scored."""
    if is_disk_full(error):
        return "The disk of the studio folder is full. Free some space on it."
    reason = str(error) if isinstance(error, AlignError) else f"{whole_text(error)}."
    return f"The image could not be {done}: {reason}"
