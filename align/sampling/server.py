"""The sampler process: answers requests in JSON lines with the images it has stored."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
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
from align.errors import AlignError, InvalidSettings, is_disk_full, whole_text
from align.families.family import Pipeline
from align.sampling.adapter_switcher import AdapterSwitcher
from align.sampling.heartbeat import HeartbeatSender
from align.sampling.inbox import Inbox, InputClosed, Preempted
from align.sampling.latent_preview import preview_of
from align.sampling.main import ReplyStream
from align.sampling.progress import Previewer, report_of
from align.sampling.render import batches, render, store_image
from align.sampling.steps import DenoisingStep, OnStep
from align.scoring.implicit_reward import ImplicitReward
from align.scoring.scorers import finite_scores
from align.weights.full import holds_full_weights
from align.weights.pipeline import load_pipeline, quiet_libraries


@dataclass(frozen=True)
class LoadedModel:
    """A pipeline and the device that it is on."""

    pipeline: Pipeline
    compute: Compute


def load(model: ModelInfo, replies: ReplyStream, threads: int) -> LoadedModel:
    """Load a model and report it; raises AlignError."""
    quiet_libraries()
    torch.set_num_threads(threads)
    compute = choose_compute(full_size=model.full_size)
    device = compute.device.type
    replies.send(SamplerState("loading", f"Loading {model.name}.", device))
    pipeline = load_pipeline(model, compute)
    ready, facts = f"{model.name} is ready.", device_facts(compute)
    replies.send(SamplerState("ready", ready, device, *memory(compute), facts=facts))
    return LoadedModel(pipeline, compute)


def answer_requests(
    loaded: LoadedModel, replies: ReplyStream, heartbeat: HeartbeatSender, greeting: SamplerGreeting
) -> None:
    """Answer requests from stdin until it closes."""
    heartbeat.set_idle()
    adapters = AdapterSwitcher(loaded.pipeline)
    cpu_lock = make_cpu_lock(loaded.compute, greeting["cpu_lock"])
    images_dir = Path(greeting["images_dir"])
    size = (greeting["model"].width, greeting["model"].height)

    previewer = Previewer(partial(preview_of, loaded.pipeline, loaded.compute))
    inbox = Inbox(sys.stdin)
    for request in inbox:
        report = report_of(request, previewer, replies.send)
        between = partial(_count_step, heartbeat, inbox, request, report)
        context = RequestContext(
            loaded.pipeline, loaded.compute, size, adapters, cpu_lock, heartbeat, between
        )
        for reply in _handle(images_dir, context, request):
            heartbeat.step()
            replies.send(reply)
        heartbeat.set_idle()


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

    pipeline: Pipeline
    compute: Compute
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
        context.adapters.use(adapters, request["settings"].loras)
        context.heartbeat.enter(RENDERING)
        if "images" in request:
            yield from _score(context, request)
        else:
            yield from _render(images_dir, context, request)
    except Preempted:
        yield {"id": request["id"], "preempted": True}
    except InputClosed:
        return
    except Exception as error:
        done = "scored" if "images" in request else "rendered"
        yield {"id": request["id"], "error": error_sentence(error, done)}
        if isinstance(error, torch.AcceleratorError):
            # A device that failed once fails ever after in this process; the app starts another.
            raise


def _render(
    images_dir: Path, context: RequestContext, request: RenderRequest
) -> Iterator[SamplerReply]:
    items, settings = request["items"], request["settings"]
    megapixels = settings.width * settings.height / 1e6
    for indices in batches(len(items), megapixels, request["prefer_throughput"]):
        with context.cpu_lock.hold():
            wanted = [items[i] for i in indices]
            images = render(context.pipeline, context.compute, wanted, settings, context.between)
        for index, image in zip(indices, images, strict=True):
            yield {"id": request["id"], "index": index, "image": store_image(image, images_dir)}


def _score(context: RequestContext, request: ScoreRequest) -> Iterator[SamplerReply]:
    if holds_full_weights(Path(request["adapters"][0][0])):
        raise InvalidSettings(
            "This version trained all weights, and only one with an adapter can be asked how much "
            "likelier than its base it holds an image to be."
        )

    settings, reference = request["settings"], context.adapters.as_reference
    scorer = ImplicitReward(
        context.pipeline,
        context.compute,
        context.size,
        clip_skip=settings.clip_skip,
        reference=reference,
    )
    prompts = [settings.whole_prompt(prompt) for prompt in request["prompts"]]
    images = [Path(image) for image in request["images"]]
    for index, (prompt, image) in enumerate(zip(prompts, images, strict=True)):
        with context.cpu_lock.hold():
            score = finite_scores(scorer, [prompt], [image])[0]
        yield {"id": request["id"], "index": index, "score": score}


def error_sentence(error: Exception, done: str) -> str:
    """Return the sentence for a person who waits for an image to be rendered or scored."""
    if is_disk_full(error):
        return "The disk of the studio folder is full. Free some space on it."
    reason = str(error) if isinstance(error, AlignError) else f"{whole_text(error)}."
    return f"The image could not be {done}: {reason}"
