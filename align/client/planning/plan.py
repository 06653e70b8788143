"""Plan of a run before it starts: its steps, pixels and minutes, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from align.client.config import TrainConfig, configure, holdout_count
from align.client.objectives import OBJECTIVES
from align.client.planning.circumstances import NOTHING_KNOWN, UNKNOWN_DEVICE, Circumstances
from align.client.planning.costs import RunTimes, passes_of, times_of
from align.client.planning.measured import measured_by
from align.client.planning.resolution import own_side, side_on, side_within
from align.client.planning.speeds import PlanDevice, expected_forward_s
from align.contracts.durations import in_words
from align.contracts.run_files import RunPlan
from align.contracts.run_timing import Measured

GIB = 2**30
SMALL_PRESET = "embedded"
SMALL_START_S, SMALL_LOAD_S = 15.0, 2.0
"""The same of the embedded model, most of it imports, and loading it once more."""
SMALL_RUN = Measured(evaluation=2.4, finish=2.0, checks=1.15)
"""What it measures on 2 cores (tests/bench/clock.py), where passes say little of small tensors."""
START_S = 60.0
"""Starting and loading a full-size model, from a disk that reads 200 MB a second."""
NEARLY = 0.9
UNKNOWN = (
    "Counted for a slow card, since the one that trains is not known yet. A run settles by its own "
    "pace."
)
FEW_PAIRS = 50
UNHURRIED_CPU_S = 4 * 3600.0
"""A run that would take longer on a processor is told what a card does."""


@dataclass(frozen=True)
class Requirements:
    """Speed, time and memory of a run, until one has been measured."""

    pairs_per_s: float
    """The embedded model's is that of 2 cores which also render pairs."""
    around_s: float
    """Besides the steps: start, encoding, evaluation, checks."""
    memory: int
    """Bytes on the device."""


FULL_SIZE = Requirements(pairs_per_s=1.5, around_s=15.0, memory=20 << 30)
REQUIREMENTS = {
    SMALL_PRESET: Requirements(pairs_per_s=17.0, around_s=45.0, memory=2 << 30),
    "sdxl": FULL_SIZE,
    "sdxl-v": FULL_SIZE,
}


def plan(
    preset: str,
    pairs: int,
    settings: dict[str, Any] | str,
    known: Circumstances = NOTHING_KNOWN,
    steps: int | None = None,
    own: int | None = None,
) -> RunPlan:
    """Plan a run on this many preferences: its settings, and the minutes it should take.

    `steps` are those that the run has settled on, if it has; `own` is how many of the preferences
    were given here, where others came in from files.
    """
    config = configure(preset, settings)
    held_out = holdout_count(pairs, config.holdout_fraction, own)
    side = side_of(config, known)
    times = run_times(preset, config, pairs - held_out, held_out, side, known)
    chosen = steps or planned_steps(config, times)

    seconds, taught = times.total(chosen), chosen * config.train_batch_size
    objective = OBJECTIVES[config.objective]
    notes = [*vote_notes(pairs, held_out), *side_notes(config, side, known)]
    notes += step_notes(config, chosen, times, known)
    if preset != SMALL_PRESET and known.device == UNKNOWN_DEVICE:
        notes.append(UNKNOWN)
    return {
        "preset": preset,
        "objective": config.objective,
        "objective_title": objective.title,
        "source": objective.source,
        "pairs": pairs,
        "held_out": held_out,
        "steps": chosen,
        "batch": config.train_batch_size,
        "rank": config.rank,
        "kappa": config.kappa,
        "beta": 2 * config.kappa,
        "learning_rate": config.learning_rate,
        "minutes": round(seconds / 60, 1),
        "max_minutes": config.max_minutes,
        "passes": round(taught / max(1, pairs - held_out), 1),
        "side": side,
        "notes": notes,
        "summary": (
            f"{objective.plain} ({objective.title}): {quantity(pairs - held_out, 'pair')} to learn "
            f"from, {held_out} held out; {quantity(chosen, 'step')} of {config.train_batch_size} "
            f"pairs, {times_seen(taught, pairs - held_out)}; {trained_weights(config)}; "
            f"{side} pixels; {duration(seconds, config.max_minutes)}."
        ),
    }


def side_of(config: TrainConfig, known: Circumstances) -> int:
    """Return the side of a square of as many pixels as a run trains at."""
    size = known.rendering.size
    if config.resolution:
        return side_within(config.resolution, size)
    return side_on(known.device.memory, size)


def at_planned_side(config: TrainConfig, known: Circumstances) -> TrainConfig:
    """Return settings with the pixels of the plan, where they are fewer than the model's own.

    The trainer itself decides where the device is not known yet.
    """
    side = side_of(config, known)
    return replace(config, resolution=side) if side < own_side(known.rendering.size) else config


