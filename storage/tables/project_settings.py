"""Project settings: values that hold for everybody who labels, stored with the votes."""

import json
from typing import Any

from storage.database import Database
from storage.timestamps import Clock


class ProjectSettings:
    """Named values; a change is one more row, and the newest one of a name counts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        # A cache, for every page asks every few seconds; no other process writes to the file.
        self._known: dict[str, str | None] = {}

    def get(self, name: str, default: Any) -> Any:
        """Return the value of a name, or the default if none was ever set."""
        if name not in self._known:
            # Not an assignment: it could overwrite what `set` has put there meanwhile.
            self._known.setdefault(name, self._stored(name))
        value = self._known[name]
        return default if value is None else json.loads(value)

    def set(self, name: str, value: Any, who: str) -> None:
        """Set a name to a value that JSON can express."""
        text = json.dumps(value)
        row = [name, text, who, self._clock()]
        self._database.write(
            lambda cursor: cursor.execute(
                "INSERT INTO project_settings (name, value, who, created) VALUES (?, ?, ?, ?)", row
            )
        )
        self._known[name] = text

    def _stored(self, name: str) -> str | None:
        rows = self._database.read(
            "SELECT value FROM project_settings WHERE name = ? "
            "ORDER BY project_setting_id DESC LIMIT 1",
            [name],
        )
        return str(rows[0][0]) if rows else None
