"""The run that the page speaks of, and when a run can go on."""

from typing import Any

import pytest

from annotate.training.run_status import current_run, resume_refusal


def runs(*states: str) -> list[Any]:
    """Runs in these states, newest first."""
    count = len(states)
    return [{"run_id": f"r{count - at:04d}", "state": state} for at, state in enumerate(states)]


@pytest.mark.parametrize(
    ("states", "chosen"),
    [
        ((), None),
        (("done", "cancelled"), "r0002"),
        (("done", "running"), "r0001"),
        (("queued", "paused", "done"), "r0002"),
        (("failed", "queued", "done"), "r0002"),
    ],
)
def test_the_current_run_is_the_one_under_way_whichever_is_the_newest(states, chosen):
    run = current_run(runs(*states))
    assert (run and run["run_id"]) == chosen


def test_a_cancelled_run_can_go_on_once_no_other_one_trains():
    done, cancelled = runs("done", "cancelled")
    assert resume_refusal(cancelled, [done, cancelled]) is None
    training, cancelled = runs("running", "cancelled")
    assert resume_refusal(cancelled, [training, cancelled]) == (
        "Run r0002 is under way. Wait for its end or cancel it, then resume this one."
    )
    waiting, failed = runs("queued", "failed")
    assert "waits to start" in str(resume_refusal(failed, [waiting, failed]))


def test_a_run_that_is_done_or_under_way_is_not_refused_for_another_one():
    paused, done = runs("paused", "done")
    assert resume_refusal(done, [paused, done]) is None
    assert resume_refusal(paused, [paused, done]) is None
