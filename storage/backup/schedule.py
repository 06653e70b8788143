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

EVERY = 200
LOOK_S = 2.0
ACTS = "SELECT (SELECT count(*) FROM votes) + (SELECT count(*) FROM rankings)"


class Keeper:
    """A thread that copies the database; it holds up no vote, and costs none where it fails."""

    def __init__(self, database: Database, copies: Copies, every: int = EVERY) -> None:
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

    def make(self, reason: str) -> None:
        """Make a copy now; `problem` says why there is none."""
        try:
            acts = self._acts()
            # Where it fails, the next try is for a tenth as many votes.
            self._copied = acts - self._every + self._every // 10
            self._copies.make(reason, self._database.copy_to)
        except StorageError as error:
            self.problem = in_words(error)
            return
        self._copied, self.problem = acts, None

    def look(self) -> None:
        """Make a copy if enough was given since the last one."""
        writes = self._database.writes
        if writes == self._writes:
            return
        self._writes = writes
        if self._acts() - self._copied >= self._every:
            self.make("votes")
            # As often as votes make a copy worth while, so often have they left memory behind.
            trim()

    def make_last(self, database: Path) -> None:
        """Make the copy of a clean stop, of a database that is closed."""
        try:
            self._copies.make("stop", partial(copy_with_logs, database))
        except StorageError as error:
            self.problem = in_words(error)

    def _acts(self) -> int:
        return int(self._database.read(ACTS)[0][0])

    def _run(self) -> None:
        self._try(lambda: self.make("start"))
        while not self._ended.wait(LOOK_S):
            self._try(self.look)

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:
            # Whatever it is, the next votes deserve the next try.
            self.problem = f"No copy of the database could be made: {error}"


def in_words(error: StorageError) -> str:
    """Return why there is no copy, and what that costs: nothing unless the database is damaged."""
    return str(error) if isinstance(error, DamagedSource) else f"{error} Votes are recorded anyway."
