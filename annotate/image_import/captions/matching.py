"""Which image a row of a table means, wherever the table was made."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

FOLDERS = 2
"""Above an image that are looked at to tell it from others of its name."""
MOST_NAMESAKES = 8
"""Images of one name and these folders among which a row's is looked for by all of their paths."""


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

    wanted = {key for row in others for key in _keys(row.name)}
    called = _called((image for image in known.values() if image not in told), wanted)
    claims: dict[Path, dict[str, str]] = defaultdict(dict)
    unclear: set[Path] = set()
    crowded: set[str] = set()
    for row in others:
        key = next((key for key in _keys(row.name) if key in called), "")
        if len(called.get(key, ())) > MOST_NAMESAKES:
            crowded.add(key)
            continue
        nearest = _nearest(row, called.get(key, []))
        if len(nearest) == 1:
            claims[nearest[0]].setdefault(row.name, row.prompt)
        unclear.update(nearest if len(nearest) > 1 else ())
    for path, prompts in claims.items():
        if len(set(prompts.values())) == 1:
            told[path] = next(iter(prompts.values()))
        else:
            unclear.add(path)
    unclear.update(*(called[key] for key in crowded))
    return told, unclear - told.keys()


def _called(images: Iterable[Path], wanted: AbstractSet[str]) -> dict[str, list[Path]]:
    """Images by their names, with and without the folder, and the ending."""
    called: dict[str, list[Path]] = defaultdict(list)
    for image in images:
        for key in set(_keys("/".join(image.parts[-FOLDERS - 1 :]))):
            if key in wanted:
                called[key].append(image)
    # As a plain dictionary: to ask for what is missing adds nothing.
    return dict(called)


def _keys(path: str) -> tuple[str, ...]:
    """What an image may be found by, the surest first: it may have been moved or converted since.

    Without what systems differ in: letters in pieces, %20, capitals.
    """
    plain = unquote("/".join(path.split("/")[-FOLDERS - 1 :]))
    whole = (plain if plain.isascii() else unicodedata.normalize("NFC", plain)).casefold()
    parts = whole.split("/")
    names = ["/".join(parts[place:]) for place in range(len(parts))]
    return tuple(key for name in names for key in (name, _stem(name)))


def _stem(name: str) -> str:
    stem, _, ending = name.rpartition(".")
    return stem if stem and "/" not in ending else name


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
