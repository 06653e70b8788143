"""Models in a folder of checkpoints, such as ComfyUI's or A1111's, by their headers."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from align.client.architectures.families import by_pipeline
from align.client.architectures.sentences import FileKind, kind_of_file
from align.client.model_defaults import require_sdxl
from align.contracts.model_files import ModelFile, ModelListing
from align.errors import WrongModel
from align.files import read_json

WEIGHT_ENDINGS = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".gguf")
PIPELINE_INDEX = "model_index.json"
MAX_FILES = 20_000
MAX_DEPTH = 8
Signature = tuple[int, int]
"""Size and time of the last change, in nanoseconds."""


log = logging.getLogger(__name__)


@dataclass
class ModelFolder:
    """Lists a folder of checkpoints; a header is read again once its file has changed."""

    folder: Path
    _known: dict[Path, tuple[Signature, FileKind]] = field(default_factory=dict)

    def listing(self) -> ModelListing:
        """Return every file of weights and every pipeline folder below the folder.

        Links are followed, and each file is listed once.
        """
        walk = _Walk(self.folder)
        files = [self._view(path, size) for path, size in walk.entries()]
        self._known = {path: self._known[path] for path in walk.found if path in self._known}
        files.sort(key=lambda file: (not file.opens, file.name.casefold()))
        return ModelListing(shown(self.folder), tuple(files), tuple(walk.notes))

    def _view(self, path: Path, signature: Signature) -> ModelFile:
        name = shown(path.relative_to(self.folder).as_posix() or path.name)
        known = self._known.get(path)
        if known is None or known[0] != signature:
            known = self._known[path] = (signature, _kind_of(path, name))
        return ModelFile(name, shown(path), signature[0], known[1].name, shown(known[1].refusal))


def _kind_of(path: Path, title: str) -> FileKind:
    """Return what a file or a folder holds; one that cannot be read leaves the others listed."""
    if shown(path) != str(path):
        return FileKind(
            "unreadable",
            f"{title} has a name that is no UTF-8, so it cannot be opened from here. Rename it.",
        )
    try:
        return kind_of_folder(path, title) if path.is_dir() else kind_of_file(path, title)
    except Exception as error:
        log.warning("%s cannot be read.", path, exc_info=True)
        return FileKind(
            "unreadable", f"{title} cannot be read ({error}). Copy or download it again."
        )


def shown(text: object) -> str:
    """Return text with bytes that are no UTF-8 written as escapes, so that JSON can hold it."""
    return str(text).encode("utf-8", "backslashreplace").decode()


def kind_of_folder(folder: Path, title: str) -> FileKind:
    """Return what a pipeline folder holds, by its index, and why it cannot be opened."""
    try:
        index = read_json(folder / PIPELINE_INDEX)
        require_sdxl(title, index)
    except (OSError, ValueError, AttributeError):
        return FileKind(
            "unreadable",
            f"{title} has a {PIPELINE_INDEX} that cannot be read. Copy or download it again.",
        )
    except WrongModel as error:
        family = by_pipeline(str(index.get("_class_name")))
        return FileKind(family.name if family else "another pipeline", str(error))
    return FileKind("SDXL")


@dataclass
class _Walk:
    """A walk through a folder and its folders, each entered once."""

    root: Path
    found: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _entered: set[str] = field(default_factory=set)
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def entries(self) -> Iterator[tuple[Path, Signature]]:
        """Yield files of weights and pipeline folders, with sizes and times of change."""
        for path, signature in self._below(self.root, 0):
            if len(self.found) == MAX_FILES:
                self.notes.append(
                    f"{self.root} holds more than {MAX_FILES:,} files of weights, and the rest is "
                    "left out. Name a folder below it."
                )
                return
            self.found.append(path)
            yield path, signature

    def _below(self, folder: Path, depth: int) -> Iterator[tuple[Path, Signature]]:
        real = os.path.realpath(folder)
        if real in self._entered or depth > MAX_DEPTH:
            return
        self._entered.add(real)
        if (folder / PIPELINE_INDEX).is_file():
            yield folder, _signature_of_folder(folder)
            return

        for entry in self._scan(folder):
            path = folder / entry.name
            try:
                status = entry.stat()
            except OSError:
                # A link that leads nowhere.
                continue
            if stat.S_ISDIR(status.st_mode) and not entry.name.startswith("."):
                yield from self._below(path, depth + 1)
            elif stat.S_ISREG(status.st_mode) and path.suffix.lower() in WEIGHT_ENDINGS:
                if (status.st_dev, status.st_ino) not in self._seen:
                    self._seen.add((status.st_dev, status.st_ino))
                    yield path, (status.st_size, status.st_mtime_ns)

    def _scan(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: entry.name.casefold())
        except OSError as error:
            self.notes.append(f"{shown(folder)} cannot be looked into: {error.strerror or error}.")
            return []


def _signature_of_folder(folder: Path) -> Signature:
    """Return the size of a pipeline folder's weights, and when its index changed."""
    sizes = [file.stat().st_size for file in folder.glob("*/*.safetensors") if file.is_file()]
    return sum(sizes), (folder / PIPELINE_INDEX).stat().st_mtime_ns
