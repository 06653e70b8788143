"""SDXL at full size on a GPU, in ten minutes: speed, memory, and what was planned of both.

    python tests/bench/gpu.py [--minutes 9.5] [--parts ours,plain,sampler,fp16,int8]
    python tests/bench/gpu.py --dry               the same script on any machine, tiny, in seconds

Random weights of the published shapes at 1024 x 1024. `ours` is the real step of a run, by pairs in
a forward pass and by blocks that are computed again, beside what the memory model plans for them;
`plain` is the public script's, which encodes every image anew. Both print pairs a second, the peak
of memory, and the share of the device's bf16 peak that the arithmetic of a step comes to. `fp16`
and `int8` are ours in these formats of the base. Rows are printed as they come and written to
$OUT/gpu.json after each, so that an interrupted script loses nothing.

Tried on CPUs with --dry alone: no GPU was there to run it on.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench_snapshot import make_snapshot
from random_checkpoint import (
    embedded_shapes,
    published_shapes,
    side_metadata,
    write_random_checkpoint,
)
from speed import PlainLoop, Setting, forget_peak, peak_memory, synchronize

from align.client.config import TrainConfig
from align.client.models import describe_model
from align.client.run_folder import RunFolder
from align.client.single_file.model_config import model_config
from align.client.trainer import TrainerProcess
from align.contracts.models import ModelInfo
from align.contracts.rendering import RenderItem
from align.data.snapshot import read_snapshot
from align.device import Compute, choose_compute
from align.families.lookup import family_of
from align.sampling.image_sampler import render_settings
from align.sampling.render import render
from align.training.fitting.auto_batch import apply_gradient_checkpointing
from align.training.fitting.memory_model import plan_memory
from align.training.state import TrainingState
from align.training.step import train_step
from align.weights.pipeline import load_pipeline, quiet_libraries

SIDE, RANK = 1024, 16
PAIRS = (1, 2, 4, 8)
RECOMPUTED = ("none", "some", "all")
WARM_UP, MEASURED = 1, 3
RENDER_STEPS = 20
PARTS = ("ours", "plain", "sampler", "fp16", "int8")
PART_SHARE = {"ours": 0.35, "plain": 0.2, "sampler": 0.15, "fp16": 0.2, "int8": 0.2}
"""Of all the time: the most that a part may take."""
PEAK_TFLOPS = {
    "H200": 989, "H100": 989, "A100": 312, "L40S": 362, "L4": 121, "A10G": 70,
    "RTX 5090": 210, "RTX 4090": 165, "RTX 4080": 97, "RTX 3090": 71, "RTX 3080": 60,
}  # fmt: skip
"""Dense bf16 products with sums in fp32, by the vendor's data sheets."""
Row = dict[str, Any]


@dataclass
class Report:
    """Rows of the result, printed and written as they come."""

    until: float
    """When the script must be over, by the monotonic clock."""
    rows: list[Row] = field(default_factory=list)

    def add(self, **row: Any) -> None:
        """Print a row and write all of them."""
        self.rows.append(row)
        print(json.dumps(row), flush=True)
        if folder := os.environ.get("OUT"):
            Path(folder, "gpu.json").write_text(json.dumps(self.rows, indent=1))

    def left(self) -> float:
        """Return the seconds left."""
        return self.until - time.monotonic()


