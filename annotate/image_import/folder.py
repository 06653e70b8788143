"""A folder of images, walked once however its links go round."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from annotate.errors import InvalidImport
from annotate.image_import.captions.file_names import sorting
from annotate.image_import.captions.nearby import Nearby
from annotate.image_import.file_types import IMAGE_ENDINGS, reason_against
from annotate.image_import.import_summary import Skipped
from annotate.safe_files import OUTSIDE, printable

MOST_FILES = 200_000
Stopped = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder holds: images in order of name, prompts by file, what else was passed by."""

    root: Path
    skipped: Skipped
    images: list[Path] = field(default_factory=list)
    told: dict[Path, str] = field(default_factory=dict)
    untold: set[Path] = field(default_factory=set)
    """Folders with a table of prompts that cannot be read, and images that tables differ about."""
    texts: dict[Path, Path] = field(default_factory=dict)
    """By image, a file of its own that does not lie beside it, or is called otherwise."""
    sorts: set[Path] = field(default_factory=set)
    """Folders whose names are no prompts, by what they hold."""


def find_images(named: Path, studio: Path, stopped: Stopped = lambda: False) -> Found:
    """Find every image in a folder and below it, but for those of the studio itself.

    Raises InvalidImport for a folder that is missing, unreadable or without images.
    """
    root = checked(named)
    if root.is_relative_to(studio.resolve()):
        raise InvalidImport(f"{root} is the studio's own folder. Name a folder of other images.")
    found, nearby = Found(root, Skipped(root)), Nearby(root)
    for folder, names in walk(root, studio.resolve(), found.skipped, stopped):
        images = []
        for name in names:
            reason = reason_against(folder / name, root)
            if reason is None:
                images.append(name)
            elif reason:
                found.skipped.add(reason, folder / name)
        found.images.extend(folder / name for name in images)
        if len(found.images) > MOST_FILES:
            raise InvalidImport(
                f"{root} holds more than {MOST_FILES:,} images. Name a folder inside it."
            )
        nearby.add(folder, names, images, found.skipped)
    if not found.images and not stopped():
        raise InvalidImport(
            f"{root} holds no PNG, JPEG or WebP image, nor does any folder inside it. Name the "
            "folder of your images."
        )

    found.told.update(nearby.told(found.images))
    found.untold.update(nearby.untold)
    found.texts.update(nearby.texts)
    found.sorts.update(sorting(found.images))
    return found


def checked(named: Path) -> Path:
    """Return a folder that is there and can be listed; raises InvalidImport."""
    name = printable(str(named))
    try:
        root = named.expanduser()
        if not root.is_dir():
            why = "is a file" if root.exists() else "does not exist"
            raise InvalidImport(f"{name} {why}. Name a folder of images on this machine.")
        os.listdir(root)
        return root.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        told = getattr(error, "strerror", None) or error
        raise InvalidImport(f"{name} cannot be read: {told}. Name another folder.") from None


def walk(
    root: Path, aside: Path, skipped: Skipped, stopped: Stopped
) -> Iterator[tuple[Path, list[str]]]:
    """Return every folder but `aside`, from the root on, each once, with its files' names.

    Links to folders are followed where they stay within the root.
    """
    seen: set[tuple[int, int]] = set()
    for known in (root, aside):
        _is_new(str(known), seen)
    waiting = [str(root)]
    # Not os.walk: before Python 3.12 it calls itself, and a deep folder exhausts the stack.
    while waiting and not stopped():
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                listed = sorted((e.name, e) for e in entries if not e.name.startswith("."))
        except OSError:
            skipped.add("a folder that cannot be read", Path(folder))
            continue

        folders = {name: entry for name, entry in listed if _is_folder(entry)}
        for name, entry in folders.items():
            if os.path.splitext(name)[1].lower() in IMAGE_ENDINGS:
                skipped.add("a folder with the name of an image", Path(entry.path))
        inside = [e.path for e in folders.values() if _stays(e, root, aside, skipped)]
        waiting += reversed([path for path in inside if _is_new(path, seen)])
        yield Path(folder), [name for name, _ in listed if name not in folders]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _stays(entry: os.DirEntry[str], root: Path, aside: Path, skipped: Skipped) -> bool:
    """Whether a folder lies within the root; links lead elsewhere, and on Windows junctions."""
    if not entry.is_symlink() and os.name != "nt":
        return True
    real = Path(os.path.realpath(entry.path))
    if not real.is_relative_to(root):
        skipped.add(OUTSIDE, Path(entry.path))
    return real.is_relative_to(root) and not real.is_relative_to(aside)


def _is_new(folder: str, seen: set[tuple[int, int]]) -> bool:
    try:
        status = os.stat(folder)
    except OSError:
        # Listing it fails as well, and is counted.
        return True
    node = (status.st_dev, status.st_ino)
    if node in seen:
        return False
    seen.add(node)
    return True
