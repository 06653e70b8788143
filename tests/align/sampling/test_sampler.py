"""The sampler process, for real."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import psutil
import pytest
import torch
from PIL import Image

from align.adapters.lora import add_lora, save_adapter
from align.client.child_process import end_orphan, record_process
from align.client.models import describe_model
from align.client.sampler import SamplerProcess
from align.client.watchdog import Timeouts
from align.contracts.models import ModelInfo
from align.contracts.rendering import RenderItem, RenderSettings
from align.errors import SamplerFailed
from align.sampling.render import batches
from align.sampling.server import error_sentence
from align.scoring.implicit_reward import ImplicitReward
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow

SETTINGS = RenderSettings(128, 128, 3, 4.0, "", "UniPCMultistepScheduler")


BRISK = Timeouts(check_interval_s=0.2, heartbeat_interval_s=0.2, silence_s=2.0)


@pytest.fixture(scope="module")
def sampler(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sampler")
    log = folder / "sampler.log"
    process = SamplerProcess(describe_model(), folder / "images", log, timeouts=BRISK)
    process.start()
    yield process
    process.stop()


def drawn_again(sampler: SamplerProcess) -> None:
    """Wait until it draws."""
    deadline = time.monotonic() + 60
    while True:
        try:
            assert sampler.render([RenderItem("a", 1)], [], SETTINGS)
            return
        except SamplerFailed:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def path_of(sampler: SamplerProcess, sha256: str):
    return sampler._images_dir / sha256[:2] / f"{sha256}.png"


def test_images_are_on_disk_when_they_are_reported(sampler):
    seen = []

    def check(index, rendered):
        with Image.open(path_of(sampler, rendered.sha256)) as image:
            assert image.size == (128, 128) and not image.info
        seen.append(index)

    items = [RenderItem("a cat face", seed) for seed in range(5)]
    rendered = sampler.render(items, [], SETTINGS, check)
    assert seen == [0, 1, 2, 3, 4]
    assert len({image.sha256 for image in rendered}) == 5


def test_a_missing_adapter_is_an_error_and_the_sampler_lives_on(sampler, tmp_path):
    with pytest.raises(SamplerFailed, match=r"could not be rendered: .*none\.safetensors is gone"):
        sampler.render([RenderItem("a", 1)], [(tmp_path / "none.safetensors", 1.0)], SETTINGS)
    assert len(sampler.render([RenderItem("a", 1)], [], SETTINGS)) == 1


def test_images_are_scored_by_what_an_adapter_made_likelier(sampler, compute, tmp_path):
    tuned = load_pipeline(describe_model(), compute)
    with torch.no_grad():
        for parameter in add_lora(tuned.unet, rank=2, seed=0):
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=torch.manual_seed(1)))
    adapter = tmp_path / "adapter.safetensors"
    save_adapter(tuned.unet, adapter)
    drawn = sampler.render([RenderItem("a cat face", seed) for seed in (1, 2)], [], SETTINGS)
    images = [path_of(sampler, one.sha256) for one in drawn]
    told = []
    prompts = ["a cat face"] * 2
    scores = sampler.score(prompts, images, adapter, SETTINGS, lambda *one: told.append(one))
    expected = ImplicitReward(tuned, compute, (128, 128)).score(prompts, images)
    # Both are κ times a small difference; threads and batch shapes leave their mark on it.
    assert scores == pytest.approx(expected.tolist(), abs=0.5)
    assert abs(scores[0] - scores[1]) > 1 and told == list(enumerate(scores))
    with pytest.raises(SamplerFailed, match=r"could not be scored: .*adapter\.safetensors is gone"):
        adapter.unlink()
        sampler.score(prompts, images, adapter, SETTINGS)


def test_a_slow_image_is_told_of_while_it_is_rendered(sampler):
    told, enough = [], threading.Event()
    slow = replace(SETTINGS, steps=900, scheduler="DDIMScheduler")

    def on_progress(progress):
        told.append(progress)
        enough.set()

    def watch():
        sampler.render(
            [RenderItem("a cat face", 1)], [], slow, None, False, True, on_progress, previews=True
        )

    watching = threading.Thread(target=watch)
    watching.start()
    assert enough.wait(60)
    # Somebody who asks for images ends it.
    sampler.render([RenderItem("a", 1)], [], SETTINGS)
    watching.join(60)

    first = told[0]
    assert (first["indices"], first["count"], first["steps"]) == ([0], 1, 900)
    assert 1 < first["step"] < 900 and first["seconds_left"] > 1
    assert first["previews"][0].startswith("data:image/jpeg;base64,")


def test_what_is_preemptible_ends_early_with_what_it_has_when_something_else_is_asked_for(sampler):
    items = [RenderItem("a cat face", seed) for seed in range(64)]
    began, ended = threading.Event(), threading.Event()
    got = []

    def pool():
        settings = replace(SETTINGS, steps=6)
        got.extend(sampler.render(items, [], settings, lambda *_: began.set(), preemptible=True))
        ended.set()

    thread = threading.Thread(target=pool)
    thread.start()
    assert began.wait(60)
    assert len(sampler.render([RenderItem("a dog face", 1)], [], SETTINGS)) == 1
    assert ended.wait(60)
    thread.join()
    assert 0 < len(got) < 64 and all(path_of(sampler, one.sha256).is_file() for one in got)


def test_what_is_preemptible_is_drawn_whole_when_nobody_asks_for_anything(sampler):
    items = [RenderItem("a cat face", seed) for seed in range(3)]
    whole = sampler.render(items, [], SETTINGS)
    assert sampler.render(items, [], SETTINGS, preemptible=True) == whole


def test_a_full_disk_is_named_as_what_it_is():
    full = OSError(errno.ENOSPC, "No space left on device")
    assert error_sentence(full, "drawn").startswith("The disk of the studio folder is full.")
    assert "no gear" in error_sentence(RuntimeError("no gear"), "drawn")


def test_a_sampler_that_dies_is_started_again(sampler):
    sampler.render([RenderItem("a", 1)], [], SETTINGS)
    psutil.Process(sampler._child.pid).kill()
    drawn_again(sampler)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_sampler_that_hangs_is_told_ended_and_started_again(sampler, caplog):
    sampler.render([RenderItem("a", 1)], [], SETTINGS)
    child = sampler._child
    told = []

    def draw():
        try:
            sampler.render([RenderItem("a cat", 2)], [], SETTINGS)
        except SamplerFailed as error:
            told.append(str(error))

    os.kill(child.pid, signal.SIGSTOP)
    drawing = threading.Thread(target=draw)
    drawing.start()
    drawing.join(60)
    assert told == ["The image model stopped while it was rendering."]
    assert "has not answered" in caplog.text and "SIGSTOP" in caplog.text
    assert "has not answered" in sampler._log_path.read_text("utf-8")
    assert child.returncode == -signal.SIGKILL
    drawn_again(sampler)


# The last one that asks the sampler of this file for images.
def test_a_sampler_that_is_stopped_leaves_what_it_draws(sampler):
    began, told = threading.Event(), []

    def draw():
        items = [RenderItem("a", seed) for seed in range(64)]
        try:
            sampler.render(items, [], replace(SETTINGS, steps=50), lambda *_: began.set())
        except SamplerFailed as error:
            told.append(str(error))

    thread = threading.Thread(target=draw)
    thread.start()
    assert began.wait(60)
    child = sampler._child
    sampler.stop()
    thread.join(60)
    assert told and child.returncode == 0, "it had to be killed"


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_stopped_sampler_that_a_killed_app_left_behind_is_ended_by_the_next(tmp_path):
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    os.kill(left.pid, signal.SIGSTOP)
    record_process(tmp_path / "sampler.pid", left.pid)
    process = SamplerProcess(describe_model(), tmp_path / "images", tmp_path / "sampler.log")
    process.start()
    assert left.wait(10) == -signal.SIGKILL
    os.kill(process._child.pid, signal.SIGSTOP)
    child = process._child
    process.stop()
    assert child.returncode == -signal.SIGKILL and not (tmp_path / "sampler.pid").exists()


def test_a_note_of_a_process_that_is_gone_or_no_note_at_all_ends_nobody(tmp_path):
    note = tmp_path / "sampler.pid"
    assert not end_orphan(note)
    for text in ("", "[]", "{}", '{"pid": "x", "started": 1}', "\0", '{"pid": null, "started": 0}'):
        note.write_text(text, encoding="utf-8")
        assert not end_orphan(note)
    started = psutil.Process().create_time() - 60
    note.write_text(json.dumps({"pid": os.getpid(), "started": started}), encoding="utf-8")
    assert not end_orphan(note), "the number was used again"


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_sampler_that_dies_three_times_while_loading_says_how_and_can_be_tried_again(
    tmp_path, caplog
):
    log = tmp_path / "log"
    process = SamplerProcess(describe_model(), tmp_path / "images", log, timeouts=BRISK)
    process.start()
    deadline = time.monotonic() + 60
    while process.state().state != "failed":
        if child := process._child:
            os.kill(child.pid, signal.SIGKILL)
        assert time.monotonic() < deadline
        time.sleep(0.02)
    told = process.state().detail
    assert "stopped 3 times while it was loaded" in told and "memory ran out" in told
    assert told in log.read_text("utf-8") and told in caplog.text
    assert process.state().retry_s > 0
    process.retry()
    assert process.state().state == "starting"
    process.stop()


def test_a_model_that_cannot_be_loaded_is_reported_in_a_sentence(tmp_path):
    info = ModelInfo("lost", str(tmp_path / "lost"), "lost", "sdxl")
    process = SamplerProcess(info, tmp_path / "images", tmp_path / "log")
    process.start()
    deadline = time.monotonic() + 60
    while process.state().state != "failed":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    told = process.state().detail
    assert "lost could not be loaded" in told or "lost is not on this machine" in told
    assert told.count("lost") <= 4 and "\n" not in told and "Traceback" not in told
    log = (tmp_path / "log").read_text("utf-8")
    assert told in log and "Traceback" not in log
    with pytest.raises(SamplerFailed):
        process.render([RenderItem("a", 1)], [], SETTINGS)
    process.retry()
    assert process.state().state in ("starting", "loading")
    process.stop()
    assert process.state().state == "stopped"


def test_batches_grow_and_cover_everything_once():
    ranges = list(batches(40, 0.016))
    assert [len(r) for r in ranges] == [2, 4, 8, 16, 10]
    assert [i for r in ranges for i in r] == list(range(40))
    assert {len(r) for r in batches(5, 4.0)} == {1}
    assert [len(r) for r in batches(40, 0.016, prefer_throughput=True)] == [16, 16, 8]
