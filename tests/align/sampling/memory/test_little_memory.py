"""The sampler's own loop on a device that refuses: images come whole, in order, each once."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from align.adapters.lora import add_lora, save_adapter
from align.contracts.rendering import (
    RenderItem,
    RenderSettings,
    SamplerState,
    read_message,
    to_line,
)
from align.device import Compute
from align.device_memory import is_out_of_memory
from align.sampling.heartbeat import HeartbeatSender
from align.sampling.main import ReplyStream
from align.sampling.memory.ladder import MemoryLadder
from align.sampling.memory.plan import MemoryPlan
from align.sampling.render import decode, render
from align.sampling.server import LoadedModel, answer_requests
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow

SETTINGS = RenderSettings(64, 64, 2, 4.0, "", "")
ITEMS = [RenderItem("a cat face", seed) for seed in range(7)]
GIB = 2**30


class RoomyCard:
    """A card that says that it has room for everything."""

    offloads = True

    def total(self) -> int:
        return 16 * GIB

    free = room = total

    def release(self) -> None:
        """Nothing is held."""


class Wire(io.RawIOBase):
    """Both ends of the sampler's pipes: requests go in, replies come out, the end comes last."""

    def __init__(self, requests: list[str], replies: int) -> None:
        self._requests, self._left = requests, replies
        self.messages: list = []
        self._finished = threading.Event()

    def write(self, data) -> int:
        for line in bytes(data).decode().splitlines():
            message = read_message(line)
            if isinstance(message, SamplerState) or "heartbeat" not in message:
                self.messages.append(message)
            failed = isinstance(message, SamplerState) and message.state == "failed"
            if failed or (isinstance(message, dict) and {"index", "error"} & set(message)):
                self._left -= 1
        if not self._left:
            self._finished.set()
        return len(data)

    def lines(self) -> Iterator[str]:
        yield from self._requests
        assert self._finished.wait(60)


@contextmanager
def refusing(module: torch.nn.Module, most: int):
    """A device without room for more rows than this in a part's pass."""

    def refuse(_, arguments):
        if len(arguments[0]) > most:
            raise torch.OutOfMemoryError("no room")

    hook = module.register_forward_pre_hook(refuse)
    try:
        yield
    finally:
        hook.remove()


@pytest.fixture
def ask(model, pipeline, compute, tmp_path, monkeypatch):
    """Sends requests to the loop with a memory, and returns what it said to them."""

    def ask_loop(*requests, replies: int, card: object = None) -> list:
        wire = Wire([to_line(request) for request in requests], replies)
        monkeypatch.setattr("sys.stdin", wire.lines())
        loaded = LoadedModel(
            MemoryLadder(pipeline, compute, card), SamplerState("ready", "ready", "cpu")
        )
        greeting = {"model": model, "images_dir": str(tmp_path / "images"), "cpu_lock": None}
        stream = ReplyStream(wire)
        answer_requests(loaded, stream, HeartbeatSender(stream.send, 60, "."), greeting)
        # Other tests share the pipeline.
        loaded.memory._apply(MemoryPlan())
        pipeline.unload_lora_weights()
        return wire.messages

    return ask_loop


def request(number: int = 1, items=ITEMS, adapters=()) -> dict:
    return {
        "id": number,
        "items": items,
        "adapters": list(adapters),
        "settings": SETTINGS,
        "prefer_throughput": True,
        "preemptible": False,
    }


def indices(messages: list) -> list[int]:
    return [m["index"] for m in messages if isinstance(m, dict) and "index" in m]


def told(messages: list) -> list[str]:
    return [message.detail for message in messages if isinstance(message, SamplerState)]


def pixels(messages: list, folder) -> np.ndarray:
    digests = [m["image"].sha256 for m in messages if isinstance(m, dict) and "image" in m]
    files = [folder / "images" / digest[:2] / f"{digest}.png" for digest in digests]
    return np.stack([np.asarray(Image.open(file), dtype=np.int16) for file in files])


def test_with_room_for_everything_images_are_the_same_to_the_bit(ask, pipeline, compute, tmp_path):
    alone = render(pipeline, compute, ITEMS, SETTINGS)
    expected = np.stack([np.asarray(image, dtype=np.int16) for image in alone])
    for card in (None, RoomyCard()):
        messages = ask(request(), replies=7, card=card)
        assert (pixels(messages, tmp_path) == expected).all() and told(messages) == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB)"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        # A device that failed once fails ever after.
        (torch.AcceleratorError("CUDA error: out of memory"), False),
        (MemoryError("out of memory"), False),
    ],
)
def test_only_what_the_device_survives_is_tried_again(error, expected):
    assert is_out_of_memory(error) is expected


