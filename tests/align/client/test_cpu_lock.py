"""The trainer waits while the sampler draws, but never for good."""

import subprocess
import sys
import threading
import time

from align.client.cpu_lock import Turns


def test_a_trainer_waits_until_the_image_is_drawn(tmp_path):
    sampler, trainer = Turns(tmp_path / "turns"), Turns(tmp_path / "turns")
    order = []

    def train():
        trainer.wait()
        order.append("step")

    with sampler.drawing():
        waiting = threading.Thread(target=train)
        waiting.start()
        time.sleep(0.1)
        order.append("image")
    waiting.join()
    assert order == ["image", "step"]


def test_a_trainer_gets_on_though_images_are_drawn_without_a_pause(tmp_path):
    trainer = Turns(tmp_path / "turns", longest_wait_s=0.1)
    with Turns(tmp_path / "turns").drawing():
        assert not trainer.wait()
    assert trainer.wait()


def test_a_sampler_that_is_killed_holds_nobody_up(tmp_path):
    hold = f"""
import sys, time
from pathlib import Path
from align.client.cpu_lock import Turns
with Turns(Path({str(tmp_path / "turns")!r})).drawing():
    print("drawing", flush=True)
    time.sleep(60)
"""
    child = subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE)
    assert child.stdout.readline().strip() == b"drawing"
    trainer = Turns(tmp_path / "turns", longest_wait_s=0.1)
    assert not trainer.wait()
    child.kill()
    child.communicate()
    assert trainer.wait()


def test_without_a_file_or_with_one_that_cannot_be_locked_nobody_is_held_up(tmp_path):
    for path in (None, tmp_path):
        with Turns(path, longest_wait_s=0.1).drawing():
            assert not Turns(path, longest_wait_s=0.1).wait()
