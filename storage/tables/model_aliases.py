"""Model aliases: the names of each model, and the one under which its rows are stored.

A model is identified by its content, but a studio's rows hold the name that it had when they were
written. The rows stay as they are, and every other name leads to that one. Only if one model was
taken for two, and people voted under both names, are the rows of the second moved to the first.
"""

from collections.abc import Sequence

from storage.aggregates.counts import RunningCounts
from storage.database import Cursor, nothing
from storage.timestamps import Clock

KNOWN = "SELECT base, min(created) AS since FROM versions WHERE number = 0 GROUP BY base"
NAMED = ("pairs.version", "quads.version", "runs.parent")
"""Columns that name a version as people do, such as v3."""
NUMBERED = (
    "activations.number", "version_labels.number", "version_deletions.number", "trials.before",
    "trials.after", "versions.number", "versions.parent",
)  # fmt: skip
"""Columns that hold a version's number."""
WITH_BASE = (
    "pairs", "votes", "quads", "rankings", "gold_marks", "exclusions", "voter_weights", "snapshots",
    "runs", "trials", "activations", "version_labels", "version_deletions", "versions", "sources",
)  # fmt: skip
"""Tables whose rows name their model."""


class ModelAliases:
    """All names of a studio's models."""

    def __init__(self, counts: RunningCounts, clock: Clock) -> None:
        self._counts = counts
        self._clock = clock

    def all(self) -> list[str]:
        """Return the models of the studio, as their rows name them, the oldest first."""
        asked = f"SELECT base FROM ({KNOWN}) ORDER BY since"
        rows = self._counts.write(lambda cursor: cursor.execute(asked).fetchall(), nothing)
        return [str(base) for (base,) in rows]

    def base_of(self, identity: str, aliases: Sequence[str] = ()) -> str:
        """Return the name under which a model's rows are stored, recording all its names.

        An alias that begins with a hyphen stands for every name that ends so. A model with no known
        name is stored under its identity.
        """
        now = self._clock()

        def resolve(cursor: Cursor) -> str:
            bases = bases_of(cursor, identity, aliases)
            for other in bases[1:]:
                unite(cursor, bases[0], other)
            base = bases[0] if bases else identity
            rows = [[name, base, name == identity, now] for name in {identity, *aliases}]
            # A name that was only possible becomes an own one as soon as it was used, and stays it.
            cursor.executemany(
                "INSERT INTO model_aliases VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET own = true WHERE excluded.own",
                rows,
            )
            return base

        return self._counts.write(resolve, then=lambda _: self._counts.invalidate())


def bases_of(cursor: Cursor, identity: str, aliases: Sequence[str]) -> list[str]:
    """Return the names under which rows of this model are stored, the one to keep first."""
    known = cursor.execute(
        "SELECT base FROM model_aliases "
        "WHERE alias = $identity OR (own AND list_contains($aliases, alias)) "
        "ORDER BY alias <> $identity, created, alias",
        {"identity": identity, "aliases": list(aliases)},
    ).fetchall()
    # Rows of before models were identified by content; a name that another model owns is left out.
    old = cursor.execute(
        f"""
        SELECT base FROM ({KNOWN})
        WHERE base NOT IN (SELECT base FROM model_aliases WHERE own)
          AND (base = $identity OR EXISTS (
            SELECT 1 FROM (SELECT unnest($aliases::VARCHAR[]) AS alias)
            WHERE base = alias OR (starts_with(alias, '-') AND ends_with(base, alias))
          ))
        ORDER BY since, base
        """,
        {"identity": identity, "aliases": list(aliases)},
    ).fetchall()
    return list(dict.fromkeys(base for (base,) in [*known, *old]))


def unite(cursor: Cursor, base: str, other: str) -> None:
    """Move the rows of another name to `base`, numbering its versions after those of base."""
    newest = cursor.execute("SELECT coalesce(max(number), 0) FROM versions WHERE base = ?", [base])
    parameters = {"other": other, "past": newest.fetchall()[0][0]}

    cursor.execute("DELETE FROM versions WHERE base = ? AND number = 0", [other])
    for table, column in (name.split(".") for name in NAMED):
        cursor.execute(
            f"UPDATE {table} SET {column} = 'v' || ({column}[2:]::INTEGER + $past) "
            f"WHERE base = $other AND regexp_full_match({column}, 'v[0-9]+')",
            parameters,
        )
    for table, column in (name.split(".") for name in NUMBERED):
        cursor.execute(
            f"UPDATE {table} SET {column} = {column} + $past WHERE base = $other AND {column} > 0",
            parameters,
        )

    for table in WITH_BASE:
        cursor.execute(f"UPDATE {table} SET base = ? WHERE base = ?", [base, other])
    cursor.execute("UPDATE model_aliases SET base = ? WHERE base = ?", [base, other])
