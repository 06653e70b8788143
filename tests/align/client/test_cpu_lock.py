"""The trainer waits while the sampler renders, but never for good."""

import subprocess
import sys
import threading
import time

import pytest

from align.client.cpu_lock import CpuLock


def test_a_trainer_waits_until_the_image_is_rendered(tmp_path):
    sampler, trainer = CpuLock(tmp_path / "cpu.lock"), CpuLock(tmp_path / "cpu.lock")
    order = []

    def train():
        trainer.wait_until_free()
        order.append("step")

    with sampler.hold():
        waiting = threading.Thread(target=train)
        waiting.start()
        time.sleep(0.1)
        order.append("image")
    waiting.join()
    assert order == ["image", "step"]


def test_a_trainer_gets_on_though_images_are_rendered_without_a_pause(tmp_path):
    trainer = CpuLock(tmp_path / "cpu.lock", max_wait_s=0.1)
    with CpuLock(tmp_path / "cpu.lock").hold():
        assert not trainer.wait_until_free()
    assert trainer.wait_until_free()


@pytest.mark.slow
def test_a_sampler_that_is_killed_holds_nobody_up(tmp_path):
    hold = f"""
import sys, time
from pathlib import Path
from align.client.cpu_lock import CpuLock
with CpuLock(Path({str(tmp_path / "cpu.lock")!r})).hold():
    print("held", flush=True)
    time.sleep(60)
"""
    child = subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE)
    assert child.stdout.readline().strip() == b"held"
    trainer = CpuLock(tmp_path / "cpu.lock", max_wait_s=0.1)
    assert not trainer.wait_until_free()
    child.kill()
    child.communicate()
    assert trainer.wait_until_free()


def test_without_a_file_or_with_one_that_cannot_be_locked_nobody_is_held_up(tmp_path):
    for path in (None, tmp_path):
        with CpuLock(path, max_wait_s=0.1).hold():
            assert not CpuLock(path, max_wait_s=0.1).wait_until_free()