@dataclass(frozen=True)
class Bench:
    """What all parts need."""

    folder: Path
    model: ModelInfo
    report: Report
    pairs: tuple[int, ...]
    steps: int
    """Measured ones."""
    peak_tflops: float
    flops: float
    """Of one image's forward pass through the denoiser."""

    def compute(self) -> Compute:
        """Return the device and its formats."""
        return choose_compute(full_size=self.model.full_size)

    def setting(self, name: str, compute: Compute, **settings: Any) -> Setting:
        """Prepare a run folder of as many pairs a step as the largest forward pass."""
        run = RunFolder(self.folder / name)
        chosen = {
            "steps": 1000, "train_batch_size": max(self.pairs), "micro_batch_size": 1, "rank": RANK,
            "holdout_fraction": 0.0, "prompt_dropout": 0.0, "gradient_checkpointing": "none",
            "max_minutes": 0, "resolution": self.model.width,
        }  # fmt: skip
        snapshot = self.folder / "snapshot"
        TrainerProcess().prepare(run.path, snapshot, self.model, chosen | settings)
        pairs = read_snapshot(run.snapshot).pairs
        return Setting(run, self.model, run.read_config().train, compute, pairs)

    def speed_row(self, step: Callable[[int], object], pairs: int, passes: int) -> Row:
        """Measure a step of so many pairs; `passes` are forward passes that its arithmetic is."""
        forget_peak()
        seconds = []
        for number in range(WARM_UP + self.steps):
            began = time.perf_counter()
            step(number)
            synchronize()
            seconds.append(time.perf_counter() - began)
        each = sum(seconds[WARM_UP:]) / self.steps
        tflops = passes * 2 * pairs * self.flops / each / 1e12
        return {
            "pairs_per_s": round(pairs / each, 3),
            "peak_gib": round(peak_memory() * 1e6 / 2**30, 2),
            "tflops": round(tflops, 1),
            "of_bf16_peak": round(tflops / self.peak_tflops, 3),
        }


def main() -> None:
    """Run the parts that there is time for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=9.5)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--dry", action="store_true")
    arguments = parser.parse_args()
    report = Report(time.monotonic() + 60 * arguments.minutes)
    quiet_libraries()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        bench = prepare(Path(folder), report, arguments.dry)
        whole = report.left()
        for part in arguments.parts.split(","):
            limit = min(report.left(), PART_SHARE[part] * whole)
            began = time.monotonic()
            try:
                run_part(bench, part, began + limit)
            except (RuntimeError, ValueError, OSError, ImportError) as error:
                report.add(part=part, error=f"{type(error).__name__}: {str(error)[:300]}")
            report.add(part=part, seconds=round(time.monotonic() - began, 1))


def prepare(folder: Path, report: Report, dry: bool) -> Bench:
    """Write the model and the votes, and tell of the device."""
    shapes, metadata = embedded_shapes() if dry else (published_shapes(), side_metadata(SIDE))
    file, pairs = folder / "noise.safetensors", (1,) if dry else PAIRS
    began = time.monotonic()
    write_random_checkpoint(file, shapes, metadata)
    model = describe_model(str(file))
    make_snapshot(folder, 2 * max(pairs))
    name, memory, peak = device_facts()
    report.add(
        device=name, torch=torch.__version__, memory_gib=memory, peak_tflops=round(peak, 2),
        seconds=round(time.monotonic() - began, 1), pixels=model.width,
    )  # fmt: skip
    steps = 1 if dry else MEASURED
    return Bench(folder, model, report, pairs, steps, peak, forward_flops(model))


def run_part(bench: Bench, part: str, until: float) -> None:
    """Run one part until a time."""
    compute = bench.compute()
    if part == "ours":
        ours(bench, part, compute, RECOMPUTED, until)
    elif part == "plain":
        plain(bench, compute, until)
    elif part == "sampler":
        sampler(bench, compute, until)
    elif part == "fp16":
        half = Compute(compute.device, torch.float16, torch.float16)
        ours(bench, part, half if half.device.type == "cuda" else compute, ("all",), until)
    elif "base_format" in TrainConfig.__dataclass_fields__:
        ours(bench, part, compute, ("all",), until, base_format="int8")
    free()


def ours(
    bench: Bench, part: str, compute: Compute, recomputed: tuple[str, ...], until: float,
    **settings: Any,
) -> None:  # fmt: skip
    """Measure the loop's real step, with and without errors of the reference in the cache."""
    setting = bench.setting(part, compute, **settings)
    state = setting.training_state(bench.folder / f"{part}-cache")
    for checkpointing in recomputed:
        for pairs in bench.pairs:
            if time.monotonic() > until:
                bench.report.add(part=part, stopped=f"before {pairs} pairs, {checkpointing}")
                return
            row = ours_row(bench, state, checkpointing, pairs)
            bench.report.add(
                part=part, format=str(compute.weights), recomputed=checkpointing, **row
            )
            if "error" in row:
                break


