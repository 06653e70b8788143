"""Mapped rows: the values of a row by what they mean, and the votes that are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from storage.layouts.data_rows import DataRow
from storage.layouts.foreign_votes import ForeignImage, ForeignKind, ForeignVote, RowLeftOut
from storage.layouts.image_finder import ImageFinder
from storage.layouts.mapping import CONSTANT, ColumnMapping
from storage.layouts.values import LeftOut, name_of, prompt_of, time_of

SAME_IMAGE = "both images are the same"
TIE: ForeignKind = "tie"

Side: TypeAlias = Literal[0, 1]


@dataclass(frozen=True, slots=True)
class MappedRow:
    """A row whose cells are asked for by role."""

    data: DataRow
    mapping: ColumnMapping
    finder: ImageFinder

    def has(self, role: str) -> bool:
        """Return whether a column has this role."""
        return bool(self.mapping.columns.get(role))

    def value(self, role: str) -> Any:
        """Return the value of a role; None where no column has it."""
        cell = self.mapping.columns.get(role, "")
        if cell.startswith(CONSTANT):
            return cell.removeprefix(CONSTANT)
        return self.data.values.get(cell)

    def image(self, role: str) -> ForeignImage:
        """Return the image of a role; raises LeftOut."""
        return self.finder.find(self.value(role), self.data, self.mapping.columns.get(role, ""))

    def both(self, first: str, second: str) -> tuple[ForeignImage, ForeignImage]:
        """Return two images; raises LeftOut, also where they are one."""
        images = self.image(first), self.image(second)
        if are_same(*images):
            raise LeftOut(SAME_IMAGE)
        return images

    def vote(
        self,
        images: Sequence[ForeignImage],
        kind: ForeignKind,
        *,
        annotator: Any = None,
        share: float | None = None,
        ranks: Sequence[int] = (),
        given: Any = None,
    ) -> ForeignVote:
        """Return a vote of this row on images; raises LeftOut without a prompt."""
        return ForeignVote(
            file=self.data.file,
            row=self.data.row,
            prompt=prompt_of(self.value("prompt")),
            images=tuple(images),
            kind=kind,
            share=share,
            ranks=tuple(ranks),
            annotator=name_of(self.value("annotator") if annotator is None else annotator),
            given=time_of(self.value("given") if given is None else given),
        )

    def preference(
        self, images: tuple[ForeignImage, ForeignImage], better: Side, **more: Any
    ) -> ForeignVote:
        """Return a vote for one of two images; raises LeftOut without a prompt."""
        return self.vote((images[better], images[1 - better]), "preference", **more)

    def left_out(self, reason: str) -> RowLeftOut:
        """Return what is counted in place of a vote."""
        return RowLeftOut(self.data.file, self.data.row, reason)


def are_same(first: ForeignImage, second: ForeignImage) -> bool:
    """Return whether two images are the same file, or have the same bytes at hand."""
    if first.place is not None and first.place == second.place:
        return True
    return first.content is not None and first.content == second.content
