"""A folder of pictures, walked once however its links go round."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from annotate.errors import BadMaterial
from annotate.material.captions import read_tables

READ = frozenset({".png", ".jpg", ".jpeg", ".jfif", ".webp"})
OTHER = frozenset({".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".jxl", ".psd"})
MOST_FILES = 200_000


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder holds: pictures in order of name, prompts by file, what else was passed by."""

    root: Path
    pictures: list[Path]
    told: dict[Path, str]
    skipped: Counter[str] = field(default_factory=Counter)


def find_pictures(named: Path, studio: Path) -> Found:
    """Find every picture in a folder and below it, but for those of the studio itself.

    Raises BadMaterial for a folder that is missing, unreadable or without pictures.
    """
    root = checked(named)
    if root.is_relative_to(studio.resolve()):
        raise BadMaterial(f"{root} is the studio's own folder. Name a folder of other pictures.")
    found = Found(root, [], {})
    for folder, names in walk(root, studio):
        found.told.update({folder / file: text for file, text in read_tables(folder).items()})
        for name in names:
            ending = os.path.splitext(name)[1].lower()
            if ending in READ:
                found.pictures.append(folder / name)
            elif ending in OTHER:
                found.skipped["not a PNG, JPEG or WebP file"] += 1
        if len(found.pictures) > MOST_FILES:
            raise BadMaterial(
                f"{root} holds more than {MOST_FILES:,} pictures. Name a folder inside it."
            )
    if not found.pictures:
        raise BadMaterial(
            f"{root} holds no PNG, JPEG or WebP picture, nor does any folder inside it. Name the "
            "folder of your pictures."
        )
    return found


def checked(named: Path) -> Path:
    """Return a folder that is there and can be listed; raises BadMaterial."""
    try:
        root = named.expanduser()
        if not root.is_dir():
            why = "is a file" if root.exists() else "does not exist"
            raise BadMaterial(f"{named} {why}. Name a folder of pictures on this machine.")
        os.listdir(root)
        return root.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        told = getattr(error, "strerror", None) or error
        raise BadMaterial(f"{named!s} cannot be read: {told}. Name another folder.") from None


def walk(root: Path, aside: Path) -> Iterator[tuple[Path, list[str]]]:
    """Return every folder but `aside`, from the root on, each once, with its files' names."""
    seen: set[tuple[int, int]] = set()
    for known in (root, aside):
        _is_new(str(known), seen)
    for folder, inside, names in os.walk(root, followlinks=True):
        kept = []
        for name in sorted(inside):
            if not name.startswith(".") and _is_new(os.path.join(folder, name), seen):
                kept.append(name)
        inside[:] = kept
        yield Path(folder), sorted(name for name in names if not name.startswith("."))


def _is_new(folder: str, seen: set[tuple[int, int]]) -> bool:
    try:
        status = os.stat(folder)
    except OSError:
        return False
    node = (status.st_dev, status.st_ino)
    if node in seen:
        return False
    seen.add(node)
    return True