def run_times(
    preset: str,
    config: TrainConfig,
    train_pairs: int,
    held_out: int,
    side: int,
    known: Circumstances,
) -> RunTimes:
    """Return the seconds that the parts of a run should take on its device."""
    measured = measured_by(known.paces, known.device, side, config.num_processes)
    passes = passes_of(config, train_pairs, held_out, side, known.rendering)
    if preset == SMALL_PRESET and measured.forward_s is None:
        # Measured in the app, where pairs are rendered beside it: passes say little of that.
        required = REQUIREMENTS[preset]
        step_s = config.train_batch_size / (known.pairs_per_s or required.pairs_per_s)
        return RunTimes(0.0, step_s, step_s, 0, required.around_s)

    forward_s = measured.forward_s or expected_forward_s(known.device, side)
    start_s = SMALL_START_S if preset == SMALL_PRESET else START_S
    return times_of(passes, forward_s, start_s, measured)


def expected_of(preset: str, config: TrainConfig, known: Circumstances) -> Measured:
    """Return what earlier runs have measured, or of the pace alone what the device should reach."""
    side = side_of(config, known)
    measured = measured_by(known.paces, known.device, side, config.num_processes)
    if measured.forward_s is not None:
        return measured
    if preset != SMALL_PRESET:
        return Measured(forward_s=expected_forward_s(known.device, side))
    passes = passes_of(config, 0, 0, side, known.rendering)
    pairs_per_s = known.pairs_per_s or REQUIREMENTS[preset].pairs_per_s
    return replace(SMALL_RUN, forward_s=config.train_batch_size / pairs_per_s / passes.cached_step)


def planned_steps(config: TrainConfig, times: RunTimes) -> int:
    """Return the steps that fit into the budget of a run; all of them where it has none."""
    if not config.max_minutes:
        return config.steps
    return times.steps_within(60 * config.max_minutes - times.before_s, config.steps)


def vote_notes(pairs: int, held_out: int) -> list[str]:
    """Return a word of warning where there are few pairs to learn from."""
    if pairs >= FEW_PAIRS:
        return []
    few = "1 pair is" if pairs == 1 else f"{pairs} pairs are"
    unjudged = "" if held_out else " None of them is kept apart to judge the result."
    return [
        f"{few} few: the model may hardly change, or learn what only these images have in common. "
        f"With {FEW_PAIRS} or more it learns what you like.{unjudged}"
    ]


def side_notes(config: TrainConfig, side: int, known: Circumstances) -> list[str]:
    """Return a sentence on pixels that are fewer than the model's own."""
    own = own_side(known.rendering.size)
    if side >= own:
        return []
    if config.resolution:
        return [f"{side} pixels instead of {own}, as the settings say."]
    return [f"{side} pixels instead of {own}, since {memory_of(known.device)}."]


def memory_of(device: PlanDevice) -> str:
    """Return the memory of a device in words."""
    what = "this card" if device.kind == "cuda" else "this machine"
    return f"{what} has {device.memory / GIB:.0f} GB"


def step_notes(config: TrainConfig, steps: int, times: RunTimes, known: Circumstances) -> list[str]:
    """Return sentences on steps that do not fit into the budget, and on a processor's pace."""
    whole_s, budget_s, notes = times.total(config.steps), 60 * config.max_minutes, []
    if steps < config.steps:
        fit = f"{steps} of {config.steps} steps fit into {in_words(budget_s)}"
        if times.total(steps) > budget_s:
            fit = f"Not even {quantity(steps, 'step')} would fit into {in_words(budget_s)}"
        notes.append(f"{fit}; all {config.steps} would take about {in_words(whole_s)}.")
    if known.device.kind == "cpu" and whole_s > UNHURRIED_CPU_S:
        notes.append(
            f"This is a processor: a step takes about {in_words(times.step_s)}. A graphics card "
            "takes seconds."
        )
    return notes


def quantity(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count} {noun}{'s' * (count != 1)}"


def times_seen(taught: int, pairs: int) -> str:
    """Return how often each pair is seen in words."""
    if taught < pairs:
        return "not every pair once"
    times = round(taught / max(1, pairs))
    return "each pair " + {1: "once", 2: "about twice"}.get(times, f"about {times} times")


def duration(seconds: float, max_minutes: float = 0.0) -> str:
    """Say in words how long a run should take, and may take."""
    if round(seconds / 60, 1) < 1:
        return "less than a minute"
    limit_s = 60 * max_minutes
    # A run that fills its budget takes it whole, and one that goes beyond it has no limit.
    if NEARLY * limit_s < seconds <= limit_s:
        return f"{in_words(limit_s)} at most"
    return f"about {in_words(seconds)}"


def trained_weights(config: TrainConfig) -> str:
    """Say in words which weights are trained."""
    kinds = {"lora": f"LoRA rank {config.rank}", "dora": f"DoRA rank {config.rank}"}
    return kinds.get(config.adapter, "all weights")
