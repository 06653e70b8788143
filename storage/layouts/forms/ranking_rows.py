"""Rankings: rows with the ranks of several images, of all people together or of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from storage.layouts.data_rows import DataRow
from storage.layouts.foreign_votes import ForeignImage, ForeignVote, RowLeftOut
from storage.layouts.forms.mapped_rows import TIE, MappedRow, are_same
from storage.layouts.image_finder import ImageFinder
from storage.layouts.mapping import ColumnMapping
from storage.layouts.values import (
    FEW,
    MOST_ENTRIES,
    NO_ANSWER,
    LeftOut,
    list_of,
    number_of,
)

OTHER_LENGTH = "there are more or fewer ranks than images"
TOO_FEW = "a ranking has fewer than 2 images"
TOO_MANY = f"a ranking has more than {MOST_ENTRIES} images"
ALL_EQUAL = "a ranking has all images at one rank"
SAME_IMAGE = "a ranking has an image twice"
PEOPLE_RANKS = ("rank", "ranks", "ranking")
PEOPLE_NAMES = ("user_hash", "user_id", "user", "annotator")


def votes_by_ranks(row: MappedRow) -> Iterator[ForeignVote | RowLeftOut]:
    """Yield the ranking of a row, or that of each person where it has them; raises LeftOut."""
    images = listed_images(row)
    people = row.value("people")
    if people is None:
        ranks = row.value("ranks")
        if ranks is None:
            raise LeftOut(NO_ANSWER)
        yield of_ranks(row, images, list_of(ranks))
        return

    for person in list_of(people):
        try:
            ranks, name = of_person(person)
            yield of_ranks(row, images, ranks, annotator=name)
        except LeftOut as left_out:
            yield row.left_out(str(left_out))


def of_person(person: Any) -> tuple[Sequence[Any], Any]:
    """Return one person's ranks and name; raises LeftOut."""
    if not isinstance(person, Mapping):
        return list_of(person), ""
    ranks = next((person[key] for key in PEOPLE_RANKS if person.get(key) is not None), None)
    names = (person[key] for key in PEOPLE_NAMES if person.get(key) is not None)
    return list_of(ranks), next(names, "")


def listed_images(row: MappedRow) -> list[ForeignImage]:
    """Return the images of a row's list; raises LeftOut."""
    cell, listed = row.mapping.columns["images"], list_of(row.value("images"))
    check_count(len(listed))
    return [row.finder.find(v, row.data, f"{cell}[{n}]") for n, v in enumerate(listed)]


def check_count(count: int) -> None:
    """Raise LeftOut for fewer images than can be ranked, or more."""
    if count < FEW:
        raise LeftOut(TOO_FEW)
    if count > MOST_ENTRIES:
        raise LeftOut(TOO_MANY)


def of_ranks(
    row: MappedRow, images: Sequence[ForeignImage], told: Sequence[Any], **more: Any
) -> ForeignVote:
    """Return the ranking of images; of two it is a choice or a tie. Raises LeftOut."""
    ranks = listed_ranks(told, len(images))
    if any(are_same(a, b) for n, a in enumerate(images) for b in images[:n]):
        raise LeftOut(SAME_IMAGE)

    if len(images) == FEW:
        pair = (images[0], images[1])
        if ranks[0] == ranks[1]:
            return row.vote(pair, TIE, **more)
        return row.preference(pair, 0 if ranks[0] < ranks[1] else 1, **more)
    if len(set(ranks)) == 1:
        raise LeftOut(ALL_EQUAL)
    return row.vote(images, "ranking", ranks=ranks, **more)


def listed_ranks(told: Any, count: int) -> list[int]:
    """Return the ranks of so many images; raises LeftOut."""
    told = list_of(told)
    if len(told) != count:
        raise LeftOut(OTHER_LENGTH)
    return whole(list(map(number_of, told)))


def whole(ranks: Sequence[float]) -> list[int]:
    """Return ranks as whole numbers in the same order: averages of several people are none."""
    if all(rank.is_integer() and rank < MOST_ENTRIES * 2 for rank in ranks):
        return [int(rank) for rank in ranks]
    places = {rank: place for place, rank in enumerate(sorted(set(ranks)), 1)}
    return [places[rank] for rank in ranks]


class RankedRows:
    """Rankings whose images are in rows of their own, those of one ranking after each other."""

    def __init__(self, mapping: ColumnMapping, finder: ImageFinder) -> None:
        self._mapping, self._finder = mapping, finder
        self._rows: list[DataRow] = []

    def add(self, data: DataRow) -> Iterator[ForeignVote | RowLeftOut]:
        """Take the next row, and yield the ranking that ended with the row before it."""
        if self._rows and self._group(data) != self._group(self._rows[0]):
            yield from self.end()
        if len(self._rows) <= MOST_ENTRIES:
            self._rows.append(data)

    def end(self) -> Iterator[ForeignVote | RowLeftOut]:
        """Yield the ranking of the rows that were taken last."""
        rows, self._rows = [self._mapped(data) for data in self._rows], []
        if not rows:
            return
        try:
            check_count(len(rows))
            images = [row.image("image") for row in rows]
            yield of_ranks(rows[0], images, [row.value("rank") for row in rows])
        except LeftOut as left_out:
            yield rows[0].left_out(str(left_out))

    def _group(self, data: DataRow) -> tuple[int, Any]:
        value = self._mapped(data).value("group")
        # Rows without one are rankings of a single image each, which give nothing.
        return data.file, data.row if value is None else str(value)

    def _mapped(self, data: DataRow) -> MappedRow:
        return MappedRow(data, self._mapping, self._finder)
