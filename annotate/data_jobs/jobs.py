"""Long jobs on votes and files: one at a time, each with progress, time left and a stop."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from align.contracts.errors import PalateError
from annotate.clock import Monotonic
from annotate.errors import DataJobBusy
from annotate.views.data import DataJobView, JobState

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Is told how much is done, of how much; 0 where that is not known."""
Result = dict[str, Any]
Work = Callable[[Progress, threading.Event], Result]
"""The work of a job. It looks at the event often; once that is set it undoes what it did so far
and raises an error of its own."""


class JobPlan(NamedTuple):
    """A job that was asked for, and whose arguments can be used."""

    kind: str
    title: str
    """What goes on, as in "Bringing in votes.csv"."""
    work: Work


MIN_MEASURED_S = 1.0
"""Seconds before the time left is told: the first item is seldom like the others."""
CLOSE_TIMEOUT_S = 30.0
"""Seconds that a job has to end when the app closes. What is left of one that does not is removed
at the next start."""


@dataclass
class DataJob:
    """One job: what it is, how far it is, and how it ended."""

    kind: str
    title: str
    clock: Monotonic
    began: float = field(init=False)
    ended: float | None = None
    done: int = 0
    of: int = 0
    state: JobState = "running"
    message: str = ""
    result: Result | None = None
    error: PalateError | None = None
    """Why it failed, where that was raised on purpose."""
    cancelled: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.began = self.clock()

    @property
    def is_over(self) -> bool:
        """Return whether it came to an end, whichever."""
        return self.ended is not None

    def note(self, done: int, of: int) -> None:
        """Take down how much is done, of how much."""
        self.done, self.of = done, of

    def seconds_left(self) -> float | None:
        """Return the seconds that it still takes at its pace so far; None before that is known."""
        took = self.clock() - self.began
        if self.is_over or self.done <= 0 or self.of < self.done or took < MIN_MEASURED_S:
            return None
        return took / self.done * (self.of - self.done)

    def view(self) -> DataJobView:
        """Return JSON-compatible values."""
        until = self.clock() if self.ended is None else self.ended
        return {
            "kind": self.kind,
            "title": self.title,
            "state": self.state,
            "done": self.done,
            "of": self.of,
            "seconds": until - self.began,
            "seconds_left": self.seconds_left(),
            "message": self.message,
            "result": self.result,
        }


class DataJobs:
    """The job under way, or else the newest one with its result or error; thread-safe."""

    def __init__(self, clock: Monotonic = time.monotonic) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._current: DataJob | None = None
        self._done: dict[str, DataJob] = {}
        self._thread: threading.Thread | None = None
        self._is_closed = False

    @property
    def current(self) -> DataJob | None:
        """The newest job, or None before the first."""
        return self._current

    def view(self) -> DataJobView | None:
        """Return the newest job in JSON-compatible values; None before the first."""
        return None if self._current is None else self._current.view()

    def done(self, kind: str) -> DataJobView | None:
        """Return the newest job of a kind that came to a result, also once others followed it."""
        job = self._done.get(kind)
        return None if job is None else job.view()

    def begin(self, kind: str, title: str, work: Work) -> DataJob:
        """Start a job in a thread of its own and return it at once; raises DataJobBusy."""
        with self._guard:
            if self._is_closed:
                raise DataJobBusy("Palate is closing. Start it again, then try once more.")
            if self._current is not None and not self._current.is_over:
                raise DataJobBusy(
                    f"One thing at a time: {self._current.title} is under way. Wait for its end, "
                    "or stop it."
                )
            job = DataJob(kind, title, self._clock)
            self._current = job
            self._thread = threading.Thread(
                target=self._run, args=(job, work), name=f"data-{kind}", daemon=True
            )
            self._thread.start()
        return job

    def run(self, kind: str, title: str, work: Work) -> Result:
        """Run a job to its end and return its result, or raise its error; raises DataJobBusy."""
        job = self.begin(kind, title, work)
        self.wait()
        if job.error is not None:
            raise job.error
        return job.result or {}

    def stop(self) -> None:
        """Ask the job under way to stop; what it did so far is undone."""
        job = self._current
        if job is not None and not job.is_over:
            job.state = "stopping"
            job.cancelled.set()

    def forget(self) -> None:
        """Forget a job that is over, so that its end is told no more."""
        with self._guard:
            if self._current is not None and self._current.is_over:
                self._current = None

    def wait(self, within_s: float | None = None) -> bool:
        """Wait for the end of the job under way, and return whether there is none any more."""
        thread = self._thread
        if thread is not None:
            thread.join(within_s)
        return thread is None or not thread.is_alive()

    def close(self) -> None:
        """Stop the job under way, wait for its end, and refuse others."""
        with self._guard:
            self._is_closed = True
        self.stop()
        self.wait(CLOSE_TIMEOUT_S)

    def _run(self, job: DataJob, work: Work) -> None:
        state: JobState = "done"
        try:
            job.result = work(job.note, job.cancelled)
        except PalateError as error:
            state = "stopped" if job.cancelled.is_set() else "failed"
            job.error, job.message = error, str(error)
        # BaseException too: a job without an end would let nobody begin another.
        except BaseException as error:
            logger.exception("%s failed", job.title)
            state = "failed"
            job.message = (
                f"{job.title} failed: {type(error).__name__} {error}. Nothing was changed; the "
                "log in the terminal says more."
            )
            job.error = PalateError(job.message)
        if state == "done":
            self._done[job.kind] = job
        job.ended, job.state = self._clock(), state
