"""Mappings: which column of a file says what, guessed from its names, shown and corrected."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypedDict

from storage.errors import UnreadableData
from storage.layouts.layouts import LAYOUTS, Layout, Role
from storage.layouts.parquet_files import parts_of

CONSTANT = "="
"""Begins what stands for a column and is the value itself: `prompt: "=a red fox"`."""
MAX_TEXT_LENGTH = 20_000
NOTHING_GUESSED = (
    "The names of the columns do not say which image is better. Choose a layout, and which column "
    "is what."
)


class MappingData(TypedDict):
    """A mapping as plain data, for the page, programs and files."""

    layout: str
    columns: dict[str, str]
    """By role, the column or the path into one, `=` and a text for all rows, or "" for none."""


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """The layout of some files, and the column of each of its roles."""

    layout: str
    columns: Mapping[str, str]

    def as_data(self) -> MappingData:
        """Return the mapping as plain data, with every role of its layout."""
        roles = LAYOUTS[self.layout].roles
        return {
            "layout": self.layout,
            "columns": {role.name: self.columns.get(role.name, "") for role in roles},
        }

    def cells(self) -> list[str]:
        """Return the columns to read, each once."""
        read = (cell for cell in self.columns.values() if cell and not cell.startswith(CONSTANT))
        return list(dict.fromkeys(read))

    def with_columns(self, changes: Mapping[str, str]) -> ColumnMapping:
        """Return the mapping with some of its roles changed."""
        return replace(self, columns={**self.columns, **changes})


def mapping_from_data(data: Any) -> ColumnMapping:
    """Return the mapping that plain data stands for; raises UnreadableData."""
    if not isinstance(data, Mapping) or not isinstance(data.get("layout"), str):
        raise UnreadableData('A mapping is {"layout": ..., "columns": {...}}. Write it so.')
    layout = layout_of(data["layout"])
    columns = data.get("columns") or {}
    if not isinstance(columns, Mapping):
        raise UnreadableData("The columns of a mapping are a column for each role. Write it so.")

    known = {role.name for role in layout.roles}
    for role, cell in columns.items():
        if role not in known:
            told = ", ".join(role.name for role in layout.roles) or "none"
            raise UnreadableData(f"{layout.name} has no role {role!r}. It has {told}.")
        if not isinstance(cell, str) or len(cell) > MAX_TEXT_LENGTH:
            raise UnreadableData(f"The column of {role} is no text. Name a column, or none.")
    return ColumnMapping(layout.name, {role: cell for role, cell in columns.items() if cell})


def mapping_from_text(text: str, guessed: ColumnMapping | None) -> ColumnMapping:
    """Return a guessed mapping with what a command line says of it.

    The text is JSON, or such as `layout=chosen_rejected,prompt=caption,chosen=image_a`. Roles that
    it does not name stay as they were guessed, as long as the layout is the same. Raises
    UnreadableData.
    """
    if text.lstrip().startswith("{"):
        try:
            return mapping_from_data(json.loads(text[:MAX_TEXT_LENGTH]))
        except (ValueError, RecursionError) as error:
            raise UnreadableData(f"The mapping is no JSON: {error}. Correct it.") from error

    said: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        role, equals, cell = part.partition("=")
        if not equals:
            raise UnreadableData(f"{part!r} gives no role a column. Write role=column.")
        said[role.strip()] = cell.strip()

    layout = said.pop("layout", guessed.layout if guessed else "")
    if not layout:
        raise UnreadableData(NOTHING_GUESSED)
    same = guessed is not None and guessed.layout == layout
    columns = {**(guessed.columns if guessed and same else {}), **said}
    return mapping_from_data({"layout": layout, "columns": columns})


def layout_of(name: str) -> Layout:
    """Return a layout by its name; raises UnreadableData."""
    if name not in LAYOUTS:
        known = ", ".join(LAYOUTS)
        raise UnreadableData(f"There is no layout {name!r}. Choose one of {known}.")
    return LAYOUTS[name]


def check_mapping(mapping: ColumnMapping, columns: Iterable[str]) -> None:
    """Raise UnreadableData, with the role at fault as its field, for a mapping that does not fit.

    Args:
        mapping: the mapping.
        columns: the columns that there are, without paths into them.
    """
    known = dict.fromkeys(columns, "")
    for role in layout_of(mapping.layout).roles:
        cell = mapping.columns.get(role.name, "")
        if not cell and role.needed:
            raise at_fault(role, f"No column holds {role.title}. Choose it.")
        if cell.startswith(CONSTANT) and role.name != "prompt":
            raise at_fault(role, f"{role.title} cannot be the same in all rows. Choose a column.")
        if cell and not cell.startswith(CONSTANT):
            try:
                parts_of(cell, known)
            except UnreadableData as error:
                raise at_fault(role, str(error)) from error


def at_fault(role: Role, sentence: str) -> UnreadableData:
    """Return an error that a form shows at one of its fields."""
    error = UnreadableData(sentence[0].upper() + sentence[1:])
    error.field = role.name
    return error
