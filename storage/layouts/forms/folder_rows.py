"""Folders of better and of worse images: files of one name are a pair."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from storage.errors import UnreadableData
from storage.layouts.foreign_votes import ForeignImage, ForeignVote, ImagePlace, RowLeftOut
from storage.layouts.image_finder import MISSING, NO_FILE, OUTSIDE
from storage.layouts.inputs import sides_of
from storage.layouts.mapping import CONSTANT, ColumnMapping
from storage.layouts.values import NO_PROMPT, LeftOut, prompt_of
from storage.safe_files import SkippedFile, read_start

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
CAPTIONS = (".txt", ".caption")
GRID = "grid.png"
"""A contact sheet of all images, which exports and renders write beside them."""
ALONE = "an image has no partner of its name in the other folder"
TWICE = "two images of one folder have the same name"
LONGEST_CAPTION_BYTES = 20_000
MAX_IMAGES = 2_000_000


def votes_of_folders(folder: Path, mapping: ColumnMapping) -> Iterator[ForeignVote | RowLeftOut]:
    """Yield a vote for each name, in the order of names; raises UnreadableData.

    The prompt is `NAME.txt` beside the better image, beside the other one or in `folder`, or that
    of the mapping.
    """
    better, worse = map(images_in, found_sides(folder))
    for number, name in enumerate(sorted(better.keys() | worse.keys())):
        chosen, rejected = better.get(name, []), worse.get(name, [])
        if len(chosen) > 1 or len(rejected) > 1:
            yield RowLeftOut(0, number, TWICE)
        elif not chosen or not rejected:
            yield RowLeftOut(0, number, ALONE)
        else:
            yield of_pair(folder, number, (chosen[0], rejected[0]), mapping)


def found_sides(folder: Path) -> tuple[Path, Path]:
    """Return the two folders; raises UnreadableData."""
    sides = sides_of(folder)
    if sides is None:
        raise UnreadableData(
            f"{folder.name} has no folders chosen/ and rejected/. Put the better image of each "
            "pair into the one and the other, under the same name, into the other."
        )
    return sides


def images_in(folder: Path) -> dict[str, list[Path]]:
    """Return the images of a folder by their names without suffix."""
    images: dict[str, list[Path]] = {}
    for path in folder.iterdir():
        if path.suffix.lower() in SUFFIXES and path.name != GRID and not path.name.startswith("."):
            images.setdefault(path.stem, []).append(path)
            if len(images) > MAX_IMAGES:
                raise UnreadableData(f"{folder.name} has more than {MAX_IMAGES:,} images.")
    return images


def of_pair(
    folder: Path, number: int, pair: tuple[Path, Path], mapping: ColumnMapping
) -> ForeignVote | RowLeftOut:
    """Return the vote of two images, or the reason why there is none."""
    root = folder.resolve()
    try:
        images = [ForeignImage(ImagePlace(inside(path, root))) for path in pair]
        beside = (*pair, folder / pair[0].name)
        captions = filter(None, (caption_of(path, root) for path in beside))
        prompt = next(captions, mapping.columns.get("prompt", "").removeprefix(CONSTANT))
        return ForeignVote(0, number, prompt_of(prompt), tuple(images), "preference")
    except LeftOut as left_out:
        return RowLeftOut(0, number, str(left_out))


def inside(path: Path, root: Path) -> Path:
    """Return the file that a path leads to; raises LeftOut for one outside of the folder."""
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise LeftOut(MISSING) from error
    if not real.is_relative_to(root):
        raise LeftOut(OUTSIDE)
    if not real.is_file():
        raise LeftOut(NO_FILE)
    return real


def caption_of(image: Path, root: Path) -> str:
    """Return the text beside an image; empty if there is none. Raises LeftOut for a broken one."""
    for ending in CAPTIONS:
        path = image.with_suffix(ending)
        if path.exists():
            try:
                text = read_start(inside(path, root), root, LONGEST_CAPTION_BYTES)
                return text.decode("utf-8-sig").strip()
            except (SkippedFile, UnicodeDecodeError) as error:
                raise LeftOut(f"{NO_PROMPT} that can be read") from error
    return ""
