"""Pairs: rows that say by numbers, or by the names of their columns, which image is better."""

from __future__ import annotations

from collections.abc import Iterator

from storage.layouts.foreign_votes import ForeignVote
from storage.layouts.forms.mapped_rows import TIE, MappedRow
from storage.layouts.values import (
    BAD_NUMBER,
    NO_ANSWER,
    LeftOut,
    is_true,
    list_of,
    number_of,
)

EVEN = 0.5


def votes_by_labels(row: MappedRow) -> Iterator[ForeignVote]:
    """Yield the vote of a row with a number for each image; raises LeftOut.

    1 and 0 are a choice, equal ones a tie, others the share of people who chose the image.
    """
    first = share_of_first(row)
    yield of_share(row, first, told=first not in (0, 1))


def votes_by_shares(row: MappedRow) -> Iterator[ForeignVote]:
    """Yield the vote of a row with the share of each image, which stays one at 0 and 1 too.

    Raises LeftOut.
    """
    yield of_share(row, share_of_first(row), told=True)


def of_share(row: MappedRow, first: float, *, told: bool) -> ForeignVote:
    """Return the vote that the share of the first image stands for; raises LeftOut."""
    images = row.both("image_0", "image_1")
    if first == EVEN:
        return row.vote(images, TIE)
    share = max(first, 1 - first) if told else None
    return row.preference(images, 0 if first > EVEN else 1, share=share)


def share_of_first(row: MappedRow) -> float:
    """Return the share of the first image, 0 to 1; raises LeftOut for a row without labels."""
    if row.has("has_label") and not is_true(row.value("has_label")):
        raise LeftOut(NO_ANSWER)
    value = row.value("label_0")
    if value is None:
        raise LeftOut(NO_ANSWER)

    first = number_of(value)
    if row.has("label_1"):
        second = number_of(row.value("label_1"))
    elif first <= 1:
        second = 1 - first
    else:
        raise LeftOut(BAD_NUMBER)
    total = first + second
    # Neither was preferred, where each has its own yes or no.
    return first / total if total else EVEN


def votes_by_columns(row: MappedRow) -> Iterator[ForeignVote]:
    """Yield the vote of a row that names the better image and the other one; raises LeftOut."""
    images = row.both("chosen", "rejected")
    yield row.preference(images, 0, share=share_of_chosen(row))


def share_of_chosen(row: MappedRow) -> float | None:
    """Return the share of the better image, of counted votes or of how sure the choice is.

    None where the row does not tell it, or says that the other image had more votes. Raises LeftOut
    for numbers that cannot be.
    """
    if (counts := row.value("votes")) is not None:
        counts = list(map(number_of, list_of(counts)))
        if len(counts) != 2:
            raise LeftOut(BAD_NUMBER)
        return counts[0] / sum(counts) if counts[0] >= counts[1] and sum(counts) else None
    if (confidence := row.value("confidence")) is not None:
        sure = number_of(confidence)
        if sure > 1:
            raise LeftOut(BAD_NUMBER)
        return sure if sure >= EVEN else None
    return None
