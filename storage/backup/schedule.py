"""Copy schedule: copies of the database at the start of the app and with every 200 votes."""

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from storage.backup.copies import ASKED, Copies
from storage.backup.inspection import copy_with_logs
from storage.database import Database
from storage.errors import DamagedSource, StorageError
from storage.memory import trim

VOTES_PER_COPY = 200
POLL_S = 2.0
"""Seconds between two looks at the number of commits."""
ACTS = "SELECT (SELECT count(*) FROM votes) + (SELECT count(*) FROM rankings)"


class CopySchedule:
    """A thread that copies the database; it delays no vote, and loses none if it fails."""

    def __init__(self, database: Database, copies: Copies, every: int = VOTES_PER_COPY) -> None:
        self._database, self._copies, self._every = database, copies, every
        self._thread = threading.Thread(target=self._run, name="copies", daemon=True)
        self._ended = threading.Event()
        self._writes = -1
        self._copied = 0
        self.problem: str | None = None
        """The reason why there is no newer copy, as a sentence; None while copies succeed."""

    def start(self) -> None:
        """Start the thread, which makes the first copy at once."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the copy that it is making."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def copy_now(self, reason: str) -> None:
        """Make a copy now; where that fails, `problem` says why."""
        try:
            acts = self._acts()
            # If it fails, the next try comes after a tenth as many votes.
            self._copied = acts - self._every + self._every // 10
            self._copies.make(reason, self._database.copy_to)
        except StorageError as error:
            self.problem = describe_failure(error)
            return
        self._copied, self.problem = acts, None

    def poll(self) -> None:
        """Make a copy if somebody asked for one, or after enough votes since the last one."""
        if token := self._copies.wanted():
            self.copy_now(ASKED)
            self._copies.answer(token, self.problem)
        writes = self._database.writes
        if writes == self._writes:
            return
        self._writes = writes
        if self._acts() - self._copied >= self._every:
            self.copy_now("votes")
            # This is often enough for the memory that votes leave behind, too.
            self._database.drop_caches()
            trim()

    def copy_at_stop(self, database: Path) -> None:
        """Copy a closed database at a clean stop."""
        try:
            self._copies.make("stop", partial(copy_with_logs, database))
        except StorageError as error:
            self.problem = describe_failure(error)

    def _acts(self) -> int:
        return int(self._database.read(ACTS)[0][0])

    def _run(self) -> None:
        self._try(lambda: self.copy_now("start"))
        while not self._ended.wait(POLL_S):
            self._try(self.poll)

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:
            # Whatever it was: the thread must live on to try again with later votes.
            self.problem = f"No copy of the database could be made: {error}"


def describe_failure(error: StorageError) -> str:
    """Return the sentence for a failed copy; votes are safe unless the database is damaged."""
    return str(error) if isinstance(error, DamagedSource) else f"{error} Votes are recorded anyway."
