"""Walk of a folder: its images and the texts about them, each folder once despite links."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from annotate.errors import InvalidImport
from annotate.image_import.captions.file_names import sorting_folders
from annotate.image_import.captions.nearby import NearbyCaptions
from annotate.image_import.file_types import IMAGE_ENDINGS, reason_against
from annotate.image_import.folder_contents import FolderContents
from annotate.image_import.import_summary import SkipCounts
from storage.safe_files import OUTSIDE, printable

MAX_FILES = 200_000
Stopped = Callable[[], bool]


def find_images(named: Path, studio: Path, stopped: Stopped = lambda: False) -> FolderContents:
    """Find every image in a folder and below it, except in the studio's own folder.

    Raises InvalidImport for a folder that is missing, unreadable or without images.
    """
    root = check_folder(named)
    if root.is_relative_to(studio.resolve()):
        raise InvalidImport(f"{root} is the studio's own folder. Name a folder of other images.")

    found, nearby = FolderContents(root, SkipCounts(root)), NearbyCaptions(root)
    for folder, names in walk(root, studio.resolve(), found.skipped, stopped):
        images = []
        for name in names:
            reason = reason_against(folder / name, root)
            if reason is None:
                images.append(name)
            elif reason:
                found.skipped.add(reason, folder / name)
        found.images.extend(folder / name for name in images)
        if len(found.images) > MAX_FILES:
            raise InvalidImport(
                f"{root} holds more than {MAX_FILES:,} images. Name a folder inside it."
            )
        nearby.add(folder, names, images, found.skipped)
    if not found.images and not stopped():
        raise InvalidImport(
            f"{root} holds no PNG, JPEG or WebP image, nor does any folder inside it. Name the "
            "folder of your images."
        )

    found.table_prompts.update(nearby.prompts_of(found.images))
    found.undecided.update(nearby.undecided)
    found.caption_files.update(nearby.caption_files)
    found.sorting_folders.update(sorting_folders(found.images))
    return found


def check_folder(named: Path) -> Path:
    """Return the real path of a folder that can be listed; raises InvalidImport."""
    name = printable(str(named))
    try:
        root = named.expanduser()
        if not root.is_dir():
            why = "is a file" if root.exists() else "does not exist"
            raise InvalidImport(f"{name} {why}. Name a folder of images on this machine.")
        os.listdir(root)
        return root.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidImport(f"{name} cannot be read: {reason}. Name another folder.") from None


def walk(
    root: Path, aside: Path, skipped: SkipCounts, stopped: Stopped
) -> Iterator[tuple[Path, list[str]]]:
    """Yield every folder from the root on, except `aside`, with the names of its files.

    Links to folders are followed if they stay within the root; no folder comes twice.
    """
    seen: set[tuple[int, int]] = set()
    for known in (root, aside):
        _is_new(str(known), seen)
    waiting = [str(root)]
    # Not os.walk: before Python 3.12 it is recursive, and a deep folder exhausts the stack.
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


def _stays(entry: os.DirEntry[str], root: Path, aside: Path, skipped: SkipCounts) -> bool:
    """Return whether a folder lies within the root; links, and junctions on Windows, may not."""
    if not entry.is_symlink() and os.name != "nt":
        return True
    real = Path(os.path.realpath(entry.path))
    if not real.is_relative_to(root):
        skipped.add(OUTSIDE, Path(entry.path))
    return real.is_relative_to(root) and not real.is_relative_to(aside)


def _is_new(folder: str, seen: set[tuple[int, int]]) -> bool:
    """Return whether a folder was not seen before, by device and inode, and note it."""
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
