"""Manifests of backups: a JSON Lines file that names every file of a studio by its digest.

    TARGET/backups/2026-12-01T011500Z.jsonl     one backup; it is one once it has this name
    TARGET/files/ab/abcdef….png                 bytes, named by their SHA-256, shared by all backups

The first line tells of the backup as a whole, then comes a line for each file, and the last line is
the digest of all lines before it. Nothing is ever written to again: whatever ends a backup half
way, those before it stay as they were.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath, PureWindowsPath

from storage.errors import DamagedBackup

FORMAT = "palate backup 1"
TIME = "%Y-%m-%dT%H%M%SZ"
NAME = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z")
DIGEST = re.compile(r"[0-9a-f]{64}")
SUFFIX = re.compile(r"\.[a-z0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class BackupFile:
    """One file of a studio, as a backup holds it."""

    path: str
    """Below the studio folder, with slashes."""
    sha256: str
    bytes: int
    changed: int
    """Time of its last change, in nanoseconds since 1970."""

    @property
    def stored(self) -> str:
        """Its path below the backup's folder; the suffix stays, so that images can be looked at."""
        suffix = PurePosixPath(self.path).suffix.lower()
        kept = suffix if SUFFIX.fullmatch(suffix) else ""
        return f"files/{self.sha256[:2]}/{self.sha256}{kept}"


@dataclass(frozen=True, slots=True)
class BackupFacts:
    """What a backup as a whole is."""

    studio: str
    """Which studio it is of, whatever its folder is called."""
    made: str
    as_of: str
    """The time of its database, in UTC."""
    votes: int
    acts: int
    schema: int
    models: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    """Kinds of files that were left out on purpose."""
    missing: int = 0
    """Images that the database names and that were gone already."""
    bytes: int = 0
    """Bytes of all files, which one disk with the studio may share with it."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One backup."""

    name: str
    facts: BackupFacts
    files: tuple[BackupFile, ...]

    @property
    def database(self) -> BackupFile | None:
        """The file of the database."""
        return next((file for file in self.files if file.path == "palate.duckdb"), None)

    def __str__(self) -> str:
        as_of, votes = datetime.fromisoformat(self.facts.as_of), self.facts.votes
        given = "1 vote" if votes == 1 else f"{votes:,} votes"
        return f"{self.name}, of {as_of:%d %B %Y, %H:%M:%S} UTC with {given}"


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write the lines of a manifest, with their digest at the end."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for line in lines_of(manifest):
            digest.update(line)
            file.write(line)
        file.write(json.dumps({"digest": digest.hexdigest()}).encode() + b"\n")


def lines_of(manifest: Manifest) -> Iterator[bytes]:
    """Yield the lines of a manifest, without the digest."""
    head = {"format": FORMAT, **asdict(manifest.facts)}
    yield json.dumps(head).encode() + b"\n"
    for each in manifest.files:
        yield json.dumps([each.path, each.sha256, each.bytes, each.changed]).encode() + b"\n"


def read_manifest(path: Path) -> Manifest:
    """Read a manifest; raises DamagedBackup for one that is not as it was written."""
    digest, lines = hashlib.sha256(), []
    try:
        with path.open("rb") as file:
            for line in file:
                lines.append(json.loads(line))
                if isinstance(lines[-1], dict) and "digest" in lines[-1]:
                    break
                digest.update(line)
        head, *files, tail = lines
        if tail["digest"] != digest.hexdigest() or head.pop("format") != FORMAT:
            raise ValueError("its digest is another one")
        facts = BackupFacts(**head)
        datetime.fromisoformat(facts.as_of)
        return Manifest(path.stem, facts, tuple(file_of(*each) for each in files))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DamagedBackup(f"{path} is damaged: {str(error) or type(error).__name__}") from error


def file_of(path: str, sha256: str, size: int, changed: int) -> BackupFile:
    """Return a file that a manifest names; raises ValueError for a place outside of a studio."""
    parts = PurePosixPath(path).parts
    # A drive or a backslash is nothing on Linux, and leads elsewhere on Windows.
    outside = PureWindowsPath(path).is_absolute() or PureWindowsPath(path).drive or "\0" in path
    if not parts or outside or path.startswith("/") or ".." in re.split(r"[/\\]", path):
        raise ValueError(f"it names {path!r}, which is not below a studio")
    if not DIGEST.fullmatch(sha256) or not isinstance(size, int) or not isinstance(changed, int):
        raise ValueError(f"its line for {path!r} cannot be read")
    return BackupFile(path, sha256, size, changed)


def manifests_in(target: Path) -> list[Path]:
    """Return the manifests of a backup's folder, newest first, damaged ones too."""
    with suppress(OSError):
        found = (target / "backups").glob("*.jsonl")
        return sorted((path for path in found if NAME.fullmatch(path.stem)), reverse=True)
    return []


def readable(target: Path) -> list[Manifest]:
    """Return the backups that can be read, newest first."""
    found = []
    for path in manifests_in(target):
        with suppress(DamagedBackup):
            found.append(read_manifest(path))
    return found


def listed(target: Path) -> list[tuple[str, BackupFacts]]:
    """Return what the backups in a folder say of themselves, newest first, by their names.

    Their files are not read, so one that is damaged is listed, too, unless it begins with that.
    """
    found = []
    for path in manifests_in(target):
        with suppress(OSError, ValueError, TypeError), path.open("rb") as file:
            head = json.loads(file.readline())
            if head.pop("format", None) == FORMAT:
                found.append((path.stem, BackupFacts(**head)))
    return found
