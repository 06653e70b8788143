"""Logs of two studios in one: rows of both in the order of their times, under ids of this studio.

In a log the newest row counts, and the newest is the one with the highest id. So rows of the other
studio cannot just be appended: rows here that were given later make room by moving to new ids above
all others. Those that came before all of the other studio's keep theirs. Where the clock was set
back, the order within each studio counts and not its times.
"""

from dataclasses import dataclass

from storage.database import Cursor


@dataclass(frozen=True, slots=True)
class Log:
    """A table whose rows are numbered as they come."""

    table: str
    id: str
    columns: tuple[str, ...]
    """Its columns without the id."""
    theirs: str
    """A query for the other studio's rows as they would be here, with their own ids."""
    same: tuple[str, ...]
    """Columns by which a row of the other studio is known to be here already."""
    ours: str = ""
    """A query for the rows here, where it takes more than the table."""
    moves: bool = True
    """False where the order of the rows says nothing, so that they are only appended."""
    undoes: bool = False
    """True where a row may take back another one, which `supersedes` names."""

    @property
    def rows_here(self) -> str:
        """A query for the rows here."""
        return f"({self.ours or f'SELECT * FROM palate.{self.table}'})"

    @property
    def match(self) -> str:
        """A condition that holds for a row of the other studio and the same row here."""
        return " AND ".join(f"theirs.{each} IS NOT DISTINCT FROM ours.{each}" for each in self.same)


def stage_rows(stage: Cursor, log: Log) -> None:
    """Stage a log's rows: all of the other studio's, and those that are new here, with `moment`.

    `moment` is the time of a row, or of one before it if that is later.
    """
    table, id = log.table, log.id
    stage.execute(
        f"CREATE TABLE other.inc.{table}_all AS SELECT *, {running_time(id)} AS moment "
        f"FROM ({log.theirs})"
    )
    stage.execute(
        f"CREATE TABLE other.inc.{table}_ours AS SELECT *, {running_time(id)} AS moment "
        f"FROM {log.rows_here}"
    )
    stage.execute(
        f"CREATE TABLE other.inc.{table}_new AS SELECT theirs.* "
        f"FROM other.inc.{table}_all AS theirs "
        f"LEFT JOIN other.inc.{table}_ours AS ours ON {log.match} WHERE ours.{id} IS NULL"
    )


def running_time(id: str) -> str:
    """Return SQL for the latest time up to a row."""
    return f"max(created) OVER (ORDER BY {id} ROWS UNBOUNDED PRECEDING)"


def stage_order(stage: Cursor, log: Log) -> None:
    """Stage the ids that rows will have: new ones of the other studio, and those here that move."""
    table, id = log.table, log.id
    moved = f"""
        SELECT 0 AS origin, {id} AS old, moment FROM other.inc.{table}_ours
        WHERE moment > (SELECT min(moment) FROM other.inc.{table}_new) UNION ALL
    """
    stage.execute(
        f"""
        CREATE TABLE other.inc.{table}_order AS
        SELECT origin, old, moment, (SELECT coalesce(max({id}), 0) FROM palate.{table})
               + row_number() OVER (ORDER BY moment, origin, old) AS here
        FROM ({moved if log.moves else ""} SELECT 1 AS origin, {id} AS old, moment
              FROM other.inc.{table}_new)
        """
    )
    stage.execute(
        f"""
        CREATE TABLE other.inc.{table}_ids AS
        SELECT theirs.{id} AS old, min(coalesce(brought.here, moved.here, ours.{id})) AS here
        FROM other.inc.{table}_all AS theirs
        LEFT JOIN other.inc.{table}_order AS brought
            ON brought.origin = 1 AND brought.old = theirs.{id}
        LEFT JOIN other.inc.{table}_ours AS ours ON {log.match}
        LEFT JOIN other.inc.{table}_order AS moved
            ON moved.origin = 0 AND moved.old = ours.{id}
        GROUP BY theirs.{id}
        """
    )


def stage_log(stage: Cursor, log: Log) -> None:
    """Stage a log whose rows need no more than its queries."""
    stage_rows(stage, log)
    stage_order(stage, log)


def move(cursor: Cursor, log: Log, *references: str) -> None:
    """Move rows here to their new ids, with the columns of other tables that name them.

    A reference is written as `table.column`. No id is used twice, so no row meets another.
    """
    if not log.moves:
        return
    if log.undoes:
        # Both columns at once: DuckDB takes a second change of a row for a second row.
        cursor.execute(
            f"UPDATE {log.table} SET {log.id} = moved.here, supersedes = undone.here "
            f"FROM {log.table} AS same JOIN other.inc.{log.table}_order AS moved "
            f"ON moved.origin = 0 AND moved.old = same.{log.id} "
            f"LEFT JOIN other.inc.{log.table}_keys AS undone ON undone.old = same.supersedes "
            f"WHERE {log.table}.{log.id} = same.{log.id}"
        )
    own = () if log.undoes else (f"{log.table}.{log.id}",)
    for table, column in (name.split(".") for name in (*own, *references)):
        cursor.execute(
            f"UPDATE {table} SET {column} = moved.here FROM other.inc.{log.table}_order AS moved "
            f"WHERE moved.origin = 0 AND {table}.{column} = moved.old"
        )


def add(cursor: Cursor, log: Log, values: dict[str, str] | None = None, joins: str = "") -> int:
    """Append a log's new rows, and return how many; `values` is SQL for columns that differ."""
    chosen = [(values or {}).get(column, f"fresh.{column}") for column in log.columns]
    inserted = cursor.execute(
        f"INSERT INTO {log.table} ({log.id}, {', '.join(log.columns)}) "
        f"SELECT ordered.here, {', '.join(chosen)} FROM other.inc.{log.table}_new AS fresh "
        f"JOIN other.inc.{log.table}_order AS ordered "
        f"ON ordered.origin = 1 AND ordered.old = fresh.{log.id} {joins} ORDER BY ordered.here"
    )
    return int(inserted.fetchall()[0][0])


def advance_sequences(cursor: Cursor) -> None:
    """Let every sequence go on after the highest id of its table."""
    numbered = cursor.execute(
        "SELECT table_name, column_name, regexp_extract(column_default, '''([a-z_]+)''', 1) "
        "FROM duckdb_columns() WHERE database_name = 'palate' AND column_default LIKE 'nextval%'"
    ).fetchall()
    for table, column, sequence in numbered:
        ((highest,),) = cursor.execute(f"SELECT coalesce(max({column}), 0) FROM {table}").fetchall()
        ((next_id,),) = cursor.execute(f"SELECT nextval('{sequence}')").fetchall()
        if next_id < highest:
            cursor.execute(
                f"SELECT max(nextval('{sequence}')) FROM range(?)", [highest - next_id]
            ).fetchall()
