"""Do two processes train what one does? The relative distance of their adapters.

    python tests/bench/processes.py [--steps 50]

Both runs start from the same votes and seed in fp32; two processes are started by accelerate.
Prints the relative L2 distance of the adapters and the largest difference of a step's loss.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from bench_snapshot import make_snapshot

from align.client.models import describe_model
from align.client.run_folder import RunFolder
from align.client.trainer import TrainerProcess


def main() -> None:
    """Train twice and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=50)
    steps = parser.parse_args().steps
    with tempfile.TemporaryDirectory() as scratch:
        snapshot = make_snapshot(Path(scratch))
        one, two = (train(Path(scratch), snapshot, steps, count) for count in (1, 2))
        print(f"{steps} steps: relative L2 distance {distance(one, two):.2e}, ", end="")
        print(f"largest difference of a loss {largest_gap(one, two):.2e}")


def train(folder: Path, snapshot: Path, steps: int, processes: int) -> RunFolder:
    """A finished run by so many processes."""
    run, trainer = RunFolder(folder / f"by-{processes}"), TrainerProcess()
    settings = {
        "steps": steps,
        "train_batch_size": 4,
        "micro_batch_size": 2,
        "num_processes": processes,
        "precision": "fp32",
        "patience": 0,
    }
    trainer.prepare(run.path, snapshot, describe_model(), settings)
    started = time.monotonic()
    trainer.start(run.path)
    while run.status().state == "running":
        time.sleep(0.5)
    if run.status().state != "done":
        raise RuntimeError(run.log.read_text(encoding="utf-8")[-2000:])
    print(f"{processes} process(es): {time.monotonic() - started:.0f} s", flush=True)
    return run


def distance(one: RunFolder, two: RunFolder) -> float:
    """‖a - b‖ / ‖a‖ over all weights of the adapters."""
    first, second = load_file(one.adapter), load_file(two.adapter)
    gap = sum(float((first[name] - second[name]).square().sum()) for name in first)
    return (gap / sum(float(weight.square().sum()) for weight in first.values())) ** 0.5


def largest_gap(one: RunFolder, two: RunFolder) -> float:
    """Over all steps, how far the two losses are apart."""
    pairs = zip(one.metrics(), two.metrics(), strict=True)
    return max(abs(first["loss"] - second["loss"]) for first, second in pairs)


if __name__ == "__main__":
    main()
