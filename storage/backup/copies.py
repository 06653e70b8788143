"""Copies of the database in `copies/`: consistent, read through to their end, and dated.

    2026-11-29T191239Z_votes_1234-votes_1300-acts_schema-7.duckdb

A copy counts once it has its name: it was read through to its end and is on the disk by then.
"""

import filecmp
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

from storage.backup.inspection import Finding, ask, scratch_folder
from storage.database import log_of
from storage.errors import DamagedSource, NoCopy
from storage.timestamps import Clock

KEPT = 5
"""Copies that are kept, besides the newest before a migration and the newest before a merge."""
MIGRATION = "migration"
MERGE = "merge"
ASKED = "asked"
LONGEST_TOKEN = 64
NAME = re.compile(
    r"(\d{4}-\d\d-\d\dT\d{6}Z)_([a-z]+)_(\d+)-votes_(\d+)-acts_schema-(\d+)\.duckdb", re.ASCII
)
TIME = "%Y-%m-%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of the database, described by its file name."""

    path: Path
    made: datetime
    """In UTC, without a zone; later than that of the copy before it, whatever the clock says."""
    reason: str
    """The occasion of the copy: start, stop, votes, asked, migration or merge."""
    votes: int
    """Votes and rankings that counted then."""
    acts: int
    """Votes and rankings ever given until then, and what was taken back."""
    schema: int

    def __str__(self) -> str:
        votes = "1 vote" if self.votes == 1 else f"{self.votes:,} votes"
        return f"{self.made:%d %B %Y, %H:%M:%S} UTC, with {votes}"


class Copies:
    """The copies in one folder, which is made with the first one."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self.asked, self.answered = folder / "asked-for", folder / "answered"
        """A token of whoever wants a copy now, and that token beside the name of the copy."""
        self._clock = clock

    def wanted(self) -> str | None:
        """Return the token of a command that asked for a copy, None while nobody did."""
        with suppress(OSError, ValueError):
            return self.asked.read_text(encoding="utf-8")[:LONGEST_TOKEN]
        return None

    def answer(self, token: str, problem: str | None) -> None:
        """Tell whoever asked that the newest copy is theirs, or why there is none."""
        newest = next(iter(self.list()), None)
        name = newest.path.name if newest is not None and problem is None else ""
        with suppress(OSError):
            scratch = self.answered.with_name(".answered.tmp")
            document = {"token": token, "copy": name, "problem": problem or ""}
            scratch.write_text(json.dumps(document), encoding="utf-8")
            os.replace(scratch, self.answered)
            self.asked.unlink(missing_ok=True)

    def list(self) -> list[Copy]:
        """Return the copies, newest first; other files are left out."""
        with suppress(OSError):
            # A folder is no copy, and reading a pipe would wait for ever.
            files = filter(Path.is_file, self.folder.iterdir())
            found = filter(None, map(read_name, files))
            return sorted(found, key=lambda copy: (copy.made, copy.acts), reverse=True)
        return []

    def good(self) -> Iterator[tuple[Copy, Finding]]:
        """Yield the copies that open, newest first, each with its finding."""
        for copy in self.list():
            finding = ask("inspect", copy.path)
            if finding.problem is None:
                yield copy, finding

    def make(self, reason: str, gather: Callable[[Path], None]) -> Copy | None:
        """Make a copy of what `gather` puts at a path; return None if the newest copy equals it.

        Raises NoCopy.
        """
        try:
            self.folder.mkdir(exist_ok=True)
            # In the folder itself, so that giving the copy its name is one rename.
            with scratch_folder(self.folder) as scratch:
                gathered = scratch / "palate.duckdb"
                gather(gathered)
                if self._has(gathered):
                    return None
                copy = self._kept(gathered, reason)
            self._prune()
        except OSError as error:
            raise NoCopy(
                f"No copy of the database could be made in {self.folder}: "
                f"{error.strerror or error}. Free some space, or let Palate write there."
            ) from error
        return copy

    def holds(self, database: Path) -> bool:
        """Return True if a database without a log equals the newest copy byte by byte."""
        newest = next(iter(self.list()), None)
        with suppress(OSError):
            return newest is not None and filecmp.cmp(newest.path, database, shallow=False)
        return False

    def _has(self, gathered: Path) -> bool:
        return not log_of(gathered).exists() and self.holds(gathered)

    def _kept(self, gathered: Path, reason: str) -> Copy:
        finding = ask("fold", gathered)
        if finding.problem is not None:
            raise DamagedSource(finding.problem)
        made = self._now()
        copy = Copy(gathered, made, reason, finding.votes, finding.acts, finding.schema)
        copy = replace(copy, path=self.folder / name_of(copy))
        put(gathered, copy.path)
        return copy

    def _now(self) -> datetime:
        """Return a time after that of every copy.

        A clock that was set back must not date the newest copy before the others: it would be
        deleted first and restored last.
        """
        newest = next(iter(self.list()), None)
        now = self._clock()
        return now if newest is None else max(now, newest.made + timedelta(seconds=1))

    def _prune(self) -> None:
        """Keep the newest five that differ in what people gave, and the newest of each change.

        A copy with more votes than all of them stays too: somebody may have put an older database
        in place.
        """
        copies = self.list()
        usual = [copy for copy in copies if copy.reason not in (MIGRATION, MERGE)]
        different = [next(same) for _, same in groupby(usual, lambda c: (c.acts, c.schema))]
        kept = {copy.path for copy in different[:KEPT]}
        for reason in (MIGRATION, MERGE):
            kept |= {copy.path for copy in [c for c in copies if c.reason == reason][:1]}
        kept |= {max(copies, key=lambda copy: copy.acts).path} if copies else set()
        for copy in copies:
            if copy.path not in kept:
                copy.path.unlink(missing_ok=True)


def read_name(path: Path) -> Copy | None:
    """Return the copy that a file name describes; None for another file."""
    match = NAME.fullmatch(path.name)
    if match is None:
        return None
    with suppress(ValueError):
        made, (votes, acts, schema) = (
            datetime.strptime(match[1], TIME),
            map(int, match.groups()[2:]),
        )
        return Copy(path, made, match[2], votes, acts, schema)
    return None


def name_of(copy: Copy) -> str:
    """Return a copy's file name, which sorts by time."""
    made = copy.made.strftime(TIME)
    return f"{made}_{copy.reason}_{copy.votes}-votes_{copy.acts}-acts_schema-{copy.schema}.duckdb"


def put(file: Path, target: Path) -> None:
    """Rename a file over another one, durably.

    First its bytes are synced, then the folder with the new name: in the other order a power cut
    could leave the name with half a file.
    """
    sync(file)
    os.replace(file, target)
    sync(target.parent)


def sync(path: Path) -> None:
    """Wait until the bytes of a file, or the names in a folder, are on the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folders
    # Windows syncs only what may be written to.
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
