"""One studio under two versions of DuckDB: whichever comes after reads what the other wrote."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from storage_making import BASE, make_pairs

from storage import Store

pytestmark = pytest.mark.slow

CHILD = Path(__file__).parents[1] / "voting_child.py"
ROOT = CHILD.parents[2]
OURS = str(Path(duckdb.__file__).parents[1])
OTHER = "PALATE_OTHER_DUCKDB"
"""A folder with another version of DuckDB, as pip install --target makes it."""


def version_with(path: str) -> str:
    """The version of DuckDB that a process with this path imports."""
    command = [sys.executable, "-c", "import duckdb; print(duckdb.__version__)"]
    environment = os.environ | {"PYTHONPATH": path}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


def votes_with(path: str, home: Path, wanted: int | None) -> list[str]:
    """Vote in a process with this path, and kill it after `wanted` votes; returns their keys."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([path, str(ROOT)])}
    command = [sys.executable, str(CHILD), str(home), BASE]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(wanted or 0)]
        if wanted:
            process.kill()
        lines += process.stdout.readlines()
    assert wanted or process.returncode == 0
    return [line.split()[1] for line in lines]


def test_a_studio_is_written_in_the_format_that_both_duckdb_1_and_2_read(home, store):
    [(tags,)] = store._database.read("SELECT tags FROM duckdb_databases() WHERE NOT internal")
    assert tags["storage_version"] == "v1.0.0+"
    # A copy that is made beside it is of the same format.
    copy = home / "copy.duckdb"
    with store._database._cursor() as cursor:
        cursor.execute(f"ATTACH '{copy}' AS copied")
        [(tags,)] = cursor.execute(
            "SELECT tags FROM duckdb_databases() WHERE database_name = 'copied'"
        ).fetchall()
    assert tags["storage_version"] == "v1.0.0+"


@pytest.mark.skipif(OTHER not in os.environ, reason=f"{OTHER} names no second DuckDB")
def test_either_duckdb_takes_up_the_log_that_the_other_left(home):
    other = os.environ[OTHER]
    assert version_with(other) != duckdb.__version__, "the other is the same"
    with Store(home) as store:
        make_pairs(store, 120)

    keys: list[str] = []
    for path in (other, OURS, other, OURS, other):
        keys += votes_with(path, home, wanted=7)
        assert (home / "palate.duckdb.wal").stat().st_size

    with Store(home) as store:
        known = [key for (key,) in store._database.read("SELECT key FROM votes")]
    assert len(keys) >= 35 and set(keys) <= set(known) and len(set(known)) == len(known)


@pytest.mark.skipif(OTHER not in os.environ, reason=f"{OTHER} names no second DuckDB")
def test_either_duckdb_opens_what_the_other_closed(home):
    keys: list[str] = []
    for _ in range(2):
        with Store(home) as store:
            make_pairs(store, 5)
        keys += votes_with(os.environ[OTHER], home, wanted=None)

    with Store(home) as store:
        assert store.counts(BASE).votes == len(keys) == 10
