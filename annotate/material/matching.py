"""Which image a row of a table means, wherever the table was made."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote


class Row(NamedTuple):
    """One image of a table, by the name that the table has for it."""

    folder: str
    """Where the table lies, with slashes."""
    name: str
    prompt: str


def matched(rows: Sequence[Row], images: Iterable[Path]) -> tuple[dict[Path, str], set[Path]]:
    """Return the prompts that tables give, by image, and the images that rows differ about.

    A name that leads to no file, such as a path of another machine, means the one image that is
    called so; a name without an ending, the one image of that name.
    """
    known = {image.as_posix(): image for image in images}
    told: dict[Path, str] = {}
    others = []
    for row in rows:
        image = known.get(f"{row.folder}/{row.name}")
        if image is not None:
            told.setdefault(image, row.prompt)
        else:
            others.append(row)
    if not others:
        return told, set()

    called = _called(image for image in known.values() if image not in told)
    claims: dict[Path, dict[str, str]] = defaultdict(dict)
    unclear: set[Path] = set()
    for row in others:
        key = _key(row.name)
        # An image may have been converted since: a.jpg is a.webp here.
        nearest = _nearest(row, called.get(key) or called.get(key.rpartition(".")[0], []))
        if len(nearest) == 1:
            claims[nearest[0]].setdefault(row.name, row.prompt)
        unclear.update(nearest if len(nearest) > 1 else ())
    for path, prompts in claims.items():
        if len(set(prompts.values())) == 1:
            told[path] = next(iter(prompts.values()))
        else:
            unclear.add(path)
    return told, unclear - told.keys()


def _called(images: Iterable[Path]) -> dict[str, list[Path]]:
    """Images by their names, with and without the ending."""
    called: dict[str, list[Path]] = defaultdict(list)
    for image in images:
        called[_key(image.name)].append(image)
        called[_key(image.stem)].append(image)
    return called


def _key(name: str) -> str:
    """A file's name alone, without what systems differ in: pieces of letters, %20, capitals."""
    own = unquote(name.rpartition("/")[2])
    return (own if own.isascii() else unicodedata.normalize("NFC", own)).casefold()


def _nearest(row: Row, images: list[Path]) -> list[Path]:
    """The images that share most folders with a name; those below the table before others."""
    if len(images) < 2:
        return images
    below = [image for image in images if image.is_relative_to(row.folder)] or images
    parts = row.name.split("/")[-2::-1]
    shares = [_shared(image.parent.parts[::-1], parts) for image in below]
    most = max(shares)
    return [image for image, share in zip(below, shares, strict=True) if share == most]


def _shared(some: Sequence[str], others: Sequence[str]) -> int:
    count = 0
    for one, other in zip(some, others, strict=False):
        if one.casefold() != other.casefold():
            break
        count += 1
    return count
