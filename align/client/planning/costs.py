"""Forward passes that a run is made of, counted before it starts, and what they make of a budget.

The unit everywhere is one forward pass of the denoiser over one image at the size that is trained
at. A backward pass through frozen weights costs one more: what a LoRA's own gradients add is small.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from align.client.config import TrainConfig
from align.contracts.image_sizes import Size
from align.contracts.run_timing import Measured

EVALUATIONS, EVALUATIONS_IN_BUDGET = 5, 3
"""Evaluations on the held-out pairs, spread evenly over a run."""
HOLDOUT_SAMPLES, HOLDOUT_SAMPLES_IN_BUDGET = 12, 6
"""Noise samples of each held-out pair, at every evaluation the same ones. On a small card five
evaluations of twelve would take a third of 45 minutes."""
PROBE, PROBE_IN_BUDGET = (64, 4), (32, 2)
"""The most training pairs whose order is measured at the end, and noise samples of each: the first
ones, which training has used, so that the reference's errors are cached."""
MOVEMENT_PAIRS, MOVEMENT_LEVELS = 8, 4
"""Pairs, and levels of noise, on which the distance from the base is measured at the end."""
RECOMPUTED = {"none": 0.0, "some": 0.5, "all": 1.0, "auto": 1.0}
"""Share of the forward pass that is taken again for the backward pass."""
WITHOUT_GRADIENTS = 0.6
"""Cost of a forward pass that keeps nothing for a backward pass: cards render at about half of what
their vendors say, and train at a quarter."""
CHECK_SEEDS = 2
CLASSIFIED = 16
"""Forward passes that tell the prompt of an image: four prompts, four noise samples."""
ENCODE_PASSES = 1.0
"""Of the autoencoder for an image, in forward passes of the denoiser: counted for SDXL in fp32."""


@dataclass(frozen=True)
class Rendering:
    """How the release checks render: the model's own way, or the look of a run."""

    size: Size
    steps: int
    guided: bool
    """Guidance takes a second forward pass a step."""


@dataclass(frozen=True)
class Passes:
    """Forward passes of a run."""

    encoding: float
    step: float
    """An optimizer step whose reference has to be computed."""
    cached_step: float
    """An optimizer step whose reference is known."""
    known_after: int
    """Steps after which every noise sample of every pair has been seen."""
    evaluation: float
    """One evaluation on held-out pairs; the first one computes the reference as well, as long."""
    evaluations: int
    finish: float
    """What follows the last step: the probe, and the distance from the base."""
    checks: float
    """The release checks."""

    def at_step(self, step: int) -> float:
        """Return the passes of one optimizer step, the first one being 1."""
        return self.step if step <= self.known_after else self.cached_step

    @property
    def after(self) -> float:
        """Return the passes besides encoding and steps, each worth less than one of a step."""
        evaluations = self.evaluation * (self.evaluations + 1)
        return WITHOUT_GRADIENTS * (evaluations + self.finish + self.checks)


def passes_of(
    config: TrainConfig, train_pairs: int, held_out: int, side: int, rendering: Rendering
) -> Passes:
    """Count the forward passes of a run that trains at as many pixels as a square of this side."""
    recomputed = RECOMPUTED[config.gradient_checkpointing]
    # Both images of a pair, each forward, backward and perhaps forward again; processes share a
    # step, and do the rest side by side.
    own_pairs = config.train_batch_size / config.num_processes
    policy, reference = 2 * (2 + recomputed) * own_pairs, 2 * own_pairs
    samples = train_pairs * config.noise_samples_per_pair

    evaluations, holdout_samples = evaluation_counts(config)
    probe_pairs, probe_samples = probe_counts(config)
    probe = 2 * min(train_pairs, probe_pairs) * probe_samples * 2
    movement = 2 * 2 * MOVEMENT_PAIRS * MOVEMENT_LEVELS
    return Passes(
        encoding=2 * (train_pairs + held_out) * ENCODE_PASSES,
        step=policy + reference,
        cached_step=policy,
        known_after=math.ceil(samples / config.train_batch_size),
        evaluation=2 * held_out * holdout_samples,
        evaluations=evaluations,
        finish=probe + movement,
        checks=check_passes(config, side, rendering),
    )


