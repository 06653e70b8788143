"""Match the rows of tables to images, also of tables that were made on another machine."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

PARENT_FOLDERS = 2
"""Folders above an image by which it is told from others of its name."""
MAX_NAMESAKES = 8
"""Images with the same name and parent folders whose whole paths are compared with a row's."""


class CaptionRow(NamedTuple):
    """Row of a table: the name it has for an image, and its prompt."""

    folder: str
    """Folder of the table, with forward slashes."""
    name: str
    prompt: str


def match_rows(
    rows: Sequence[CaptionRow], images: Iterable[Path]
) -> tuple[dict[Path, str], set[Path]]:
    """Return the prompts from tables by image, and the images on which rows disagree.

    A name that is no path of a file here, such as a path of another machine, matches the one image
    with that name; a name without an ending, the one image with that stem.
    """
    by_path = {image.as_posix(): image for image in images}
    prompts: dict[Path, str] = {}
    unmatched = []
    for row in rows:
        image = by_path.get(f"{row.folder}/{row.name}")
        if image is not None:
            prompts.setdefault(image, row.prompt)
        else:
            unmatched.append(row)
    if not unmatched:
        return prompts, set()

    wanted = {key for row in unmatched for key in _keys(row.name)}
    by_key = _images_by_key((i for i in by_path.values() if i not in prompts), wanted)
    claims: dict[Path, dict[str, str]] = defaultdict(dict)
    unclear: set[Path] = set()
    crowded: set[str] = set()
    for row in unmatched:
        key = next((key for key in _keys(row.name) if key in by_key), "")
        if len(by_key.get(key, ())) > MAX_NAMESAKES:
            crowded.add(key)
            continue
        nearest = _nearest(row, by_key.get(key, []))
        if len(nearest) == 1:
            claims[nearest[0]].setdefault(row.name, row.prompt)
        unclear.update(nearest if len(nearest) > 1 else ())

    for path, claimed in claims.items():
        if len(set(claimed.values())) == 1:
            prompts[path] = next(iter(claimed.values()))
        else:
            unclear.add(path)
    unclear.update(*(by_key[key] for key in crowded))
    return prompts, unclear - prompts.keys()


def _images_by_key(images: Iterable[Path], wanted: AbstractSet[str]) -> dict[str, list[Path]]:
    """Return images by their names, with and without folders and ending."""
    by_key: dict[str, list[Path]] = defaultdict(list)
    for image in images:
        for key in set(_keys("/".join(image.parts[-PARENT_FOLDERS - 1 :]))):
            if key in wanted:
                by_key[key].append(image)
    # A plain dictionary, to which a look-up of a missing key adds nothing.
    return dict(by_key)


def _keys(path: str) -> tuple[str, ...]:
    """Return the keys of a path, the most specific first: an image may be moved or converted.

    Normalized where systems differ: composed letters, %20, capitals.
    """
    plain = unquote("/".join(path.split("/")[-PARENT_FOLDERS - 1 :]))
    whole = (plain if plain.isascii() else unicodedata.normalize("NFC", plain)).casefold()
    parts = whole.split("/")
    names = ["/".join(parts[start:]) for start in range(len(parts))]
    return tuple(key for name in names for key in (name, _stem(name)))


def _stem(name: str) -> str:
    stem, _, ending = name.rpartition(".")
    return stem if stem and "/" not in ending else name


def _nearest(row: CaptionRow, images: list[Path]) -> list[Path]:
    """Return the images that share most folders with a row's name, first those below its table."""
    if len(images) < 2:
        return images

    below = [image for image in images if image.is_relative_to(row.folder)] or images
    parts = row.name.split("/")[-2::-1]
    shares = [_common_length(image.parent.parts[::-1], parts) for image in below]
    most = max(shares)
    return [image for image, share in zip(below, shares, strict=True) if share == most]


def _common_length(some: Sequence[str], others: Sequence[str]) -> int:
    """Return how many names two paths have in common at their start."""
    count = 0
    for name, other in zip(some, others, strict=False):
        if name.casefold() != other.casefold():
            break
        count += 1
    return count
