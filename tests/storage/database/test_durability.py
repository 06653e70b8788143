"""What was acknowledged is on the disk: under kills, in the system calls, with the disk full."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from storage_making import BASE, make_pair, make_pairs

from storage import DiskFull, Pair, Store, new_id
from storage.acts import NewVote

pytestmark = pytest.mark.slow

CHILD = Path(__file__).parents[1] / "voting_child.py"
ROOT = CHILD.parents[2]
KILLS = 5

# Lines of strace: a write to the database's log, and a sync of it that has returned.
WRITTEN = re.compile(r"writev?(64)?\(\d+<.*palate\.duckdb\.wal>")
SYNCED = re.compile(r"(fsync|fdatasync)(\(.*palate\.duckdb\.wal>\)| resumed).*= 0")


def child_command(home: Path) -> list[str]:
    return [sys.executable, str(CHILD), str(home), BASE]


def child_environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


def stored_keys(store: Store) -> list[str]:
    return [key for (key,) in store._database.read("SELECT key FROM votes")]


def vote_until_killed(home: Path, acknowledged: int) -> list[str]:
    """Start a voting process, kill it after some acknowledgements, return all that it gave."""
    process = subprocess.Popen(
        child_command(home), env=child_environment(), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(acknowledged)]
    process.kill()
    lines += process.stdout.readlines()
    process.stdout.close()
    process.wait()
    assert process.returncode != 0
    return [line.split()[1] for line in lines]


def test_every_acknowledged_vote_is_there_once_after_each_kill(home):
    with Store(home) as store:
        make_pairs(store, 400)
    acknowledged: list[str] = []

    for kill in range(KILLS):
        acknowledged += vote_until_killed(home, acknowledged=5 + 7 * kill)

        with Store(home) as store:
            keys = stored_keys(store)
            assert len(keys) == len(set(keys))
            assert set(acknowledged) <= set(keys)
            # At most the one vote that each kill caught before its line was printed.
            assert len(keys) - len(acknowledged) <= kill + 1
            assert store.counts(BASE).votes == len(keys)
            assert len(store.waiting_pairs(BASE)) == 400 - len(keys)


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_the_log_is_synced_between_a_votes_last_write_and_its_acknowledgement(home, tmp_path):
    with Store(home) as store:
        make_pairs(store, 10)
    trace = tmp_path / "trace"
    calls = "trace=write,pwrite64,writev,pwritev,fsync,fdatasync"
    strace = ["strace", "-f", "-y", "-o", str(trace), "-e", calls]

    ran = subprocess.run(
        [*strace, *child_command(home)],
        env=child_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    if "ptrace" in ran.stderr:
        pytest.skip("tracing is not permitted here")

    assert ran.returncode == 0, ran.stderr
    assert acknowledgements(trace.read_text().splitlines()) == ["synced"] * 10


def acknowledgements(calls: list[str]) -> list[str]:
    """Say for each acknowledgement in a trace whether the log's last write had been synced."""
    log, found = "no write", []
    for call in calls:
        if WRITTEN.search(call):
            log = "not synced"
        elif log == "not synced" and SYNCED.search(call):
            log = "synced"
        elif "acknowledged" in call:
            found.append(log)
            log = "no write"
    return found


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path, leave: int) -> Path:
    """Fill a disk up to its last `leave` bytes and return the file that does it."""
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(disk).free - leave))
    return ballast


def vote_until_full(store: Store, pair: Pair) -> list[str]:
    """Vote and undo until the disk is full; return the keys that were acknowledged."""
    acknowledged: list[str] = []
    with pytest.raises(DiskFull, match=r"Free some space"):
        for number in range(2_000):
            key = new_id()
            if number % 2:
                store.undo("ann", key)
            else:
                store.vote(NewVote.parse(pair.pair_id, "left", "ann", key))
            acknowledged.append(key)
    return acknowledged


def test_a_full_disk_is_said_so_and_no_acknowledged_vote_is_lost(small_disk, tmp_path):
    home = small_disk / "studio"
    with Store(home) as store:
        pair = make_pair(store)
        ballast = fill(small_disk, leave=200_000)
        acknowledged = vote_until_full(store, pair)
        assert stored_keys(store) == acknowledged

        ballast.unlink()
        acknowledged += vote_more(store)
        as_killed = shutil.copytree(home, tmp_path / "as-killed")

    for survivor in (home, as_killed):
        with Store(survivor) as reopened:
            assert stored_keys(reopened) == acknowledged


def test_a_disk_that_fills_up_while_duckdb_tidies_its_file_loses_nothing_either(small_disk):
    home = small_disk / "studio"
    with Store(home) as store:
        # DuckDB then folds its log into its file often, and takes a failure of that as fatal.
        store._database.write(lambda cursor: cursor.execute("SET checkpoint_threshold = '50KB'"))
        pair = make_pair(store)
        acknowledged = vote_more(store)
        ballast = fill(small_disk, leave=200_000)
        acknowledged += vote_until_full(store, pair)
        assert stored_keys(store) == acknowledged

        ballast.unlink()
        acknowledged += vote_more(store)

    with Store(home) as reopened:
        assert stored_keys(reopened) == acknowledged


def vote_more(store: Store) -> list[str]:
    """Vote on fresh pairs and return the keys."""
    keys = []
    for pair in make_pairs(store, 2):
        keys.append(new_id())
        store.vote(NewVote.parse(pair.pair_id, "left", "bob", keys[-1]))
    return keys


def test_a_snapshot_that_does_not_fit_leaves_nothing_behind(small_disk):
    home = small_disk / "studio"
    with Store(home) as store:
        for number, pair in enumerate(make_pairs(store, 50)):
            store.vote(NewVote.parse(pair.pair_id, "left", "ann", f"k{number}"))
        ballast = fill(small_disk, leave=4_096)
        with pytest.raises(DiskFull, match="No vote is lost"):
            store.write_snapshot(BASE, settle_s=0)
        assert list((home / "snapshots").iterdir()) == []

        ballast.unlink()
        assert store.write_snapshot(BASE, settle_s=0).counts["preference"] == 50
