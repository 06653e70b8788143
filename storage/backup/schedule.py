"""Make copies of the database while the app runs: at its start, and with every so many votes."""

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from storage.backup.copies import Copies
from storage.backup.inspection import copy_with_logs
from storage.database import Database
from storage.errors import DamagedSource, StorageError
from storage.memory import trim

VOTES_PER_COPY = 200
POLL_S = 2.0
ACTS = "SELECT (SELECT count(*) FROM votes) + (SELECT count(*) FROM rankings)"


class CopySchedule:
    """A thread that copies the database; it holds up no vote, and costs none where it fails."""

    def __init__(self, database: Database, copies: Copies, every: int = VOTES_PER_COPY) -> None:
        self._database, self._copies, self._every = database, copies, every
        self._thread = threading.Thread(target=self._run, name="copies", daemon=True)
        self._ended = threading.Event()
        self._writes = -1
        self._copied = 0
        self.problem: str | None = None
        """Why there is no newer copy, in a sentence."""

    def start(self) -> None:
        """Make the copy of the start, and go on."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, after the copy that it is making."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def copy_now(self, reason: str) -> None:
        """Make a copy now; `problem` says why there is none."""
        try:
            acts = self._acts()
            # Where it fails, the next try is for a tenth as many votes.
            self._copied = acts - self._every + self._every // 10
            self._copies.make(reason, self._database.copy_to)
        except StorageError as error:
            self.problem = describe_failure(error)
            return
        self._copied, self.problem = acts, None

    def poll(self) -> None:
        """Make a copy if enough was given since the last one."""
        writes = self._database.writes
        if writes == self._writes:
            return
        self._writes = writes
        if self._acts() - self._copied >= self._every:
            self.copy_now("votes")
            # As often as votes make a copy worth while, so often have they left memory behind.
            trim()

    def copy_at_stop(self, database: Path) -> None:
        """Make the copy of a clean stop, of a database that is closed."""
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
            # Whatever it is, the next votes deserve the next try.
            self.problem = f"No copy of the database could be made: {error}"


def describe_failure(error: StorageError) -> str:
    """Return why there is no copy, and what that costs: nothing unless the database is damaged."""
    return str(error) if isinstance(error, DamagedSource) else f"{error} Votes are recorded anyway."
