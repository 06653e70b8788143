"""Sources that come with another studio: known by their files, and numbered anew here."""

import json
from datetime import datetime
from typing import Any, NamedTuple

from storage.database import Cursor
from storage.sources.stored_sources import free_name

# Those that are whole and were not removed, by the names that they have now.
THEIRS = """
SELECT source_id, models.here, coalesce(newest.name, sources.name), facts, created
FROM other.sources JOIN other.inc.models AS models USING (base)
JOIN (
    SELECT source_id, arg_max(value, source_change_id) FILTER (kind = 'name') AS name
    FROM other.source_changes GROUP BY source_id
    HAVING count(*) FILTER (kind = 'complete') > 0 AND count(*) FILTER (kind = 'removed') = 0
) AS newest USING (source_id)
ORDER BY source_id
"""
OURS = "SELECT base, name, facts, created FROM palate.sources"

INSERTS = {
    "sources": """
        INSERT INTO sources (source_id, base, name, layout, facts, who, created)
        SELECT ids.here, ids.base, ids.name, layout, ids.facts, who, created
        FROM other.sources JOIN other.inc.sources AS ids ON ids.old = source_id
    """,
    "source_changes": """
        INSERT INTO source_changes (source_change_id, source_id, kind, value, who, created)
        SELECT (SELECT coalesce(max(source_change_id), 0) FROM palate.source_changes)
                   + row_number() OVER (ORDER BY source_change_id),
               ids.here, kind, CASE WHEN kind = 'name' THEN ids.name ELSE value END, who, created
        FROM other.source_changes JOIN other.inc.sources AS ids ON ids.old = source_id
    """,
    "source_images": """
        INSERT INTO source_images BY NAME
        SELECT ids.here AS source_id, source_images.* EXCLUDE (source_id)
        FROM other.source_images JOIN other.inc.sources AS ids ON ids.old = source_id
    """,
    "source_votes": """
        INSERT INTO source_votes BY NAME
        SELECT ids.here AS source_id, source_votes.* EXCLUDE (source_id)
        FROM other.source_votes JOIN other.inc.sources AS ids ON ids.old = source_id
    """,
}


class Known(NamedTuple):
    """Sources that are here, those that were removed too: whoever removed one wants it no more."""

    digests: set[tuple[str, str]]
    """Models, each with the digest of a file."""
    made: set[tuple[str, str, datetime]]
    """Models, names and times of sources."""


def stage_sources(stage: Cursor) -> None:
    """Stage the sources that come in, each with its number, name and files here."""
    ours = stage.execute(OURS).fetchall()
    known = Known(
        {(base, digest) for base, _, facts, _ in ours for digest in digests_of(facts)},
        {(base, name, created) for base, name, _, created in ours},
    )
    taken = {(base, name) for base, name in stage.execute(
        "SELECT base, name FROM palate.current_sources").fetchall()}  # fmt: skip
    ((highest,),) = stage.execute(
        "SELECT coalesce(max(source_id), 0) FROM palate.sources"
    ).fetchall()

    stage.execute(
        "CREATE TABLE other.inc.sources "
        "(old BIGINT, here BIGINT, base VARCHAR, name VARCHAR, facts JSON, is_new BOOLEAN)"
    )
    for old, base, name, facts, created in stage.execute(THEIRS).fetchall():
        if is_known(known, base, name, facts, created):
            continue
        highest += 1
        here = free_name(name, [each for model, each in taken if model == base])
        taken.add((base, here))
        row = [old, highest, base, here, json.dumps(moved_facts(json.loads(facts), old, highest))]
        stage.execute("INSERT INTO other.inc.sources VALUES (?, ?, ?, ?, ?, TRUE)", row)


def is_known(known: Known, base: str, name: str, facts: str, created: datetime) -> bool:
    """Return True if every file of a source came in here before, or the source itself did."""
    digests = digests_of(facts)
    if (base, name, created) in known.made:
        return True
    return bool(digests) and all((base, digest) in known.digests for digest in digests)


def digests_of(facts: str) -> list[str]:
    """Return the digests of a source's files."""
    files = json.loads(facts).get("files", [])
    return [str(file["digest"]) for file in files if "digest" in file]


def moved_facts(facts: dict[str, Any], old: int, new: int) -> dict[str, Any]:
    """Return a source's facts with its files in the folder that it has here."""
    before, after = f"sources/{old}/", f"sources/{new}/"
    files = [
        file | {"path": after + file["path"].removeprefix(before)}
        if file["path"].startswith(before)
        else file
        for file in facts.get("files", [])
    ]
    return facts | {"files": files} if files else facts


def insert_sources(cursor: Cursor) -> dict[str, int]:
    """Insert what was staged, and return how many rows came into each table."""
    return {table: int(cursor.execute(sql).fetchall()[0][0]) for table, sql in INSERTS.items()}
