"""Inputs: the files of data that a path, a folder or a pattern stands for."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Literal, TypeAlias

from storage.errors import UnreadableData

FileKind: TypeAlias = Literal["parquet", "json", "csv", "folders"]

KINDS: dict[str, FileKind] = {
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".csv": "csv",
    ".tsv": "csv",
}
PACKED = (".zip", ".gz", ".tar", ".tgz", ".7z", ".rar", ".zst", ".bz2", ".xz")
MAX_FILES = 10_000
MAX_SEEN = 200_000
"""Entries of a folder that are looked at."""
METADATA = ("metadata.parquet", "metadata.jsonl", "metadata.csv", "metadata.json")
"""Files beside images that win over all others of the same folder."""
NO_DATA = frozenset(
    ("dataset_info.json", "dataset_infos.json", "state.json", "manifest.json", "package.json")
)
"""Files about a data set that hold none of its rows."""
BETTER = ("chosen", "winner", "winners", "win", "better", "preferred", "good", "positive")
WORSE = ("rejected", "loser", "losers", "lose", "worse", "dispreferred", "bad", "negative")
"""Names of the folders of better and of worse images, those of one place belonging together."""
FULL = "full"
"""The folder of Palate's own export that holds everything; `default` has a part of it."""


def name_for(given: str) -> str:
    """Return a name for files that were given: that of the file or of the folder."""
    path = Path(given)
    if not path.exists():
        plain = takewhile(lambda part: not glob.has_magic(part), path.absolute().parts)
        path = Path(*plain)
    name = path.stem if path.suffix.lower() in KINDS else path.absolute().name
    return name[:100] or "source"


def find_files(given: Sequence[str | Path]) -> tuple[FileKind, list[Path]]:
    """Return the kind of what was given, and its files in order.

    Args:
        given: paths of files, of folders, or patterns such as `data/*.parquet`. A folder of better
            and worse images is its only file.

    Raises:
        UnreadableData: there is nothing, or several kinds of files.
    """
    paths = [path for entry in given for path in expanded(entry)]
    if len(paths) == 1 and paths[0].is_dir() and sides_of(paths[0]):
        if not tables_in(paths[0]):
            return "folders", paths

    if len(paths) > 1 and all(path.is_dir() and sides_of(path) for path in paths):
        raise UnreadableData(
            f"{paths[0].name} and {paths[1].name} have pairs of their own. Give one folder of "
            f"{BETTER[0]}/ and {WORSE[0]}/ at a time."
        )
    files = [file for path in paths for file in (tables_in(path) if path.is_dir() else [path])]
    files = list(dict.fromkeys(path.resolve() for path in files))
    if not files:
        told = ", ".join(path.name for path in paths[:3]) or ", ".join(map(str, given))
        raise UnreadableData(
            f"There is no data in {told[:300]}. Give Parquet, JSON, JSON Lines or CSV files, or a "
            f"folder that has {BETTER[0]}/ and {WORSE[0]}/."
        )
    if len(files) > MAX_FILES:
        raise UnreadableData(f"These are more than {MAX_FILES:,} files. Give fewer at a time.")
    return kind_of_all(files), files


def expanded(entry: str | Path) -> list[Path]:
    """Return the paths of a pattern, or the path itself; raises UnreadableData for none."""
    path = Path(entry).expanduser()
    try:
        if path.exists():
            return [path]
        found = sorted(map(Path, glob.glob(str(path), recursive=True)))
    except (OSError, ValueError):
        found = []
    if not found:
        raise UnreadableData(f"There is no {str(entry)[:300]!r}. Look at its path.")
    return found


def kind_of_all(files: Sequence[Path]) -> FileKind:
    """Return the kind that all files have; raises UnreadableData."""
    for path in files:
        ending = path.suffix.lower()
        if ending in PACKED:
            raise UnreadableData(f"{path.name} is packed. Unpack it, and give what was in it.")
        if ending not in KINDS:
            raise UnreadableData(
                f"{path.name} is no file of data by its name. Parquet, JSON, JSON Lines and CSV "
                f"are read ({', '.join(KINDS)})."
            )
    kinds = {KINDS[path.suffix.lower()]: path for path in files}
    if len(kinds) > 1:
        names = " and ".join(path.name for path in list(kinds.values())[:2])
        raise UnreadableData(f"{names} are of two kinds. Bring in one kind at a time.")
    return next(iter(kinds))


def tables_in(folder: Path) -> list[Path]:
    """Return the files of data in a folder and in those below it, of the kind that comes first.

    Metadata beside images win, then Parquet, JSON and CSV. Of Palate's own exports everything is
    read, not the part that public trainers read.
    """
    found = sorted(seen_in(folder))
    metadata = [path for name in METADATA for path in found if path.name.lower() == name]
    if metadata:
        return [path for path in metadata if path.suffix == metadata[0].suffix]

    by_kind: dict[FileKind, list[Path]] = {}
    for path in found:
        by_kind.setdefault(KINDS[path.suffix.lower()], []).append(path)
    for kind in ("parquet", "json", "csv"):
        if files := by_kind.get(kind):
            full = [path for path in files if path.parent == folder / FULL]
            return full or files
    return []


def seen_in(folder: Path) -> Iterator[Path]:
    """Yield the files of data in a folder and below it, hidden ones apart."""
    seen = 0
    for place, names, files in os.walk(folder):
        names[:] = [name for name in names if not name.startswith((".", "__"))]
        for name in files:
            seen += 1
            known = os.path.splitext(name)[1].lower() in KINDS and name not in NO_DATA
            if known and not name.startswith("."):
                yield Path(place, name)
        if seen > MAX_SEEN:
            return


def sides_of(folder: Path) -> tuple[Path, Path] | None:
    """Return the folders of better and of worse images within a folder; None if there are none.

    Their names may be in capitals.
    """
    try:
        # Of Chosen and chosen, the latter.
        names = {name.lower(): name for name in sorted(os.listdir(folder))}
    except OSError:
        return None
    for better, worse in zip(BETTER, WORSE, strict=True):
        sides = folder / names.get(better, better), folder / names.get(worse, worse)
        if sides[0].is_dir() and sides[1].is_dir():
            return sides
    return None
