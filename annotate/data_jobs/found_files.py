"""Files that somebody gave: the layouts that they may have, and the columns of each."""

from collections.abc import Mapping

from annotate.views.data import LayoutName, MappedField
from storage.errors import UnreadableData
from storage.layouts.column_names import Names
from storage.layouts.data_rows import Cells
from storage.layouts.found import FoundData
from storage.layouts.guess import GUESSES, common
from storage.layouts.layouts import KNOWN, LAYOUTS
from storage.layouts.mapping import CONSTANT, NOTHING_GUESSED, ColumnMapping, mapping_from_data


def column_mapping(
    found: FoundData, layout: str, columns: Mapping[str, str] | None
) -> ColumnMapping:
    """Return the mapping that somebody chose, else the one that is guessed.

    Raises UnreadableData where nothing was chosen and nothing can be guessed.
    """
    guess = found.guess
    if not layout and guess is None:
        raise UnreadableData(NOTHING_GUESSED)
    name = layout or (guess.layout if guess else "")
    if columns and found.kind == "folders":
        # There are no columns, so that what somebody wrote is the value of all rows.
        columns = {role: as_constant(text) for role, text in columns.items()}
    if columns:
        return mapping_from_data({"layout": name, "columns": dict(columns)})
    if guess is not None and guess.layout == name:
        return guess
    return mapping_from_data({"layout": name, "columns": guessed(name, found.cells)})


def as_constant(text: str) -> str:
    """Return what stands in a mapping for a text that all rows have; "" for none."""
    return f"{CONSTANT}{text.removeprefix(CONSTANT)}" if text else ""


def guessed(layout: str, cells: Cells) -> dict[str, str]:
    """Return the columns that a layout seems to have, by field; others are left empty."""
    names, roles = Names(cells), {role.name for role in getattr(LAYOUTS.get(layout), "roles", ())}
    guess = GUESSES.get(layout)
    columns = {**common(names), **(guess(names) if guess else {})}
    return {role: cell for role, cell in columns.items() if cell and role in roles}


def layout_names(found: FoundData) -> list[LayoutName]:
    """Return the layouts that files of this kind may have."""
    folders = found.kind == "folders"
    return [
        {"layout": layout.name, "title": layout.title}
        for layout in KNOWN
        if (layout.form == "folders") == folders
    ]


def columns_of(mapping: ColumnMapping | None) -> list[MappedField]:
    """Return each field of a mapping with its column."""
    if mapping is None:
        return []
    return [
        {
            "field": role.name,
            "title": role.title,
            "column": mapping.columns.get(role.name, ""),
            "needed": role.needed,
        }
        for role in LAYOUTS[mapping.layout].roles
    ]
