"""Reading: the votes of foreign files, one after the other and never all in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TypeAlias

from storage.errors import UnreadableData
from storage.layouts.data_rows import DataRow, RowOrReason, picked
from storage.layouts.foreign_votes import ForeignVote, RowLeftOut
from storage.layouts.forms.answer_rows import votes_by_answers
from storage.layouts.forms.folder_rows import votes_of_folders
from storage.layouts.forms.mapped_rows import MappedRow
from storage.layouts.forms.own_rows import own_mapping, votes_of_own
from storage.layouts.forms.pair_rows import votes_by_columns, votes_by_labels, votes_by_shares
from storage.layouts.forms.ranking_rows import RankedRows, votes_by_ranks
from storage.layouts.found import FoundData, rows_of_file
from storage.layouts.image_finder import ImageFinder
from storage.layouts.layouts import LAYOUTS, Form
from storage.layouts.mapping import NOTHING_GUESSED, ColumnMapping, check_mapping
from storage.layouts.parquet_rows import parquet_rows
from storage.layouts.values import LeftOut

VoteOrReason: TypeAlias = ForeignVote | RowLeftOut
Reader: TypeAlias = Callable[[MappedRow], Iterator[VoteOrReason]]

READERS: Mapping[Form, Reader] = {
    "labels": votes_by_labels,
    "shares": votes_by_shares,
    "chosen": votes_by_columns,
    "rankings": votes_by_ranks,
    "answers": votes_by_answers,
    "own": votes_of_own,
}
"""Readers of forms in which each row stands for itself."""


@dataclass(frozen=True, slots=True)
class ReadFiles:
    """Reads the votes of files, all or some of which may lie elsewhere by then."""

    found: FoundData
    mapping: ColumnMapping

    def __call__(self, files: Sequence[Path]) -> Iterator[VoteOrReason]:
        """Return the votes of the same files at these places."""
        beside = self._before(files)
        return votes(replace(self.found, files=tuple(files), beside=beside), self.mapping)

    def _before(self, files: Sequence[Path]) -> tuple[Path, ...]:
        """Return where files were found: the images that they name still lie there.

        A file that a studio has taken in has a number and its name (`place_files`).
        """
        names = [file.name for file in files]
        known = [
            file
            for file in self.found.files
            if file in files or any(name.endswith(f"-{file.name}") for name in names)
        ]
        return tuple(known if len(known) == len(files) else files)


def votes(
    found: FoundData, mapping: ColumnMapping | None = None, *, content: bool = True
) -> Iterator[VoteOrReason]:
    """Return the votes of files in the order of their rows, and of other rows why they give none.

    Args:
        found: the files, as `find_data` found them.
        mapping: which column says what; the guessed one if it is left out.
        content: whether to read the bytes of images that are in the rows. Without them a row whose
            image is empty is not left out.

    Raises:
        UnreadableData: the mapping does not fit, at once; or while the votes are read, a file is
            damaged.
    """
    mapping = mapping or found.guess
    if mapping is None:
        told = ", ".join(list(found.cells)[:20])
        raise UnreadableData(f"{NOTHING_GUESSED} There are {told}.")
    form = LAYOUTS[mapping.layout].form if mapping.layout in LAYOUTS else None
    if (form == "folders") != (found.kind == "folders"):
        raise UnreadableData(
            f"{found.files[0].name} is not of the layout {mapping.layout}. Choose another one."
        )

    mapping = own_mapping(found.columns) if form == "own" else mapping
    check_mapping(mapping, found.columns)
    if found.kind == "folders":
        return votes_of_folders(found.files[0], mapping)
    rows = rows_of(found, mapping, content)
    finder = ImageFinder(found.files, found.beside or found.files)
    if form == "ranked_rows":
        return votes_of_groups(rows, RankedRows(mapping, finder))
    return votes_of_rows(rows, READERS[LAYOUTS[mapping.layout].form], mapping, finder)


def rows_of(found: FoundData, mapping: ColumnMapping, content: bool) -> Iterator[RowOrReason]:
    """Return the rows of all files with the cells of a mapping."""
    if found.kind == "parquet":
        return parquet_rows(found.files, mapping.cells(), content)
    rows = (rows_of_file(path, number) for number, path in enumerate(found.files))
    return picked(chain.from_iterable(rows), mapping.cells(), found.columns)


def votes_of_rows(
    rows: Iterator[RowOrReason], read: Reader, mapping: ColumnMapping, finder: ImageFinder
) -> Iterator[VoteOrReason]:
    """Yield the votes of rows that each stand for themselves."""
    for row in rows:
        if isinstance(row, RowLeftOut):
            yield row
            continue
        try:
            yield from read(MappedRow(row, mapping, finder))
        except LeftOut as left_out:
            yield RowLeftOut(row.file, row.row, str(left_out))


def votes_of_groups(rows: Iterator[RowOrReason], ranked: RankedRows) -> Iterator[VoteOrReason]:
    """Yield the rankings of rows that are an image each."""
    for row in rows:
        if isinstance(row, DataRow):
            yield from ranked.add(row)
        else:
            yield row
    yield from ranked.end()
