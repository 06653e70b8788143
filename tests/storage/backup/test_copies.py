"""The studio's own copies of its database: when they are made, which are kept, what they hold."""

import os
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from storage_making import BASE, make_pair, make_pairs

from storage import Store, new_id
from storage.acts import NewVote
from storage.backup.copies import Copies, Copy, name_of, read_name
from storage.backup.schedule import CopySchedule
from storage.database import Database, log_of
from storage.errors import DamagedDatabase, NoCopy
from storage.schema import migrate, read_migrations

pytestmark = pytest.mark.slow


def vote(store: Store, number: int = 1) -> list[str]:
    """Vote on fresh pairs and return the keys."""
    keys = []
    for pair in make_pairs(store, number):
        keys.append(new_id())
        store.vote(NewVote.parse(pair.pair_id, "left", "ann", keys[-1]))
    return keys


def copies_of(home: Path, clock) -> Copies:
    return Copies(home / "copies", clock)


def reasons(home: Path, clock) -> list[tuple[str, int]]:
    return [(copy.reason, copy.votes) for copy in copies_of(home, clock).list()]


def keys_in(path: Path) -> set[str]:
    with duckdb.connect(path, read_only=True) as database:
        return {key for (key,) in database.execute("SELECT key FROM votes").fetchall()}


def test_a_store_that_keeps_copies_has_one_of_its_start_and_one_of_its_end(home, clock):
    with Store(home, clock) as store:
        make_pair(store)
        store.opening.keep_copies()
        store.opening._schedule.stop()
        start = reasons(home, clock)
        clock.move(1)
        keys = vote(store, 3)

    assert start == [("start", 0)]
    assert reasons(home, clock) == [("stop", 3), ("start", 0)]
    newest = copies_of(home, clock).list()[0]
    assert keys_in(newest.path) == set(keys)
    assert newest.path.read_bytes() == (home / "palate.duckdb").read_bytes()


def test_a_studio_that_was_not_used_is_not_copied_again(home, clock):
    for _ in range(3):
        clock.move(60)
        with Store(home, clock) as store:
            store.opening.keep_copies()

    assert len(reasons(home, clock)) == 1


def test_a_copy_is_made_with_every_so_many_votes(home, clock):
    with Store(home, clock) as store:
        copies = copies_of(home, clock)
        schedule = CopySchedule(store._database, copies, every=5)
        for _ in range(3):
            vote(store, 4)
            clock.move(1)
            schedule.poll()

        assert reasons(home, clock) == [("votes", 8)]


def test_undoing_counts_as_well(home, clock):
    with Store(home, clock) as store:
        schedule = CopySchedule(store._database, copies_of(home, clock), every=4)
        vote(store, 2)
        for _ in range(2):
            store.undo("ann")
        schedule.poll()

    (copy,) = copies_of(home, clock).list()
    assert (copy.votes, copy.acts) == (0, 4)


def named(copies: Copies, clock, *acts: int, reason: str = "votes") -> None:
    """Make files with the names of copies, a second apart, and let the oldest go."""
    copies.folder.mkdir(parents=True, exist_ok=True)
    for each in acts:
        clock.move(1)
        name = name_of(Copy(Path(), clock(), reason, each, each, 7))
        (copies.folder / name).write_bytes(b"")
        copies._prune()


def test_five_copies_are_kept_and_those_alike_count_once(home, clock):
    copies = copies_of(home, clock)

    named(copies, clock, 1, 2, 3, 3, 4, 5, 6, 7, 7, 7, 8, 8)

    assert [copy.votes for copy in copies.list()] == [8, 7, 6, 5, 4]


def test_the_copy_with_most_votes_is_never_pushed_out(home, clock):
    copies = copies_of(home, clock)

    named(copies, clock, 900, *range(1, 8))

    assert [copy.votes for copy in copies.list()] == [7, 6, 5, 4, 3, 900]


@pytest.mark.parametrize("wrong_by", [timedelta(days=400), timedelta(days=-400)])
def test_a_clock_that_was_wrong_makes_no_older_copy_the_newest(home, clock, wrong_by):
    with Store(home, clock) as store:
        store.ensure_base(BASE)
        for step in (wrong_by, timedelta(0), -wrong_by, timedelta(0)):
            clock.now += step
            vote(store)
            store.opening.copies.make("votes", store._database.copy_to)

    assert [copy.votes for copy in copies_of(home, clock).list()] == [4, 3, 2, 1]


