"""Stored sources: read those that are whole, by model or by name."""

from __future__ import annotations

import json
from collections.abc import Sequence

from storage.database import Database, Row
from storage.errors import UnknownSource
from storage.sources.source_records import Source

SOURCES = """
SELECT source_id, base, name, layout, facts, weight, used, counts, who, created
FROM current_sources WHERE base = ? ORDER BY source_id
"""


def all_sources(database: Database, base: str) -> list[Source]:
    """Return a model's sources, oldest first."""
    return [as_source(row) for row in database.read(SOURCES, [base])]


def chosen_sources(database: Database, base: str, names: Sequence[str] | None) -> list[Source]:
    """Return the sources of these names, or with None all that are in use.

    Raises UnknownSource.
    """
    known = all_sources(database, base)
    if names is None:
        return [source for source in known if source.used]

    by_name = {source.name: source for source in known}
    for name in names:
        if name not in by_name:
            raise UnknownSource(unknown_source(name, [source.name for source in known]))
    return [source for source in known if source.name in names]


def unknown_source(name: str, known: Sequence[str]) -> str:
    """Return the sentence about a source that is not there."""
    if not known:
        return f"There is no source {name!r}: no votes came in from files for this model."
    return f"There is no source {name!r}. Sources of this model: {', '.join(known)}."


def as_source(row: Row) -> Source:
    """Return the source of a row of SOURCES."""
    source_id, base, name, layout, facts, weight, used, counts, who, created = row
    return Source(
        *(source_id, base, name, layout, json.loads(facts), weight, used),
        *(json.loads(counts), who, created),
    )


def free_name(name: str, taken: Sequence[str]) -> str:
    """Return a name that no source has: the one that was asked for, or that with a number."""
    folded = {each.casefold() for each in taken}
    number, free = 1, name
    while free.casefold() in folded:
        number += 1
        free = f"{name} {number}"
    return free
