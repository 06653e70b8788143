"""Texts that are about the images of a folder and lie elsewhere than beside them.

A table of many images, the one text of a folder (00012/prompt.txt for 00012/samples/0000.png), or a
file with an image's name in another folder (captions/a.txt for images/a.png).
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from annotate.image_import.captions.columns import is_negative
from annotate.image_import.captions.matching import Row, matched
from annotate.image_import.captions.sidecar import JSON_ENDINGS, OTHER_ENDINGS, TEXT_ENDINGS
from annotate.image_import.captions.tables import Tables, is_sure, own_of, tables_among
from annotate.image_import.import_summary import Skipped
from annotate.safe_files import SkippedFile

ENDINGS = (*TEXT_ENDINGS, *JSON_ENDINGS, *OTHER_ENDINGS)
UNREAD = (".parquet", ".arrow", ".feather", ".xlsx", ".xls", ".ods", ".numbers")
NOT_READ = "a table of prompts: in a form that is not read; save it as CSV or JSON"
MOST_LOOSE = 400_000
"""Files that are remembered because they may have the name of an image elsewhere."""

MOST_NAMESAKES = 64
"""Files of one name that are compared by where they lie."""


class Nearby:
    """What the folders of one import say of their images."""

    def __init__(self, root: Path) -> None:
        self._root, self._tables = root, Tables(root)
        self._rows: list[Row] = []
        self._shared: dict[Path, str] = {}
        self._loose: dict[str, list[str]] = defaultdict(list)
        self._loose_files = 0
        self.texts: dict[Path, Path] = {}
        """Files that belong to one image, by image."""
        self.untold: set[Path] = set()
        """Folders with a table that cannot be read, and images that tables differ about."""

    def add(
        self, folder: Path, names: Sequence[str], images: Sequence[str], skipped: Skipped
    ) -> None:
        """Take in the texts of a folder; a table that cannot be read is counted."""
        own = own_of(images)
        aside = folder != self._root and not images and is_negative(folder.name)
        names = () if aside else [name for name in names if not is_negative(Path(name).stem)]
        for name in names:
            if name.lower().endswith(ENDINGS):
                self._file(folder, name, own)
            if name.lower().endswith(UNREAD) and is_sure(name):
                skipped.add(NOT_READ, folder / name)
                self.untold.add(folder)
        for name in tables_among(names, own):
            try:
                self._table(folder, name)
            except SkippedFile as skip:
                if is_sure(name):
                    skipped.add(f"a table of prompts: {skip}", folder / name)
                    self.untold.add(folder)

    def told(self, images: Sequence[Path]) -> dict[Path, str]:
        """Return the prompts that tables and folders' texts give, by image."""
        told, unclear = matched(self._rows, images)
        self.untold |= unclear
        if self._shared:
            for image in images:
                near = (self._shared[up] for up in image.parents if up in self._shared)
                if image not in told and (text := next(near, None)):
                    told[image] = text
        if self._loose:
            self._match_elsewhere(images)
        return told

    def _table(self, folder: Path, name: str) -> None:
        for image, text in self._tables.read(folder / name).items():
            if image:
                self._rows.append(Row(folder.as_posix(), image, text))
            else:
                self._shared.setdefault(folder, text)

    def _file(self, folder: Path, name: str, own: dict[str, str]) -> None:
        """Keep a file that may belong to an image: a.swarm.json here, or captions/a.txt."""
        stem = name.partition(".")[0]
        image = own.get(os.path.splitext(name)[0]) or own.get(stem)
        if image is not None:
            self.texts.setdefault(folder / image, folder / name)
        elif self._loose_files < MOST_LOOSE:
            self._loose_files += 1
            self._loose[os.path.splitext(name)[0].casefold()].append(str(folder / name))

    def _match_elsewhere(self, images: Iterable[Path]) -> None:
        """Give an image the text of its name that is nearest, if that is nearest to no other."""
        claims: dict[str, list[Path]] = defaultdict(list)
        for image in images:
            files = self._loose.get(image.stem.casefold(), [])[:MOST_NAMESAKES]
            near = [_common(image, file) for file in files]
            if near and near.count(max(near)) == 1:
                claims[files[near.index(max(near))]].append(image)
        for file, claimants in claims.items():
            near = [_common(image, file) for image in claimants]
            if near.count(max(near)) == 1:
                self.texts.setdefault(claimants[near.index(max(near))], Path(file))


def _common(image: Path, file: str) -> int:
    """How many letters the paths of two files have in common from the root on."""
    return len(os.path.commonpath([image.parent, os.path.dirname(file)]))