def test_the_copy_of_a_migration_stays_until_the_next_one(home, clock):
    copies = copies_of(home, clock)

    named(copies, clock, 3, reason="migration")
    named(copies, clock, *range(4, 12))
    assert [copy.votes for copy in copies.list()] == [11, 10, 9, 8, 7, 3]

    named(copies, clock, 12, reason="migration")
    assert [copy.votes for copy in copies.list()] == [12, 11, 10, 9, 8, 7]


def test_votes_that_are_given_during_a_copy_wait_for_nothing_and_are_not_lost(home, clock):
    copies = copies_of(home, clock)
    with Store(home, clock) as store:
        pairs, given = make_pairs(store, 60), []
        copying = threading.Event()

        def gather(target: Path) -> None:
            copying.set()
            store._database.copy_to(target)

        maker = threading.Thread(target=copies.make, args=("votes", gather))
        maker.start()
        copying.wait()
        for pair in pairs:
            given.append(store.vote(NewVote.parse(pair.pair_id, "left", "ann", new_id())).key)
        maker.join()

    (copy,) = copies.list()
    assert keys_in(copy.path) <= set(given)
    assert keys_in(home / "palate.duckdb") == set(given)


def test_a_copy_holds_the_log_and_has_none_of_its_own(home, clock):
    copies = copies_of(home, clock)
    with Store(home, clock) as store:
        keys = vote(store, 5)
        assert log_of(home / "palate.duckdb").stat().st_size > 0
        copy = copies.make("votes", store._database.copy_to)

        assert copy is not None
        assert not log_of(copy.path).exists()
        assert keys_in(copy.path) == set(keys)


def test_where_the_file_cannot_be_read_by_others_its_rows_are_copied(home, clock, monkeypatch):
    """As on Windows, where DuckDB shares its file with nobody."""

    def refused(*_: object) -> None:
        raise PermissionError("used by another process")

    with Store(home, clock) as store:
        keys = vote(store, 5)
        with monkeypatch.context() as patched:
            patched.setattr("storage.database.shutil.copyfile", refused)
            store._database.copy_to(home / "rows.duckdb")
        keys += vote(store, 2)

    assert keys_in(home / "rows.duckdb") == set(keys[:5])
    (home / "rows.duckdb").replace(home / "palate.duckdb")
    with Store(home, clock) as store:
        vote(store, 2)
        assert store.counts(BASE).votes == 7


def test_a_folder_that_cannot_be_written_to_costs_no_vote_and_is_said(home, clock):
    home.mkdir()
    (home / "copies").write_text("in the way")
    with Store(home, clock) as store:
        store.opening.keep_copies()
        store.opening._schedule.stop()
        vote(store, 2)

        assert store.counts(BASE).votes == 2
        assert "No copy of the database could be made" in store.opening.problem
        assert "Votes are recorded anyway" in store.opening.problem


def test_a_copy_that_was_not_finished_does_not_count_and_goes_with_the_next_start(home, clock):
    with Store(home, clock):
        pass
    scratch = home / "copies" / ".palate-abc"
    scratch.mkdir(parents=True)
    (scratch / "palate.duckdb").write_bytes(b"half")

    assert copies_of(home, clock).list() == []
    Store(home, clock).close()
    assert not scratch.exists()


def write_older(home) -> int:
    """Write a studio of the schema before the newest one, with a vote, and return that schema."""
    home.mkdir()
    known = read_migrations()
    older = Database(home / "palate.duckdb")
    migrate(older, known[:-1])
    older.write(
        lambda cursor: cursor.execute(
            "INSERT INTO votes "
            "(key, base, pair_id, annotator, verdict, winner, left_image, created) "
            "VALUES ('k', 'emoji', 'p', 'ann', 'left', 'i', 'i', '2026-01-01')"
        )
    )
    older.close()
    return known[-2].number


def test_a_copy_is_made_before_a_migration(home, clock):
    schema = write_older(home)

    for _ in range(2):
        Store(home, clock).close()

    (copy,) = copies_of(home, clock).list()
    assert (copy.reason, copy.votes, copy.schema) == ("migration", 1, schema)
    assert keys_in(copy.path) == {"k"}


