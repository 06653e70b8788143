"""Fine-tuning runs: the snapshot and parent of each, and its states."""

import json
from typing import Any

from align.contracts.run_files import RunState
from storage.aggregates.counts import RunningCounts
from storage.database import Cursor, Database, Row
from storage.errors import InvalidState, UnknownRun, UnknownSnapshot
from storage.records import Run
from storage.tables.versions import version_number
from storage.timestamps import Clock

COLUMNS = "run_id, state, snapshot_id, base, parent, settings, created, error, trigger"


class Runs:
    """All runs of a studio; a change of state is one more row, and the newest one counts."""

    def __init__(self, database: Database, counts: RunningCounts, clock: Clock) -> None:
        self._database = database
        self._counts = counts
        self._clock = clock

    def create(
        self, snapshot_id: str, base: str, parent: str, settings: dict[str, Any], trigger: str
    ) -> Run:
        """Record a queued run; raises UnknownSnapshot or UnknownVersion."""
        now = self._clock()

        def insert(cursor: Cursor) -> str:
            require_snapshot(cursor, snapshot_id)
            version_number(cursor, base, parent)
            number = next_number(cursor)
            run_id = f"r{number:04d}"
            cursor.execute(
                "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [run_id, number, snapshot_id, base, parent, json.dumps(settings), trigger, now],
            )
            self._append(cursor, run_id, RunState.QUEUED, None)
            return run_id

        return self.get(self._counts.write(insert, then=lambda _: self._counts.invalidate()))

    def set_state(self, run_id: str, state: str, error: str | None = None) -> Run:
        """Record a run's state, unless it is in it already; raises UnknownRun."""
        wanted = as_state(state)
        run = self.get(run_id)
        if (run.state, run.error) == (wanted, error):
            return run
        self._counts.write(
            lambda cursor: self._append(cursor, run_id, wanted, error),
            then=lambda _: self._counts.invalidate(),
        )
        return self.get(run_id)

    def get(self, run_id: str) -> Run:
        """Return the run with this id; raises UnknownRun."""
        rows = self._database.read(f"SELECT {COLUMNS} FROM current_runs WHERE run_id = ?", [run_id])
        if not rows:
            raise UnknownRun(f"There is no run {run_id!r}. Look at the history of runs for its id.")
        return run_of(rows[0])

    def of_base(self, base: str) -> list[Run]:
        """Return the runs of a model, newest first."""
        rows = self._database.read(
            f"SELECT {COLUMNS} FROM current_runs WHERE base = ? ORDER BY number DESC", [base]
        )
        return [run_of(row) for row in rows]

    def _append(self, cursor: Cursor, run_id: str, state: RunState, error: str | None) -> None:
        cursor.execute(
            "INSERT INTO run_states (run_id, state, error, created) VALUES (?, ?, ?, ?)",
            [run_id, state, error, self._clock()],
        )


def require_snapshot(cursor: Cursor, snapshot_id: str) -> None:
    """Raise UnknownSnapshot unless the snapshot was written."""
    found = cursor.execute("SELECT 1 FROM snapshots WHERE snapshot_id = ?", [snapshot_id])
    if not found.fetchone():
        raise UnknownSnapshot(
            f"There is no snapshot {snapshot_id!r}. Write one before creating the run."
        )


def next_number(cursor: Cursor) -> int:
    """Return the number after the newest run's."""
    row = cursor.execute("SELECT coalesce(max(number), 0) + 1 FROM runs").fetchall()[0]
    return int(row[0])


def as_state(state: str) -> RunState:
    """Return a run's state by its name; raises InvalidState."""
    try:
        return RunState(state)
    except ValueError as error:
        raise InvalidState(
            f"{state!r} is not a state of a run. Use one of {', '.join(RunState)}."
        ) from error


def run_of(row: Row) -> Run:
    """Build a run's record from the row of its COLUMNS."""
    run_id, state, snapshot_id, base, parent, settings, created, error, trigger = row
    return Run(
        run_id,
        RunState(state),
        snapshot_id,
        base,
        parent,
        json.loads(settings),
        created,
        error,
        trigger,
    )
