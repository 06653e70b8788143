"""The database of a studio as of one moment, whoever holds it.

An app that runs is asked for a copy through the folder: `copies/asked-for` holds a token, and the
app answers with that token once its copy is there. Nothing is read while it is written to, no
address or password is needed, and Windows, where nobody else may open the file, does it too.
"""

import errno
import json
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from storage.backup.copies import Copies, Copy
from storage.backup.inspection import ask, copy_with_logs
from storage.database import Database
from storage.errors import BrokenStudio, NoCopy, StudioInUse
from storage.records import new_id
from storage.studio_folder import StudioFolder
from storage.timestamps import Clock, utc_now

ANSWER_S = 60.0
"""Seconds for which an app that holds the studio is waited for; it looks every two seconds."""
TRIES = 3


@dataclass(frozen=True, slots=True)
class Moment:
    """The time of a database that was gathered, and what to say about it."""

    as_of: datetime
    note: str = ""


Gather = Callable[[Path], Moment]
"""Puts a database, perhaps with its log, at a path."""


def from_open(database: Database, clock: Clock = utc_now) -> Gather:
    """Return what copies the database of an app from within it."""

    def gather(target: Path) -> Moment:
        as_of = clock()
        database.copy_to(target)
        return Moment(as_of)

    return gather


def from_folder(home: Path, clock: Clock = utc_now, answer_s: float = ANSWER_S) -> Gather:
    """Return what copies the database of a studio that may be closed, or held by an app.

    Raises BrokenStudio or NoCopy.
    """

    def gather(target: Path) -> Moment:
        for _ in range(TRIES):
            # The app may end, or begin, between one look and the next.
            with suppress(StudioInUse):
                return _closed(home, target, clock)
            with suppress(FileNotFoundError):
                return _asked(home, target, clock, answer_s)
        raise NoCopy(f"No copy of {home}'s database could be had. Try again.")

    return gather


def _closed(home: Path, target: Path, clock: Clock) -> Moment:
    """Copy the database of a studio that nobody holds; raises StudioInUse or BrokenStudio."""
    folder = StudioFolder(home)
    try:
        as_of = clock()
        copy_with_logs(folder.database, target)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            # Of the disk that is written to: nothing is wrong with the studio.
            raise
        raise BrokenStudio(
            f"{folder.database} could not be read: {error.strerror or error}. Nothing was written. "
            "Start Palate on it once: it says what can be put back."
        ) from error
    finally:
        folder.release()

    finding = ask("inspect", target)
    if finding.problem or finding.unread:
        problem = finding.problem or f"the last {finding.unread:,} bytes of its log cannot be read"
        raise BrokenStudio(
            f"{folder.database} is damaged: {problem}. Nothing was written. Start Palate on it "
            "once: it repairs what it can and says which copy can be put back."
        )
    return Moment(as_of)


def _asked(home: Path, target: Path, clock: Clock, answer_s: float) -> Moment:
    """Copy the copy that the app which holds a studio makes, or else the newest that is there."""
    copies = Copies(home / "copies", clock)
    newest = asked_copy(copies, answer_s)
    note = ""
    if newest is None:
        newest = next((copy for copy, _ in copies.good()), None)
        if newest is None:
            raise NoCopy(
                f"Another program holds {home}, gave no copy of the database within "
                f"{answer_s:.0f} seconds, and there is none from before. Back up from its page, "
                "under Settings, Data, or stop it and try again."
            )
        note = (
            f"The app that holds the studio gave no copy within {answer_s:.0f} seconds, so this "
            f"is its copy of {newest}. What was given after it is not in the backup."
        )
    shutil.copyfile(newest.path, target)
    return Moment(newest.made, note)


def asked_copy(copies: Copies, answer_s: float = ANSWER_S) -> Copy | None:
    """Ask the app that holds a studio for a copy; None where it gives none in time."""
    token = new_id()
    with suppress(OSError):
        copies.folder.mkdir(exist_ok=True)
        copies.asked.write_text(token, encoding="utf-8")
        until = time.monotonic() + answer_s
        while time.monotonic() < until:
            answer = _answer(copies.answered)
            if answer.get("token") == token:
                return next((c for c in copies.list() if c.path.name == answer.get("copy")), None)
            time.sleep(0.1)
        # Nobody is there to take it.
        copies.asked.unlink(missing_ok=True)
    return None


def _answer(path: Path) -> dict[str, str]:
    """Return what an app answered; nothing before it did."""
    with suppress(OSError, ValueError):
        answer = json.loads(path.read_text(encoding="utf-8"))
        return answer if isinstance(answer, dict) else {}
    return {}
