"""Captions near the images of a folder, though not beside each of them.

A table of many images, the one text of a folder (00012/prompt.txt for 00012/samples/0000.png), or a
file with an image's name in another folder (captions/a.txt for images/a.png).
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from annotate.image_import.captions.columns import is_negative
from annotate.image_import.captions.matching import CaptionRow, match_rows
from annotate.image_import.captions.sidecar import JSON_ENDINGS, OTHER_ENDINGS, TEXT_ENDINGS
from annotate.image_import.captions.tables import CaptionTables, is_sure, own_of, tables_among
from annotate.image_import.import_summary import SkipCounts
from storage.safe_files import SkippedFile

ENDINGS = (*TEXT_ENDINGS, *JSON_ENDINGS, *OTHER_ENDINGS)
UNSUPPORTED = (".parquet", ".arrow", ".feather", ".xlsx", ".xls", ".ods", ".numbers")
NOT_READ = "a table of prompts: in a form that is not read; save it as CSV or JSON"
MAX_LOOSE = 400_000
"""Files that are remembered because an image elsewhere may have their name."""

MAX_NAMESAKES = 64
"""Files of the same name whose distance from an image is compared."""


class NearbyCaptions:
    """Captions of one import, collected folder by folder and then matched to images."""

    def __init__(self, root: Path) -> None:
        self._root, self._tables = root, CaptionTables(root)
        self._rows: list[CaptionRow] = []
        self._folder_prompts: dict[Path, str] = {}
        """Prompts that hold for all images of a folder."""
        self._loose: dict[str, list[str]] = defaultdict(list)
        self._loose_files = 0
        self.caption_files: dict[Path, Path] = {}
        """Caption file of a single image, by image."""
        self.undecided: set[Path] = set()
        """Folders with a table that cannot be read, and images that tables differ about."""

    def add(
        self, folder: Path, names: Sequence[str], images: Sequence[str], skipped: SkipCounts
    ) -> None:
        """Collect the captions of a folder; count a table that cannot be read as skipped."""
        own = own_of(images)
        # A folder of nothing but negative prompts says nothing about what its images show.
        negative = folder != self._root and not images and is_negative(folder.name)
        names = () if negative else [name for name in names if not is_negative(Path(name).stem)]
        for name in names:
            if name.lower().endswith(ENDINGS):
                self._file(folder, name, own)
            if name.lower().endswith(UNSUPPORTED) and is_sure(name):
                skipped.add(NOT_READ, folder / name)
                self.undecided.add(folder)

        for name in tables_among(names, own):
            try:
                self._table(folder, name)
            except SkippedFile as skip:
                if is_sure(name):
                    skipped.add(f"a table of prompts: {skip}", folder / name)
                    self.undecided.add(folder)

    def prompts_of(self, images: Sequence[Path]) -> dict[Path, str]:
        """Return the prompts from tables and from texts of whole folders, by image."""
        prompts, unclear = match_rows(self._rows, images)
        self.undecided |= unclear

        if self._folder_prompts:
            for image in images:
                above = (folder for folder in image.parents if folder in self._folder_prompts)
                if image not in prompts and (folder := next(above, None)):
                    prompts[image] = self._folder_prompts[folder]
        if self._loose:
            self._match_elsewhere(images)
        return prompts

    def _table(self, folder: Path, name: str) -> None:
        for image, text in self._tables.read(folder / name).items():
            if image:
                self._rows.append(CaptionRow(folder.as_posix(), image, text))
            else:
                self._folder_prompts.setdefault(folder, text)

    def _file(self, folder: Path, name: str, own: dict[str, str]) -> None:
        """Collect a file that may caption one image: a.swarm.json here, or captions/a.txt."""
        stem = name.partition(".")[0]
        image = own.get(os.path.splitext(name)[0]) or own.get(stem)
        if image is not None:
            self.caption_files.setdefault(folder / image, folder / name)
        elif self._loose_files < MAX_LOOSE:
            self._loose_files += 1
            self._loose[os.path.splitext(name)[0].casefold()].append(str(folder / name))

    def _match_elsewhere(self, images: Iterable[Path]) -> None:
        """Match each image to the nearest file of its name, if that is not as near to another."""
        claims: dict[str, list[Path]] = defaultdict(list)
        for image in images:
            files = self._loose.get(image.stem.casefold(), [])[:MAX_NAMESAKES]
            near = [_common(image, file) for file in files]
            if near and near.count(max(near)) == 1:
                claims[files[near.index(max(near))]].append(image)

        for file, claimants in claims.items():
            near = [_common(image, file) for image in claimants]
            if near.count(max(near)) == 1:
                self.caption_files.setdefault(claimants[near.index(max(near))], Path(file))


def _common(image: Path, file: str) -> int:
    """Return the length of the path that two files have in common."""
    return len(os.path.commonpath([image.parent, os.path.dirname(file)]))
