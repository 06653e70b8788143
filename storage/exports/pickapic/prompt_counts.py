"""Numbers of rows by prompt, in a DuckDB of their own: a data set may have a million prompts."""

from collections import Counter
from collections.abc import Iterable

from storage.layouts.parquet_files import connect

MEMORY = "128MB"
AT_ONCE = 20_000
"""Prompts that are counted before they go to DuckDB."""


class PromptCounts:
    """Counts rows by configuration and by the key of their prompt."""

    def __init__(self) -> None:
        self._connection = connect(MEMORY)
        self._connection.execute("CREATE TABLE part (configuration VARCHAR, key BIGINT, n BIGINT)")
        self._new: Counter[tuple[str, int]] = Counter()

    def add(self, configuration: str, key: int) -> None:
        """Count one row."""
        self._new[configuration, key] += 1
        if len(self._new) >= AT_ONCE:
            self._write()

    def settle(self) -> None:
        """End counting, before anything is asked."""
        self._write()
        self._connection.execute(
            "CREATE TABLE counts AS "
            "SELECT configuration, key, sum(n)::BIGINT AS n FROM part GROUP BY configuration, key"
        )
        self._connection.execute("DROP TABLE part")

    def of(self, keys: Iterable[int]) -> Counter[tuple[str, int]]:
        """Return the numbers of rows of some prompts, by configuration and key."""
        rows = self._connection.execute(
            "SELECT configuration, key, n FROM counts WHERE key IN (SELECT unnest(?::BIGINT[]))",
            [list(keys)],
        ).fetchall()
        return Counter({(configuration, key): n for configuration, key, n in rows})

    def close(self) -> None:
        """Release the memory."""
        self._connection.close()

    def _write(self) -> None:
        rows = [(configuration, key, n) for (configuration, key), n in self._new.items()]
        if rows:
            configurations, keys, numbers = map(list, zip(*rows, strict=True))
            self._connection.execute(
                "INSERT INTO part "
                "SELECT unnest(?::VARCHAR[]), unnest(?::BIGINT[]), unnest(?::BIGINT[])",
                [configurations, keys, numbers],
            )
        self._new.clear()
