"""Passes of a run and what fits into a budget, by numbers that can be counted by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from align.client.config import PRESETS, TrainConfig
from align.client.planning.costs import (
    Rendering,
    RunTimes,
    check_passes,
    evaluation_counts,
    passes_of,
    times_of,
)

RENDERING = Rendering((1024, 1024), steps=30, guided=True)
TIMES = RunTimes(before_s=100, step_s=10, cached_step_s=5, known_after=20, after_s=50)


def test_a_step_is_two_images_of_each_pair_forward_and_backward_and_the_reference():
    config = TrainConfig(train_batch_size=8, gradient_checkpointing="none")
    passes = passes_of(config, 88, 12, 1024, RENDERING)
    assert (passes.step, passes.cached_step) == (8 * 2 * 3, 8 * 2 * 2)


@pytest.mark.parametrize(("checkpointing", "passes"), [("some", 8 * 2 * 3.5), ("all", 8 * 2 * 4)])
def test_what_is_recomputed_is_another_forward_pass(checkpointing, passes):
    config = TrainConfig(train_batch_size=8, gradient_checkpointing=checkpointing)
    assert passes_of(config, 88, 12, 1024, RENDERING).step == passes


def test_the_reference_is_known_after_every_noise_sample_of_every_pair():
    config = TrainConfig(train_batch_size=8, noise_samples_per_pair=4)
    assert passes_of(config, 88, 12, 1024, RENDERING).known_after == 88 * 4 / 8


def test_checks_render_the_base_and_the_version_at_the_models_own_size():
    config = TrainConfig(check_prompts=4)
    # 4 prompts, 2 seeds, 2 versions; 30 guided steps and 16 passes to tell the prompt.
    assert check_passes(config, 1024, RENDERING) == 16 * (60 + 16)
    assert check_passes(config, 512, RENDERING) == 4 * 16 * (60 + 16)
    assert check_passes(config, 1024, replace(RENDERING, guided=False)) == 16 * (30 + 16)
    assert check_passes(replace(config, check_prompts=0), 1024, RENDERING) == 0


def test_a_run_with_a_budget_is_evaluated_less():
    assert evaluation_counts(TrainConfig()) == (5, 12)
    assert evaluation_counts(TrainConfig(max_minutes=45)) == (3, 6)
    with_budget, without = (
        passes_of(TrainConfig(max_minutes=minutes, check_prompts=0), 88, 12, 1024, RENDERING).after
        for minutes in (45.0, 0.0)
    )
    holdout, probe = 2 * 12 * (12 * 6 - 6 * 4), 2 * 2 * (64 * 4 - 32 * 2)
    assert without - with_budget == pytest.approx(0.6 * (holdout + probe))


def test_nothing_held_out_costs_nothing():
    config = TrainConfig(check_prompts=0)
    few = passes_of(config, 10, 0, 1024, RENDERING)
    assert few.after == pytest.approx(0.6 * (2 * 10 * 4 * 2 + 2 * 2 * 8 * 4))


@pytest.mark.parametrize(
    ("steps", "seconds"), [(0, 150), (1, 160), (20, 350), (21, 355), (40, 450)]
)
def test_steps_are_cheaper_once_the_reference_is_known(steps, seconds):
    assert TIMES.total(steps) == seconds


@pytest.mark.parametrize(
    ("seconds", "steps"), [(250, 20), (254, 20), (255, 21), (350, 40), (149, 9), (0, 1), (-40, 1)]
)
def test_the_steps_that_fit_are_the_most_that_end_in_time(seconds, steps):
    assert TIMES.steps_within(seconds, most=1000) == steps
    if seconds > 60:
        assert TIMES.total(steps) <= TIMES.before_s + seconds < TIMES.total(steps + 1)


def test_there_are_never_more_steps_than_asked_for_and_never_fewer_than_done():
    assert TIMES.steps_within(10_000, most=30) == 30
    assert TIMES.steps_within(0, most=30, done=4) == 4
    # Of the 20 steps with a reference 16 are left: 160 s, and 5 s for one more.
    assert TIMES.steps_within(50 + 165, most=1000, done=4) == 21
    assert TIMES.steps_within(50 + 15, most=1000, done=25) == 28


def test_times_are_passes_at_the_pace_of_one():
    passes = passes_of(PRESETS["sdxl"], 88, 12, 768, RENDERING)
    times = times_of(passes, forward_s=0.5, start_s=30)
    assert times.before_s == 30 + 200 * 0.5
    assert times.step_s == 0.5 * passes.step
    assert times.after_s == 30 + 0.5 * passes.after
