"""The loop that a user runs, through the app's API, with a checkpoint of random weights.

    python tests/bench/sdxl.py journey [--small] [--keep FOLDER]

Images are imported and voted on while the model loads and renders its first pairs; a run trains,
and pauses while somebody who labels would wait for pairs; its version is rendered, compared with
its base, exported in two forms and read back. Prints the time of each stage, and the most private
memory that each process took in it.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from gradio_client import Client
from PIL import Image
from process_memory import GIB, HEADER, MemoryWatch

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]

from running import ENDED, App, fetch, wait_for

SIDE, SMALL_SIDE = 256, 128
"""Pixels of an image, and of one of the embedded model's shapes."""
STEPS = 3
PROMPTS = ("a red boat at sea", "a house in the snow", "a portrait of an old man", "a forest")
IMPORTED = 8
"""Prompts of the images that are imported, two images each: fewer than are kept ready."""
VOTE_S = 4.0
SETTINGS = {
    "steps": 26,
    "train_batch_size": 1,
    "micro_batch_size": 1,
    "checkpoint_every": 1,
    "check_prompts": 1,
    "learning_rate": 1e-3,
    "warmup_steps": 1,
}
"""Of the run: a pair at a time, and long enough to have earned the sampler a turn."""
MACHINE_GIB = 16
LIMIT_GIB, LIMIT_MINUTES = 20, 40
PATIENT_S = 1800.0
SCRATCH = "/var/tmp"
"""Often a disk, where /tmp may be memory."""


def journey(arguments: argparse.Namespace) -> None:
    """Run the loop in a scratch folder, and print its table."""
    with scratch_folder(arguments.keep) as folder:
        memory = MemoryWatch(os.getpid())
        print(HEADER)
        with memory.watching():
            Journey(folder, memory, arguments.small).play()
        summary(memory)


