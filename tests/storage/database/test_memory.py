"""FreedSpace memory goes back to the system."""

import sys
import threading
from pathlib import Path

import psutil
import pytest

from storage.database import CONFIG, Database
from storage.memory import trim


@pytest.mark.skipif(not Path("/lib64/ld-linux-x86-64.so.2").exists(), reason="glibc alone keeps it")
def test_memory_that_threads_freed_is_given_back() -> None:
    own = psutil.Process()

    def fill() -> None:
        # Small ones from the C library's own pools: Python's lie in arenas that it maps itself.
        kept = [bytearray(2_000) for _ in range(40_000)]
        last = bytearray(2_000)
        kept.clear()
        holding.append(last)

    holding: list[bytearray] = []
    threads = [threading.Thread(target=fill) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    before = own.memory_info().rss
    trim()
    assert before - own.memory_info().rss > 20_000_000, sys.platform


def test_dropped_caches_cost_no_row_and_leave_the_memory_limit(tmp_path: Path) -> None:
    database = Database(tmp_path / "palate.duckdb")
    insert = "INSERT INTO t SELECT range, 'row ' || range FROM range(20000)"
    for statement in ("CREATE TABLE t (n INTEGER PRIMARY KEY, name VARCHAR)", insert):
        database.write(lambda cursor, statement=statement: cursor.execute(statement))
    limit = database.read("SELECT current_setting('memory_limit')")
    together = "SELECT count(*), max(a.name) FROM t AS a JOIN t AS b USING (n)"
    before = database.read(together)

    for _ in range(3):
        database.drop_caches()
        assert database.read(together) == before
    database.write(lambda cursor: cursor.execute("INSERT INTO t VALUES (-1, 'one more')"))
    assert database.read("SELECT current_setting('memory_limit')") == limit, CONFIG
    assert database.read("SELECT count(*) FROM t") == [(20_001,)]
    database.close()


def test_caches_are_not_dropped_under_a_query_that_would_miss_the_memory(tmp_path: Path) -> None:
    database = Database(tmp_path / "palate.duckdb")
    database.write(lambda cursor: cursor.execute("CREATE TABLE t (n BIGINT, name VARCHAR)"))
    insert = "INSERT INTO t SELECT range, repeat('row ', 50) || range FROM range(50000)"
    database.write(lambda cursor: cursor.execute(insert))
    database.checkpoint()
    held = "SELECT sum(memory_usage_bytes) FROM duckdb_memory()"
    with database.reading() as cursor:
        assert len(cursor.execute("SELECT n, name FROM t").fetchall()) == 50_000
        before = cursor.execute(held).fetchall()[0][0]
        database.drop_caches()
        assert cursor.execute(held).fetchall()[0][0] >= before
    database.drop_caches()
    assert database.read(held)[0][0] < before
    database.close()
