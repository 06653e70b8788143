"""What a run measures of its own time, and what is made of that before the next one starts."""

from __future__ import annotations

import pytest

from align.client.config import configure
from align.client.planning.circumstances import Circumstances
from align.client.planning.measured import measured_by
from align.client.planning.plan import expected_of, plan
from align.client.planning.run_timings import (
    EXPECTED,
    TIMING,
    read_expected,
    read_timing,
    write_expected,
    write_timing,
)
from align.client.planning.speeds import PlanDevice
from align.contracts.run_timing import Measured, RunTiming

TIMED: RunTiming = {
    "device": "cpu",
    "name": "",
    "side": 128,
    "forward_s": 0.01,
    "processes": 1,
    "steps": 40,
    "waited": 0.5,
    "start_s": 9.0,
    "image_s": 0.03,
    "evaluation": 2.0,
    "finish": None,
    "checks": None,
}
CPU = PlanDevice("cpu", cores=2)


def test_times_come_back_as_they_were_written(tmp_path):
    write_timing(tmp_path, TIMED)
    assert read_timing(tmp_path) == TIMED
    expected = Measured(forward_s=0.01, checks=1.2)
    write_expected(tmp_path, expected)
    assert read_expected(tmp_path) == expected


@pytest.mark.parametrize("text", ["", "{", "[]", '{"steps": 3}', '{"unknown": 1}'])
def test_a_file_that_says_nothing_usable_stops_no_run(tmp_path, text):
    assert read_timing(tmp_path) is None and read_expected(tmp_path) == Measured()
    for name in (TIMING, EXPECTED):
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_timing(tmp_path) is None and read_expected(tmp_path) == Measured()


def test_runs_count_with_the_steps_that_they_did():
    few = {**TIMED, "forward_s": 0.04, "steps": 10, "checks": 3.0}
    measured = measured_by([few, TIMED], CPU, 128)
    # Ten steps of the newest one, and forty of the one before.
    assert measured.forward_s == pytest.approx(0.2 * 0.04 + 0.8 * 0.01)
    assert (measured.checks, measured.finish, measured.start_s) == (3.0, None, 9.0)
    many = {**TIMED, "forward_s": 0.04, "steps": 100}
    assert measured_by([many, TIMED], CPU, 128).forward_s == 0.04


@pytest.mark.parametrize(
    "other", [{"side": 64}, {"device": "cuda"}, {"processes": 2}, {"name": "NVIDIA T4"}]
)
def test_runs_of_another_size_device_or_number_of_processes_say_nothing(other):
    named = PlanDevice("cpu", "AMD EPYC", cores=2)
    paces = [{**TIMED, "name": "AMD EPYC", "forward_s": 1.0, **other}]
    assert measured_by(paces, named, 128) == Measured()
    assert measured_by([{**TIMED, "name": "AMD EPYC"}], named, 128).forward_s == 0.01


def test_a_plan_of_the_embedded_model_takes_what_was_measured_here():
    guessed = plan("embedded", 100, {}, Circumstances(CPU))
    slow = {**TIMED, "side": guessed["side"], "forward_s": 0.05, "waited": 0.0}
    measured = plan("embedded", 100, {}, Circumstances(CPU, paces=[slow]))
    quick = plan("embedded", 100, {}, Circumstances(CPU, paces=[{**slow, "forward_s": 0.005}]))
    assert measured["minutes"] > guessed["minutes"] > quick["minutes"]
    beside = plan("embedded", 100, {}, Circumstances(CPU, paces=[{**slow, "waited": 1.0}]))
    assert beside["minutes"] > measured["minutes"]


def test_without_an_earlier_run_the_device_tells_what_to_expect():
    card = Circumstances(PlanDevice("cuda", "NVIDIA GeForce RTX 4090", 24 << 30))
    slow = Circumstances(PlanDevice("cuda", "NVIDIA GeForce RTX 3060", 24 << 30))
    config = configure("sdxl", {"resolution": 1024})
    fast_s, slow_s = (expected_of("sdxl", config, known).forward_s for known in (card, slow))
    assert fast_s and slow_s and fast_s < slow_s / 4
    assert expected_of("embedded", configure("embedded", {}), Circumstances()).forward_s