def test_batches_are_halved_until_they_fit_and_that_is_told_once(ask, pipeline, tmp_path):
    whole = ask(request(), replies=7)
    assert told(whole) == []
    with refusing(pipeline.unet, 2 * 2):
        tight = ask(request(), request(2), replies=14)
    assert indices(tight) == [*range(7), *range(7)]
    sentences = told(tight)
    assert [s.split("renders ")[1][:7] for s in sentences] == ["3 image", "1 image"]
    # A batch of another size rounds differently.
    assert abs(pixels(whole, tmp_path) - pixels(tight, tmp_path)[:7]).max() <= 1


def test_images_are_decoded_one_at_a_time_and_then_in_tiles(ask, pipeline, tmp_path):
    whole = ask(request(), replies=7)
    with refusing(pipeline.vae.decoder, 1):
        single = ask(request(), replies=7)
    assert indices(single) == list(range(7)) and told(single) == []
    assert abs(pixels(whole, tmp_path) - pixels(single, tmp_path)).max() <= 1


def test_parts_leave_the_card_when_nothing_else_helps_and_images_stay_what_they_are(
    ask, pipeline, tmp_path
):
    whole = ask(request(), replies=7)
    refusals = iter(range(2))

    def refuse(*_):
        if next(refusals, None) is not None:
            raise torch.OutOfMemoryError("no room")

    hook = pipeline.unet.conv_in.register_forward_pre_hook(refuse)
    few = ask(request(items=ITEMS[:1]), request(2), replies=8, card=RoomyCard())
    hook.remove()
    assert indices(few) == [0, *range(7)]
    sentences = told(few)
    assert "text encoders and autoencoder in main memory" in sentences[0]
    assert "network to the card part by part" in sentences[1]
    assert abs(pixels(whole, tmp_path) - pixels(few, tmp_path)[1:]).max() <= 1


def test_what_never_fits_is_told_in_a_sentence_after_the_images_that_were_done(ask, pipeline):
    steps = []

    def refuse(*_):
        steps.append(1)
        if len(steps) > SETTINGS.steps:
            raise torch.OutOfMemoryError("no room")

    hook = pipeline.unet.register_forward_pre_hook(refuse)
    requests = [request(items=ITEMS[:2]), request(2)]
    messages = ask(*requests, replies=3)
    hook.remove()
    assert indices(messages) == [0, 1]
    assert messages[-1].state == "failed" and messages[-1].passing
    assert messages[-1].detail.startswith("One image of 64 x 64 does not fit")
    assert "Close other programs" in messages[-1].detail


def write_adapter(model, compute, folder: Path) -> Path:
    tuned = load_pipeline(model, compute)
    with torch.no_grad():
        for parameter in add_lora(tuned.unet, rank=2, seed=0):
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=torch.manual_seed(1)))
    adapter = folder / "adapter.safetensors"
    save_adapter(tuned.unet, adapter)
    return adapter


def test_scoring_goes_down_the_same_ladder(ask, pipeline, model, compute, tmp_path):
    adapter = write_adapter(model, compute, tmp_path)
    drawn = ask(request(items=ITEMS[:1]), replies=1)
    digest = drawn[0]["image"].sha256
    image = str(tmp_path / "images" / digest[:2] / f"{digest}.png")
    asked = {
        "id": 1,
        "prompts": ["a cat face"],
        "images": [image],
        "adapters": [(str(adapter), 1.0)],
        "settings": SETTINGS,
    }
    whole = ask(asked, replies=1)
    with refusing(pipeline.unet, 2):
        tight = ask(asked, replies=1)
    assert tight[-1]["score"] == pytest.approx(whole[-1]["score"], abs=0.05)
    assert len(told(tight)) == 1


def test_images_that_a_card_has_no_room_for_together_are_not_decoded_side_by_side(pipeline):
    """In threads, a card would hold both after all."""
    # Anything but a CPU takes this way; these networks compute on one all the same.
    card, threads = Compute(torch.device("meta"), torch.float32, None), set()
    hook = pipeline.vae.decoder.register_forward_pre_hook(
        lambda *_: threads.add(threading.current_thread())
    )
    latents_BCHW = torch.zeros(3, pipeline.vae.config.latent_channels, 8, 8)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        decode(pipeline, card, latents_BCHW, most=1)
    finally:
        torch.set_num_threads(before)
        hook.remove()
    assert threads == {threading.current_thread()}


def test_a_version_that_finds_no_room_is_not_called_damaged(
    ask, pipeline, model, compute, tmp_path, monkeypatch
):
    adapter = write_adapter(model, compute, tmp_path)
    load, refusals = pipeline.load_lora_weights, iter(["MPS backend out of memory (18 GB)"])

    def refuse(*given, **named):
        for refusal in refusals:
            raise RuntimeError(refusal)
        load(*given, **named)

    monkeypatch.setattr(pipeline, "load_lora_weights", refuse)
    drawn = ask(request(items=ITEMS[:1], adapters=[(str(adapter), 1.0)]), replies=1)
    assert indices(drawn) == [0]
