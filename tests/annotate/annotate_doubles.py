"""An image model and a trainer that are quick, and honest about everything else.

The painter stores real PNG files, whose look depends on prompt, seed and adapter. The trainer
starts real processes that outlive their starter. Both keep the protocols of annotate.interfaces.
"""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil
from PIL import Image, PngImagePlugin

from align.client.planning.setting_fields import setting_fields
from align.contracts.errors import InvalidInput, PalateError
from align.contracts.models import ModelInfo
from align.contracts.rendering import Rendered, SamplerState
from align.contracts.run_files import RunState, RunStatus
from align.contracts.run_settings import RunSettingFields
from align.contracts.step_progress import StepProgress

CHILD = Path(__file__).with_name("annotate_trainer_child.py")


class Trouble(PalateError):
    """What the doubles raise where the real ones raise their own errors."""


def small_model(**changes: Any) -> ModelInfo:
    """Return a model to be named; the embedded one unless told otherwise."""
    small = ModelInfo(
        "emoji", "emoji", "emoji-0123456789ab", "embedded", 16, 16, steps=2, guidance=4.0
    )
    return replace(small, **changes)


class PaintingSampler:
    """Paints patches; `brush` can be taken away to make it wait.

    With a `dull` colour every image is just that.
    """

    def __init__(
        self,
        images_dir: Path,
        device: str = "cpu",
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self.images_dir, self.device, self.on_ready = images_dir, device, on_ready
        self.requests: list[int] = []
        self.settings: list[Any] = []
        """What each request was to be rendered with."""
        self.expected_s: float | None = None
        self.told: StepProgress | None = None
        """What is told of each request that somebody watches, as it begins."""
        self.trouble: str | None = None
        self.dull: tuple[int, int, int] | None = None
        self.brush = threading.Event()
        self.brush.set()
        self.current = "stopped"
        self.stops = 0
        self._turn = threading.Lock()
        self.waiting: list[int] = []
        """How many images somebody waits for, of each request that does not give way."""

    def start(self) -> None:
        self.current = "ready"
        self.on_ready()

    def retry(self) -> None:
        if self.current == "failed":
            self.start()

    def stop(self) -> None:
        self.current = "stopped"
        self.stops += 1

    def expected_image_s(self, settings: Any) -> float | None:
        return self.expected_s

    def state(self) -> SamplerState:
        detail = "Loading the image model." if self.current == "loading" else ""
        return SamplerState(self.current, detail, self.device)

    def render(
        self,
        items: Sequence[Any],
        adapters: Sequence[tuple[Path, float]],
        settings: Any,
        on_image: Callable[[int, Rendered], None] | None = None,
        prefer_throughput: bool = False,
        preemptible: bool = False,
        on_progress: Callable[[StepProgress], None] | None = None,
        previews: bool = False,
    ) -> list[Rendered]:
        if not preemptible:
            self.waiting.append(len(items))
        with self._turn:
            if not preemptible:
                self.waiting.remove(len(items))
            self.requests.append(len(items))
            self.settings.append(settings)
            if on_progress and self.told:
                shown = self.told["previews"] if previews else []
                on_progress({**self.told, "count": len(items), "previews": shown})
            painted: list[Rendered] = []
            for index, item in enumerate(items):
                self._await_brush()
                if preemptible and self.waiting:
                    break
                painted.append(self._paint(item, adapters, settings))
                if on_image:
                    on_image(index, painted[-1])
            return painted

    def score(
        self,
        prompts: Sequence[str],
        images: Sequence[Path],
        adapter: Path,
        settings: Any,
        on_score: Callable[[int, float], None] | None = None,
    ) -> list[float]:
        with self._turn:
            self._await_brush()
            return [self.worth(image) for image in images]

    @staticmethod
    def worth(image: Path) -> float:
        """What this one likes: red."""
        with Image.open(image) as opened:
            return float(opened.convert("RGB").getpixel((0, 0))[0])

    def _await_brush(self) -> None:
        while not self.brush.wait(0.01):
            if self.current == "stopped":
                raise Trouble("The image model stopped while it was rendering.")
        if self.trouble:
            raise Trouble(self.trouble)

    def _paint(self, item: Any, adapters: Sequence[tuple[Path, float]], settings: Any) -> Rendered:
        # An empty file stands for an adapter that changes nothing.
        contents = [(path.read_bytes(), weight) for path, weight in adapters]
        tuned = b"".join(content + str(weight).encode() for content, weight in contents if content)
        look = hashlib.sha256(f"{item.prompt}|{item.seed}|".encode() + tuned).digest()
        buffer = io.BytesIO()
        size = (settings.width, settings.height)
        # Patches, so that no two images look alike; the text chunk keeps their files apart.
        note = PngImagePlugin.PngInfo()
        note.add_text("look", look.hex())
        patches = Image.frombytes("RGB", (8, 8), hashlib.shake_256(look).digest(192))
        image = patches if self.dull is None else Image.new("RGB", (8, 8), self.dull)
        image.resize(size, Image.Resampling.NEAREST).save(buffer, "PNG", pnginfo=note)
        content = buffer.getvalue()
        sha256 = hashlib.sha256(content).hexdigest()
        path = self.images_dir / sha256[:2] / f"{sha256}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return Rendered(sha256, *size)


class ChildTrainer:
    """Starts a child process per run; `settings` know steps, fail_at and the result to have."""

    def __init__(self, crowded: bool = False, apart: bool = False) -> None:
        self.crowded, self.apart = crowded, apart
        self.minutes = 1.0
        """How long its runs are expected to take."""
        self.eta_s = 1.0
        """How long its runs say that they still take."""
        self.children: list[subprocess.Popen[bytes]] = []

    def plan(
        self,
        model: Any,
        pairs: int,
        settings: dict[str, Any],
        pairs_per_s: float | None = None,
        sampler: Any = None,
        paces: Sequence[Any] = (),
        own: int | None = None,
    ) -> dict[str, Any]:
        known = {"steps", "budget", "fail_at", "init_from", "start", "result"}
        if unknown := set(settings) - known:
            raise Trouble(f"Unknown setting {unknown.pop()!r}.")
        steps = settings.get("steps", 3)
        if not 1 <= steps <= 100_000:
            error = InvalidInput(f"steps must be between 1 and 100000, got {steps!r}.")
            error.field = "steps"
            raise error
        facts = {"held_out": 0, "minutes": self.minutes, "summary": "A run without a model."}
        return {"preset": model.preset, "pairs": pairs, "steps": steps, **facts}

    def setting_fields(self, model: Any) -> RunSettingFields:
        return setting_fields(model.preset)

    def prepare(
        self,
        run_dir: Path,
        snapshot: Path,
        model: Any,
        settings: dict[str, Any],
        start: Path | None = None,
        look: Any = None,
        sampler: Any = None,
        samples: Sequence[Any] = (),
        paces: Sequence[Any] = (),
    ) -> None:
        run_dir.mkdir(parents=True)
        if start is not None:
            shutil.copyfile(start, run_dir / "start.safetensors")
        shutil.copytree(snapshot, run_dir / "snapshot")
        known = {"settings": settings, "look": look and asdict(look), "samples": samples}
        config = json.dumps(known)
        (run_dir / "config.json").write_text(config, encoding="utf-8")

    def start(self, run_dir: Path) -> None:
        if self.is_alive(run_dir):
            return
        for asked in ("cancel", "pause"):
            (run_dir / asked).unlink(missing_ok=True)
        child = subprocess.Popen([sys.executable, str(CHILD), str(run_dir)])
        self.children.append(child)
        process = psutil.Process(child.pid)
        announced = {"state": "running", "pid": child.pid, "pid_started": process.create_time()}
        scratch = run_dir / "status.tmp"
        scratch.write_text(json.dumps(announced), encoding="utf-8")
        os.replace(scratch, run_dir / "status.json")

    def status(self, run_dir: Path) -> RunStatus:
        # The order matters: a child may end between the two looks.
        alive = self.is_alive(run_dir)
        stored = self._stored(run_dir)
        state = stored.get("state", "queued")
        if state == "running" and not alive:
            state = "interrupted"
        step, steps = stored.get("step", 0), stored.get("steps", 0)
        share = step / steps if steps else 0.0
        eta = self.eta_s if state in ("running", "paused") else None
        error, result = stored.get("error"), stored.get("result")
        asked = state in ("running", "paused") and (run_dir / "cancel").exists()
        status = RunStatus(RunState(state), "training", step, steps, share, eta, error, result)
        return replace(status, cancelling=asked)

    def metrics(self, run_dir: Path, since: int = 0) -> list[dict[str, Any]]:
        path = run_dir / "metrics.jsonl"
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
        return [row for row in map(json.loads, lines) if row["step"] > since]

    def settings(self, run_dir: Path) -> dict[str, Any]:
        given = json.loads((run_dir / "config.json").read_text(encoding="utf-8"))["settings"]
        return {"steps": 3, "fail_at": 0, **given}

    def timing(self, run_dir: Path) -> None:
        return None

    def adapter(self, run_dir: Path) -> Path:
        return run_dir / "adapter.safetensors"

    def is_alive(self, run_dir: Path) -> bool:
        stored = self._stored(run_dir)
        if stored.get("state") != "running":
            return False
        try:
            process = psutil.Process(stored["pid"])
            same = abs(process.create_time() - stored["pid_started"]) < 2
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def cancel(self, run_dir: Path) -> None:
        (run_dir / "cancel").touch()
        if (stored := self._stored(run_dir)).get("state") == "paused":
            status = json.dumps(stored | {"state": "cancelled"})
            (run_dir / "status.json").write_text(status, encoding="utf-8")

    def pause(self, run_dir: Path) -> None:
        (run_dir / "pause").touch()

    def go_on(self, run_dir: Path) -> None:
        (run_dir / "pause").unlink(missing_ok=True)
        if self._stored(run_dir).get("state") == "paused":
            self.start(run_dir)

    def kill(self, run_dir: Path) -> None:
        psutil.Process(self._stored(run_dir)["pid"]).kill()

    def has_own_device(self) -> bool:
        return self.apart

    def needs_sampler_stopped(self, model: Any, sampler: Any) -> bool:
        return self.crowded

    def starts(self, run_dir: Path) -> int:
        """How often a process began to work in this run folder."""
        path = run_dir / "starts.txt"
        return len(path.read_text(encoding="utf-8").split()) if path.exists() else 0

    def end(self) -> None:
        """Leave no process behind."""
        for child in self.children:
            child.kill()
            child.wait()

    def _stored(self, run_dir: Path) -> dict[str, Any]:
        try:
            stored: dict[str, Any] = json.loads((run_dir / "status.json").read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return stored
