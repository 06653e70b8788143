"""Long jobs on votes: one at a time, with progress, time left, a stop and an end that is kept."""

from __future__ import annotations

import threading

import pytest

from annotate.data_jobs.jobs import DataJobs
from annotate.errors import DataJobBusy, InvalidRequest


class SteppedClock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Work:
    """Work that goes on until it is let go, and heeds a stop."""

    def __init__(self) -> None:
        self.go, self.reached = threading.Event(), threading.Event()

    def __call__(self, progress, cancelled):
        progress(25, 100)
        self.reached.set()
        while not self.go.wait(0.005):
            if cancelled.is_set():
                raise InvalidRequest("Stopped. Nothing was brought in.")
        return {"votes": 100}


@pytest.fixture
def clock():
    return SteppedClock()


@pytest.fixture
def jobs(clock):
    jobs = DataJobs(clock)
    yield jobs
    jobs.close()


def test_a_job_tells_how_far_it_is_and_how_long_it_still_takes(jobs, clock):
    work = Work()
    jobs.begin("import", "Bringing in votes", work)
    assert work.reached.wait(5)
    assert jobs.view()["seconds_left"] is None, "told from the first moment on"

    clock.now = 10.0
    view = jobs.view()
    assert (view["state"], view["done"], view["of"]) == ("running", 25, 100)
    assert (view["seconds"], view["seconds_left"]) == (10.0, 30.0)

    work.go.set()
    assert jobs.wait(5)
    view = jobs.view()
    assert (view["state"], view["result"], view["seconds_left"]) == ("done", {"votes": 100}, None)


def test_there_is_one_job_at_a_time(jobs):
    work = Work()
    jobs.begin("import", "Bringing in votes", work)
    with pytest.raises(DataJobBusy, match="Bringing in votes is under way"):
        jobs.begin("export", "Writing votes", work)

    work.go.set()
    jobs.wait(5)
    assert jobs.run("export", "Writing votes", work) == {"votes": 100}


def test_a_job_that_is_stopped_says_so_with_its_own_sentence(jobs):
    work = Work()
    jobs.begin("import", "Bringing in votes", work)
    work.reached.wait(5)
    jobs.stop()
    assert jobs.wait(5)
    view = jobs.view()
    assert (view["state"], view["message"]) == ("stopped", "Stopped. Nothing was brought in.")


def test_the_error_of_a_job_is_kept_until_the_next_begins_or_it_is_forgotten(jobs):
    def refused(progress, cancelled):
        raise InvalidRequest("votes.csv has no rows.")

    with pytest.raises(InvalidRequest, match="no rows"):
        jobs.run("import", "Bringing in votes", refused)
    assert (jobs.view()["state"], jobs.view()["message"]) == ("failed", "votes.csv has no rows.")
    jobs.forget()
    assert jobs.view() is None


def test_a_result_can_be_looked_up_once_another_job_followed(jobs):
    jobs.run("export", "Writing votes", lambda progress, cancelled: {"path": "/votes"})
    jobs.run("backup", "Backing up", lambda progress, cancelled: {})
    assert jobs.done("export")["result"] == {"path": "/votes"}
    assert jobs.done("merge") is None


def test_an_error_that_nobody_expected_ends_a_job_in_a_sentence(jobs, caplog):
    jobs.begin("import", "Bringing in votes", lambda progress, cancelled: {}["votes"])
    assert jobs.wait(5)
    assert jobs.view()["message"].startswith("Bringing in votes failed: KeyError")
    assert "KeyError" in caplog.text, "the log has it whole"


def test_closing_stops_the_job_and_refuses_others(clock):
    jobs, work = DataJobs(clock), Work()
    jobs.begin("import", "Bringing in votes", work)
    work.reached.wait(5)
    jobs.close()
    assert jobs.view()["state"] == "stopped"
    with pytest.raises(DataJobBusy, match="Palate is closing"):
        jobs.begin("import", "Bringing in votes", work)
