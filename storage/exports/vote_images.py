"""Images of votes in the order of the votes, whatever file and row they were first seen in."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from storage.exports.exported_votes import ExportedImage, ExportedVote
from storage.exports.image_bytes import ImageBytes, TableRows
from storage.layouts.parquet_files import open_parquet

KEPT_BYTES = 64_000_000
"""Bytes of images that are kept, since votes that follow each other often share one."""


class VoteImages:
    """Reads the images of one vote after the other. To be closed after use.

    An image of a source is known by the first cell that it was in, and a million votes may show a
    hundred thousand images: looked up there, each would take its time. But a vote's own row has its
    images too, and the rows come in order, so that is where they are looked for first.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._elsewhere = self._stack.enter_context(ImageBytes())
        self._opened = ExitStack()
        self._path: Path | None = None
        self._cells: list[str] = []
        """Columns of the open file in which images were found."""
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._kept_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._opened.close()
        self._stack.close()

    def read(self, vote: ExportedVote) -> dict[str, bytes]:
        """Return the images of a vote by their SHA-256; raises BrokenStudio for a damaged one."""
        found: dict[str, bytes] = {}
        for image in vote.images:
            if image.sha256 in found:
                continue
            content = self._kept.get(image.sha256)
            if content is None and image.place.row is not None:
                content = self._of_own_row(vote, image)
            if content is None:
                content = self._elsewhere.read(image)
            self._keep(image.sha256, content)
            found[image.sha256] = content
        return found

    def _of_own_row(self, vote: ExportedVote, image: ExportedImage) -> bytes | None:
        """Return an image as the row of its vote has it, if it has."""
        if image.place.file != self._path:
            self._open(image.place.file)
        if image.place.column not in self._cells:
            self._cells.append(image.place.column)
        # The number of its row, as the key of a vote of a source ends.
        row = int(vote.key.rpartition("-")[2])
        for cell in self._cells:
            content = self._table.cell(row, cell)
            if content and hashlib.sha256(content).hexdigest() == image.sha256:
                return content
        return None

    def _open(self, path: Path) -> None:
        self._opened.close()
        self._table = TableRows(self._opened.enter_context(open_parquet([path])))
        self._path, self._cells = path, []

    def _keep(self, sha256: str, content: bytes) -> None:
        """Keep an image for the votes that follow, and let go of the oldest ones."""
        if sha256 in self._kept:
            self._kept.move_to_end(sha256)
            return
        self._kept[sha256] = content
        self._kept_bytes += len(content)
        while self._kept_bytes > KEPT_BYTES and len(self._kept) > 1:
            self._kept_bytes -= len(self._kept.popitem(last=False)[1])