def test_a_damaged_database_of_an_older_app_is_refused_before_anything_changes_it(home, clock):
    home.mkdir()
    older = Database(home / "palate.duckdb")
    migrate(older, read_migrations()[:-1])
    texts = "SELECT repeat(md5(i::VARCHAR), 20), 'user', now() FROM range(5000) AS t(i)"
    # Texts lie in the file as they are, so that the damage is to rows and not to what leads there.
    older.write(lambda c: c.execute("SET GLOBAL force_compression = 'uncompressed'"))
    older.write(lambda c: c.execute(f"INSERT INTO prompts (text, source, created) {texts}"))
    older.close()
    content = bytearray((home / "palate.duckdb").read_bytes())
    content[content.index(b"c4ca4238a0b923820dcc509a6f75849b")] ^= 0xFF
    (home / "palate.duckdb").write_bytes(content)

    with pytest.raises(DamagedDatabase, match=r"Nothing was changed\. No copy of it"):
        Store(home, clock)

    assert (home / "palate.duckdb").read_bytes() == content


def test_other_files_among_the_copies_are_left_alone(home, clock):
    folder = home / "copies"
    Store(home, clock).close()
    folder.mkdir()
    for name in (
        "notes.txt",
        "old.duckdb",
        "2026-99-99T999999Z_start_1-votes_1-acts_schema-1.duckdb",
    ):
        (folder / name).write_text("mine")
        assert read_name(folder / name) is None
    with Store(home, clock) as store:
        copies_of(home, clock).make("start", store._database.copy_to)

    assert sum(path.read_bytes() == b"mine" for path in folder.iterdir()) == 3


def test_the_copies_can_be_listed_and_one_be_put_back_from_a_terminal(home, clock):
    with Store(home, clock) as store:
        keys = vote(store, 2)
        older = copies_of(home, clock).make("votes", store._database.copy_to)
        clock.move(60)
        vote(store, 2)
        copies_of(home, clock).make("votes", store._database.copy_to)

    listed = run("copies", str(home)).stdout.splitlines()
    assert [line.split(": ")[1] for line in listed] == [
        "01 January 2026, 00:01:00 UTC, with 4 votes",
        "01 January 2026, 00:00:00 UTC, with 2 votes",
    ]
    ran = run("restore", str(home), "--copy", older.path.name)
    assert ran.returncode == 0 and "with 2 votes is in place" in ran.stdout, ran.stderr
    assert keys_in(home / "palate.duckdb") == set(keys)
    (aside,) = home.glob("palate.damaged-*.duckdb")
    assert len(keys_in(aside)) == 4
    unknown = run("restore", str(home), "--copy", "x")
    assert unknown.returncode == 1 and "No copy 'x' that opens" in unknown.stderr


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "storage", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_an_older_studio_that_cannot_be_copied_is_not_changed(home, clock):
    schema = write_older(home)
    (home / "copies").write_text("a file where copies should be")

    with pytest.raises(NoCopy, match=r"Nothing was changed.*Then start again"):
        Store(home, clock)

    database = Database(home / "palate.duckdb")
    newest = database.read("SELECT max(number) FROM schema_migrations")[0][0]
    database.close()
    assert newest == schema
    (home / "copies").unlink()
    Store(home, clock).close()


def test_a_folder_that_is_not_there_is_named_and_not_made(home):
    for command in ("copies", "restore"):
        ran = run(command, str(home))
        assert ran.returncode == 1 and ran.stderr == (
            f"storage: {home} is no folder. Name the folder of a studio.\n"
        )
    assert not home.exists()


def test_no_progress_bar_of_a_slow_query_gets_into_what_a_process_answers(tmp_path):
    """DuckDB writes one to stdout where a process was started with -m or -c."""
    ask = (
        "import pathlib, sys; from storage.database import CONFIG, connect_with; "
        "connection = connect_with(pathlib.Path(sys.argv[1]), CONFIG); "
        "print(connection.execute(\"SELECT current_setting('enable_progress_bar')\").fetchall())"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", ask, str(tmp_path / "palate.duckdb")]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout == "[(False,)]\n"
