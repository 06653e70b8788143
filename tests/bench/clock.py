"""Is the time left that a run tells what it takes? On a machine that does other things as well.

    python tests/bench/clock.py [--busy 0,1,2] [--steps 600] [--every 10] [--since 30] [--out FILE]

For each number of busy processes, which are started before the run: a run of the embedded model as
the app makes one, with its checks and samples, without an earlier run to learn from. What it tells
is read every ten seconds from thirty on. Prints the share of the readings within a factor of 1.5 of
what was left in truth, the worst ones, and what the plan expected. `--after` trains so many steps
before, whose times the runs know. `--out` keeps all readings as JSON. The true figures need a
machine that does nothing else.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from bench_snapshot import make_snapshot

from align.client.models import describe_model
from align.client.planning.run_timings import read_expected, read_timing
from align.client.run_folder import RunFolder
from align.client.trainer import TrainerProcess
from align.contracts.durations import in_words

FACTOR = 1.5
POLL_S = 0.2
WORST = 5
SAMPLES = [{"prompt": f"a cat {seed}", "seed": seed, "voted": seed < 2} for seed in range(4)]
SPIN = "while True: pass"


@dataclass(frozen=True)
class Reading:
    """What a run told at a time."""

    at_s: float
    told_s: float | None
    step: int
    phase: str
    left_s: float = 0.0

    @property
    def off(self) -> float:
        """How many times too long or too short it was."""
        if not self.told_s:
            return float("inf")
        return max(self.told_s / self.left_s, self.left_s / self.told_s)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--busy", default="0,1,2", help="busy processes, a case for each number")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--every", type=float, default=10.0)
    parser.add_argument("--since", type=float, default=30.0)
    parser.add_argument("--after", type=int, default=0, help="steps of a run before")
    parser.add_argument("--out", type=Path, help="file for all readings")
    arguments = parser.parse_args()

    cases: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        snapshot, paces = make_snapshot(folder, arguments.pairs), []
        if arguments.after:
            before = train(folder / "before", snapshot, arguments.after, [])
            finish(before)
            paces = [timing] if (timing := read_timing(before.path)) else []
        for busy in map(int, arguments.busy.split(",")):
            with busy_processes(busy):
                run = train(folder / f"busy-{busy}", snapshot, arguments.steps, paces)
                readings, whole_s = watch(run, arguments.every)
            cases[str(busy)] = [asdict(reading) for reading in readings]
            report(busy, [r for r in readings if r.at_s >= arguments.since], whole_s, run)

    if arguments.out:
        arguments.out.write_text(json.dumps(cases, indent=1), encoding="utf-8")


@contextlib.contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Keep so many processors busy."""
    children = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(count)]
    try:
        yield
    finally:
        for child in children:
            child.kill()
            child.wait()


def train(path: Path, snapshot: Path, steps: int, paces: list[Any]) -> RunFolder:
    """Start a run that ends after its last step, and with caches of its own."""
    trainer, model = TrainerProcess(cache=path.with_suffix(".cache")), describe_model()
    settings = {"steps": steps, "patience": 0}
    planned = trainer.plan(model, 100, settings, paces=paces)
    trainer.prepare(path, snapshot, model, settings, samples=SAMPLES, paces=paces)
    print(f"planned: {in_words(60 * planned['minutes'])}, by {read_expected(path)}", flush=True)
    trainer.start(path)
    return RunFolder(path)


def watch(run: RunFolder, every: float) -> tuple[list[Reading], float]:
    """Read what a run tells until it is done; return that, with what was left in truth."""
    began, readings = time.monotonic(), []
    while (status := run.status()).state == "running":
        passed = time.monotonic() - began
        if passed >= every * (len(readings) + 1):
            readings.append(Reading(passed, status.eta_s, status.step, status.phase))
        time.sleep(POLL_S)
    whole_s = time.monotonic() - began
    require_done(run)
    return [Reading(r.at_s, r.told_s, r.step, r.phase, whole_s - r.at_s) for r in readings], whole_s


def finish(run: RunFolder) -> None:
    """Wait for the end of a run."""
    while run.status().state == "running":
        time.sleep(POLL_S)
    require_done(run)


def require_done(run: RunFolder) -> None:
    if run.status().state != "done":
        raise RuntimeError(run.log.read_text(encoding="utf-8")[-2000:])


def report(busy: int, readings: list[Reading], whole_s: float, run: RunFolder) -> None:
    """Print how good the readings of a case were."""
    right = sum(reading.off <= FACTOR for reading in readings)
    share = right / len(readings) if readings else 0.0
    print(
        f"{busy} busy: {whole_s:.0f} s, {right} of {len(readings)} readings within {FACTOR}", end=""
    )
    print(f", {100 * share:.0f} %. Measured: {read_timing(run.path)}", flush=True)
    for reading in sorted(readings, key=lambda reading: -reading.off)[:WORST]:
        told = "nothing" if reading.told_s is None else f"{reading.told_s:.0f} s"
        where = f"step {reading.step}, {reading.phase}"
        print(f"    at {reading.at_s:.0f} s ({where}): {told} told, {reading.left_s:.0f} s left")


if __name__ == "__main__":
    main()