def ours_row(bench: Bench, state: TrainingState, checkpointing: str, pairs: int) -> Row:
    """Measure one shape of step beside its plan."""
    config = replace(
        state.config, gradient_checkpointing=checkpointing, micro_batch_size=pairs,
        train_batch_size=pairs,
    )  # fmt: skip
    shaped = replace(state, config=config)
    size, unet = state.data.largest_size, state.unet
    apply_gradient_checkpointing(config, unet, size)
    planned = plan_memory(
        family_of(unet), dict(unet.config), size, pairs, RANK, checkpointing, state.compute.weights,
        base_format=config.base_format,
    )  # fmt: skip
    row = {"pairs": pairs, "planned_gib": round(planned.total_gib, 2)}

    def first_time(number: int) -> None:
        # Noise that the reference has not seen: what a first run does.
        state.reference._cache._known.clear()
        train_step(shaped, number)

    try:
        # Forward of both models, and a backward pass to the inputs: the base's weights are frozen.
        row |= bench.speed_row(first_time, pairs, passes=3)
    except torch.OutOfMemoryError:
        free()
        return row | {"error": "out of memory"}
    cached = bench.speed_row(lambda _: train_step(shaped, 0), pairs, passes=2)
    return row | {"pairs_per_s_when_cached": cached["pairs_per_s"]}


def plain(bench: Bench, compute: Compute, until: float) -> None:
    """Measure the public script's step."""
    setting = bench.setting("plain", compute)
    loop = PlainLoop(setting)
    loop.pipeline.unet.train()
    loop.pipeline.unet.enable_gradient_checkpointing()
    for pairs in bench.pairs:
        if time.monotonic() > until:
            return
        loop.setting = replace(setting, config=replace(setting.config, train_batch_size=pairs))
        try:
            row = bench.speed_row(loop.step, pairs, passes=3)
        except torch.OutOfMemoryError:
            free()
            row = {"error": "out of memory"}
        bench.report.add(part="plain", recomputed="all", pairs=pairs, **row)


def sampler(bench: Bench, compute: Compute, until: float) -> None:
    """Measure seconds an image by images at once."""
    pipeline = load_pipeline(bench.model, compute)
    settings = replace(render_settings(bench.model), steps=RENDER_STEPS if bench.steps > 1 else 2)
    render(pipeline, compute, [RenderItem("a forest", 0)], replace(settings, steps=2))
    for count in bench.pairs:
        if time.monotonic() > until:
            return
        items = [RenderItem("a portrait of an old man", seed) for seed in range(count)]
        forget_peak()
        began = time.perf_counter()
        try:
            render(pipeline, compute, items, settings)
        except torch.OutOfMemoryError:
            free()
            bench.report.add(part="sampler", images=count, error="out of memory")
            return
        each = (time.perf_counter() - began) / count
        bench.report.add(
            part="sampler", images=count, steps=settings.steps, seconds_each=round(each, 3),
            peak_gib=round(peak_memory() * 1e6 / 2**30, 2),
        )  # fmt: skip


def forward_flops(model: ModelInfo) -> float:
    """Count the operations of one image's forward pass, on the meta device."""
    config, family = model_config(model, "unet/config.json"), family_of(model)
    with torch.device("meta"):
        unet = family.build_denoiser(config)
        inputs = family.inputs_by_shape(unet, (model.width, model.height), 1, torch.float32, 77)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        unet(**inputs)
    return float(counter.get_total_flops())


def device_facts() -> tuple[str, float, float]:
    """Return a device's name, its memory in GiB, and its peak in TFLOPS.

    One whose data sheet is not listed is measured: a product of large matrices comes near it.
    """
    if not torch.cuda.is_available():
        return "cpu", 0.0, measured_peak("cpu", 512, torch.float32)
    name = torch.cuda.get_device_name()
    memory = torch.cuda.get_device_properties(0).total_memory / 2**30
    listed = next((peak for card, peak in PEAK_TFLOPS.items() if card in name), None)
    return name, round(memory, 1), listed or measured_peak("cuda", 8192, torch.bfloat16)


def measured_peak(device: str, side: int, dtype: torch.dtype) -> float:
    """Return the TFLOPS of a product of square matrices."""
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    seconds = []
    for _ in range(10):
        began = time.perf_counter()
        left @ right
        synchronize()
        seconds.append(time.perf_counter() - began)
    return 2 * side**3 / min(seconds) / 1e12


def free() -> None:
    """Give memory back before the next part."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