@contextmanager
def scratch_folder(keep: Path | None) -> Iterator[Path]:
    """Provide a folder, which is deleted afterwards unless somebody named it."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="palate-sdxl-", dir=SCRATCH) as folder:
        yield Path(folder)


def summary(memory: MemoryWatch) -> None:
    """Print what all of it took."""
    peak = max(peaks["all"] for peaks in memory.peaks.values()) / GIB
    minutes = sum(memory.seconds.values()) / 60
    core_minutes = sum(memory.core_seconds.values()) / 60
    print(f"all in all: {minutes:.1f} min of {LIMIT_MINUTES}, {peak:.1f} GiB of {LIMIT_GIB}")
    print(f"{core_minutes:.1f} min of a core: {core_minutes / 2:.1f} on two that do nothing else")
    assert peak <= LIMIT_GIB, "too much memory"
    assert minutes <= LIMIT_MINUTES, "too long"


class Journey:
    """One person and one app."""

    def __init__(self, folder: Path, memory: MemoryWatch, small: bool) -> None:
        self._folder, self._memory, self._small = folder, memory, small
        self._side = SMALL_SIDE if small else SIDE
        self._chance = random.Random(0)
        self._file = folder / "noise.safetensors"
        self._app = App(folder / "studio", *self._options())
        # A machine with room for the sampler or the trainer, as a card of 12 GB has.
        self._app.command = [
            sys.executable,
            "tests/bench/small_machine.py",
            str(MACHINE_GIB),
            "app.py",
        ]
        self._api: Client
        self.votes: dict[str, int] = {"imported": 0, "rendered": 0}

    def _options(self) -> list[str]:
        prompts = self._folder / "prompts.txt"
        prompts.write_text("\n".join(PROMPTS))
        images = str(write_images(self._folder / "images", self._side))
        return ["--model", str(self._file), "--prompts", str(prompts), "--images", images,
                "--train-every", "0"]  # fmt: skip

    def play(self) -> None:
        """Go through all stages."""
        stage = self._memory.stage
        with stage("write the checkpoint"):
            self._write()
        try:
            with stage("start the app"):
                self._app.start()
                self._api = self._app.client()
                self._ask("/change_look", {"steps": STEPS})
            with stage("load the model, voting on imported images"):
                self._vote_until(lambda: self._sampler() == "ready")
            with stage("render two pairs, voting on imported images"):
                self._vote_until(lambda: self.votes["rendered"] >= 2)
            version = self._train()
            with stage("render with the version"):
                self._activate(version)
                before = self.votes["rendered"]
                self._vote_until(lambda: self.votes["rendered"] > before, "somebody new")
            with stage("compare it with its base"):
                compared = self._compare("base", version)
            self._export(version, compared)
        finally:
            self._app.stop()

    def _write(self) -> None:
        # In a process of its own: this one is to stay small.
        script = Path(__file__).with_name("random_checkpoint.py")
        small = ["--small"] if self._small else []
        subprocess.run(
            [sys.executable, str(script), str(self._file), "--side", str(self._side), *small],
            check=True,
        )

    def _train(self) -> str:
        """Fine-tune, and label all the while, so that the run pauses for missing pairs."""
        with self._memory.stage("train, with pauses for the sampler, and check the version"):
            run_id = self._ask("/fine_tune", json.dumps(SETTINGS))["run_id"]
            seen: list[str] = []

            def ended() -> bool:
                run = self._ask("/run_status", run_id)
                if run["state"] not in seen[-1:]:
                    seen.append(run["state"])
                return run["state"] in ENDED

            self._vote_until(ended)
            run = self._ask("/run_status", run_id)
        print(f"states of the run: {', '.join(seen)}; {self.votes} votes", flush=True)
        assert run["state"] == "done", run
        return str(run["version"])

    def _activate(self, version: str) -> None:
        """Use a version, also one that its checks hold back, as those of noise may."""
        try:
            self._ask("/activate", version)
        except Exception as error:
            print(f"held back: {error}", flush=True)
            self._ask("/activate", version, True)

    def _compare(self, before: str, after: str) -> list[np.ndarray]:
        urls = self._ask("/compare", PROMPTS[0], 1, before, after)
        images = [self._image(urls[key]) for key in ("before_url", "after_url")]
        print(f"{before} and {after} differ by {distance(*images):.2f} of 255", flush=True)
        return images

    def _export(self, version: str, compared: list[np.ndarray]) -> None:
        """Export in two forms, and read both back."""
        with self._memory.stage("export a LoRA, and check it against the base"):
            lora = self._ask("/export_version", version, "kohya")
            command = [sys.executable, "-m", "align", "import", self._path(lora)]
            base = ["--model", str(self._file)]
            done = subprocess.run([*command, *base], cwd=ROOT, check=True, capture_output=True)
            print(f"{lora['bytes'] / 1e6:.1f} MB: {done.stdout.decode().strip()[:200]}", flush=True)
        with self._memory.stage("export a checkpoint"):
            whole = self._ask("/export_version", version, "checkpoint")
            print(f"{whole['bytes'] / 1e9:.2f} GB", flush=True)
        with self._memory.stage("open the checkpoint, and render with it"):
            self._ask("/open_model", self._path(whole))
            wait_for(lambda: self._sampler() == "ready", "the checkpoint", PATIENT_S, 1.0)
            self._ask("/change_look", {"steps": STEPS})
            urls = self._ask("/compare", PROMPTS[0], 1, "base", "base")
            image = self._image(urls["before_url"])
        print(
            f"the checkpoint's image differs by {distance(image, compared[1]):.2f} of 255 from the "
            f"version's, by {distance(image, compared[0]):.2f} from the base's",
            flush=True,
        )

    def _vote_until(self, condition: Callable[[], bool], annotator: str = "me") -> None:
        """Vote on whatever pair there is, every few seconds, until something is true."""
        deadline = time.monotonic() + PATIENT_S
        while not condition():
            assert time.monotonic() < deadline, self._app.log.read_text()[-4000:]
            pair = self._ask("/next_pair", annotator)
            if "pair_id" in pair:
                verdict = self._chance.choice(["left", "right"])
                self._ask("/vote", pair["pair_id"], verdict, annotator, uuid.uuid4().hex)
                self.votes["rendered" if pair["prompt"] in PROMPTS else "imported"] += 1
            time.sleep(VOTE_S)

    def _sampler(self) -> str:
        return str(self._ask("/models")["sampler"]["state"])

    def _ask(self, endpoint: str, *arguments: Any) -> Any:
        return self._api.predict(*arguments, api_name=endpoint)

    def _image(self, url: str) -> np.ndarray:
        with Image.open(io.BytesIO(fetch(self._app.url + url)[1])) as image:
            assert image.size == (self._side, self._side), image.size
            return np.asarray(image.convert("RGB"), np.float32)

    def _path(self, exported: dict[str, Any]) -> str:
        return str(self._app.home / exported["saved"])


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """The mean difference of two images' pixels."""
    return float(np.abs(one - other).mean())


def write_images(folder: Path, side: int) -> Path:
    """Write images to import, two of each prompt: colored gradients."""
    folder.mkdir(parents=True, exist_ok=True)
    random_numbers = np.random.default_rng(0)
    ramp = np.linspace(0, 255, side, dtype=np.float32)
    for prompt in range(IMPORTED):
        for number in range(2):
            colors = random_numbers.uniform(0.0, 1.0, (2, 3))
            pixels = ramp[:, None, None] * colors[0] / 2 + ramp[None, :, None] * colors[1] / 2
            file = folder / f"{prompt}-{number}.png"
            Image.fromarray(pixels.astype(np.uint8)).save(file)
            file.with_suffix(".txt").write_text(f"a painting of colors, number {prompt}")
    return folder