def check_passes(config: TrainConfig, side: int, rendering: Rendering) -> float:
    """Count the forward passes of the release checks: the base and the version render alike."""
    images = config.check_prompts * CHECK_SEEDS * 2
    each = rendering.steps * (2 if rendering.guided else 1) + CLASSIFIED
    # They render at the model's own size, whatever the size of training.
    width, height = rendering.size
    return images * each * width * height / side**2


def evaluation_counts(config: TrainConfig) -> tuple[int, int]:
    """Return the evaluations of a run, and the noise samples of each held-out pair in them."""
    if config.max_minutes:
        return EVALUATIONS_IN_BUDGET, HOLDOUT_SAMPLES_IN_BUDGET
    return EVALUATIONS, HOLDOUT_SAMPLES


def evaluation_steps(steps: int, evaluations: int) -> list[int]:
    """Return the steps of a run after which the held-out pairs are evaluated."""
    every = max(1, steps // max(1, evaluations))
    return sorted({*range(every, steps + 1, every), steps})


def probe_counts(config: TrainConfig) -> tuple[int, int]:
    """Return the most training pairs that are probed at the end, and the noise samples of each."""
    return PROBE_IN_BUDGET if config.max_minutes else PROBE


@dataclass(frozen=True)
class RunTimes:
    """Seconds that the parts of a run take."""

    before_s: float
    """Start, loading, encoding."""
    step_s: float
    """An optimizer step whose reference has to be computed."""
    cached_step_s: float
    known_after: int
    after_s: float
    """Evaluations and checks."""

    def between(self, done: int, steps: int) -> float:
        """Return the seconds from after step `done` to after step `steps`."""
        fresh = max(0, min(steps, self.known_after) - done)
        return fresh * self.step_s + (steps - done - fresh) * self.cached_step_s

    def total(self, steps: int) -> float:
        """Return the seconds of a run of this many steps."""
        return self.before_s + self.between(0, steps) + self.after_s

    def steps_within(self, seconds: float, most: int, done: int = 0) -> int:
        """Return how many steps end, with all that comes after, `seconds` after step `done`.

        At least one, and one more than are done already where no other fits: a run without any
        would have nothing to show. At most `most`.
        """
        left = seconds - self.after_s
        fresh = max(0, self.known_after - done)
        if left <= fresh * self.step_s:
            fitting = done + math.floor(max(0.0, left) / self.step_s)
        else:
            rest = (left - fresh * self.step_s) / self.cached_step_s
            fitting = done + fresh + math.floor(rest)
        return max(1, done, min(most, fitting))


def times_of(
    passes: Passes, forward_s: float, start_s: float = 0.0, measured: Measured | None = None
) -> RunTimes:
    """Return the seconds of a run whose forward pass of one image takes `forward_s`.

    `start_s` is what starts and loads take, before the run and before its checks, where an earlier
    run like it has not `measured` that.
    """
    known = measured or Measured()
    image_s = forward_s if known.image_s is None else known.image_s
    after = passes.evaluation * (passes.evaluations + 1) * (known.evaluation or 1.0)
    after += passes.finish * (known.finish or 1.0) + passes.checks * (known.checks or 1.0)
    # What the checks were measured to take includes loading.
    loaded_s = start_s if known.checks is None else 0.0
    return RunTimes(
        before_s=(known.start_s or start_s) + passes.encoding * image_s,
        step_s=passes.step * forward_s * (1 + known.waited),
        cached_step_s=passes.cached_step * forward_s * (1 + known.waited),
        known_after=passes.known_after,
        after_s=loaded_s + WITHOUT_GRADIENTS * after * forward_s,
    )
