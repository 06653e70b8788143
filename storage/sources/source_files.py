"""Files of a source: their digests, their place in the studio, and images that become files."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias

from storage.errors import DiskFull, SourceKnown, UnreadableData
from storage.records import new_id
from storage.sources.file_digests import digest_of
from storage.sources.source_records import Source, SourceFile
from storage.studio_folder import SOURCES, StudioFolder

Taken: TypeAlias = Literal["stay", "copy", "move"]
"""What becomes of the files: they stay where they are, or come into the studio."""
BLOCK_BYTES = 1 << 22
SEPARATOR = "-"
"""Between the number of a file that came into the studio, which keeps two of one name apart, and
its own name."""


def digests_of(files: Sequence[Path], interrupt: Callable[[], None]) -> dict[Path, str]:
    """Return the digests of files; raises UnreadableData for one that cannot be read."""
    digests = {}
    for path in files:
        try:
            digests[path] = digest_of(path, interrupt)
        except OSError as error:
            raise UnreadableData(
                f"{path.name} cannot be read: {error.strerror or error}. Look at its path and at "
                "who may read it."
            ) from error
    return digests


def without_known(
    digests: Mapping[Path, str], sources: Iterable[Source]
) -> tuple[dict[Path, str], dict[str, str]]:
    """Return the files that no source has, and the sources of the others by the files' names.

    Raises SourceKnown if there is no other.
    """
    owners = {
        file["digest"]: source for source in sources for file in source.facts.get("files", [])
    }
    new = {path: digest for path, digest in digests.items() if digest not in owners}
    known = {path.name: owners[digests[path]] for path in digests if path not in new}
    if not new:
        names = " and ".join(sorted({repr(source.name) for source in known.values()}))
        when = min(source.created for source in known.values())
        what = next(iter(known)) if len(known) == 1 else f"All {len(known)} files"
        raise SourceKnown(
            f"{what} came in before, on {when:%Y-%m-%d}, as the source {names}. Nothing was added. "
            f"To bring {'it' if len(known) == 1 else 'them'} in again, remove that source first."
        )
    return new, {name: source.name for name, source in known.items()}


def place_files(
    target: Path,
    folder: StudioFolder,
    digests: Mapping[Path, str],
    taken: Taken,
    interrupt: Callable[[], None],
) -> dict[Path, SourceFile]:
    """Take Parquet files into `target` if that is asked for, and return where all files are now.

    Others are read once and never again. Raises DiskFull.
    """
    placed: dict[Path, SourceFile] = {}
    for index, (path, digest) in enumerate(digests.items()):
        place = path.absolute()
        if taken != "stay" and path.suffix.lower() == ".parquet":
            place = target / f"{index:03d}{SEPARATOR}{path.name}"
            take_file(path, place, taken, interrupt)
        status = place.stat()
        placed[place] = {
            "path": folder.shorten(place),
            "bytes": status.st_size,
            "changed": status.st_mtime_ns,
            "digest": digest,
        }
    return placed


def own_name(path: str) -> str:
    """Return the name that a file of a source had where it came from."""
    name = PurePosixPath(path).name
    return name.partition(SEPARATOR)[2] if path.startswith(f"{SOURCES}/") else name


def take_file(source: Path, target: Path, taken: Taken, interrupt: Callable[[], None]) -> None:
    """Copy or move a file into the studio; raises DiskFull."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if taken == "move":
            shutil.move(source, target)
            return
        with source.open("rb") as reader, target.open("wb") as writer:
            while block := reader.read(BLOCK_BYTES):
                interrupt()
                writer.write(block)
    except OSError as error:
        raise no_room(f"{source.name} could not be taken into the studio", error) from error


def write_image(path: Path, content: bytes) -> None:
    """Write an image under its name, if no file of its size is there; raises DiskFull."""
    scratch = path.with_name(f".{new_id()}")
    try:
        if path.is_file() and path.stat().st_size == len(content):
            return
        path.parent.mkdir(exist_ok=True)
        scratch.write_bytes(content)
        os.replace(scratch, path)
    except OSError as error:
        raise no_room(f"The image {path} could not be written", error) from error
    finally:
        scratch.unlink(missing_ok=True)


def no_room(what: str, error: OSError) -> DiskFull:
    """Return the error for a file that could not be written."""
    space = " Free some space on its disk, then" if error.errno == errno.ENOSPC else " Then"
    return DiskFull(
        f"{what}: {error.strerror or error}. Nothing of the import is in the studio."
        f"{space} try again."
    )
