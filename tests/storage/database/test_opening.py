import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from storage_making import BASE, make_pair

import storage
from storage import BrokenStudio, Store, StudioInUse
from storage.database import Database


def test_a_studio_is_made_where_there_was_none(tmp_path):
    home = tmp_path / "some" / "where"

    with Store(home):
        assert (home / "palate.duckdb").is_file()
    assert sorted(path.name for path in home.iterdir() if path.is_dir()) == [
        "images",
        "runs",
        "snapshots",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "50% #1 & 2",
        'it\'s "mine"',
        "Löwen 日本",
        "a;b:c",
        ":memory:",
        "md:x",
        "[x]*{y}",
        " a ",
        "$HOME",
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_a_studio_has_any_name_that_a_folder_may_have(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for home in (Path(name) / "studio", tmp_path / name):
        with Store(home) as store:
            pair = make_pair(store)
        with Store(home) as store:
            assert store.pair(pair.pair_id) == pair
        assert (home / "palate.duckdb").is_file()


@pytest.mark.parametrize("name", ["cats or dogs?/s", "what?", "a?b/c?d"])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_a_name_that_the_database_cannot_take_is_named_and_nothing_is_made(tmp_path, name):
    with pytest.raises(BrokenStudio, match=r"question mark.*another folder"):
        Store(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_second_app_is_told_which_folder_is_in_use_and_what_to_do(home, store):
    with pytest.raises(StudioInUse) as refused:
        Store(home)

    assert str(refused.value) == (
        f"Another Palate is running on {home}. Close it, or choose another folder with --home."
    )


@pytest.mark.slow
def test_a_second_process_is_refused_too(home, store):
    open_again = f"from storage import Store; Store({str(home)!r})"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}

    ran = subprocess.run(
        [sys.executable, "-c", open_again], env=environment, capture_output=True, text=True
    )

    assert "StudioInUse" in ran.stderr and str(home) in ran.stderr


@pytest.mark.slow
def test_another_program_that_holds_the_database_is_noticed(home):
    Store(home).close()
    database = str(home / "palate.duckdb")
    hold = f"import duckdb; c = duckdb.connect({database!r}); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(StudioInUse, match="Another program holds"):
            Store(home)
        holder.communicate("\n")

    Store(home).close()


def test_a_closed_studio_can_be_opened_again(home):
    for _ in range(2):
        with Store(home) as store:
            pair = make_pair(store)

    with Store(home) as store:
        assert store.pair(pair.pair_id) == pair
        assert len(store.waiting_pairs(BASE)) == 2


def test_a_file_that_is_no_database_is_named_and_left_alone(home):
    home.mkdir()
    (home / "palate.duckdb").write_text("a shopping list" * 1_000)

    for _ in range(2):
        with pytest.raises(BrokenStudio, match=r"palate\.duckdb could not be opened"):
            Store(home)
    assert (home / "palate.duckdb").read_text().startswith("a shopping list")


def test_a_file_in_place_of_the_folder_is_named(home):
    home.write_text("not a folder")

    with pytest.raises(BrokenStudio, match="cannot be used as a studio folder"):
        Store(home)


def test_a_write_that_meets_a_conflict_is_tried_again(tmp_path):
    database = Database(tmp_path / "a.duckdb")
    database.write(lambda cursor: cursor.execute("CREATE TABLE t (x INTEGER)"))
    database.write(lambda cursor: cursor.execute("INSERT INTO t VALUES (1)"))
    rival = database._connection.cursor()
    rival.begin()
    rival.execute("UPDATE t SET x = 10")
    tries = []

    def add_one(cursor: duckdb.DuckDBPyConnection) -> None:
        tries.append(cursor)
        if len(tries) == 3:
            rival.commit()
        cursor.execute("UPDATE t SET x = x + 1")

    database.write(add_one)

    assert database.read("SELECT x FROM t") == [(11,)]
    assert len(tries) == 3
    rival.close()
    database.close()


def test_the_public_names_are_these():
    assert sorted(storage.__all__) == sorted(
        "ActReceipt AlreadyVoted BlindTestOver BrokenStudio Counts DiskFull DiskUsage Flag Image "
        "InvalidAnnotation InvalidAnnotator InvalidExclusion InvalidFlag InvalidGoal InvalidKey "
        "InvalidLabel InvalidPrompt InvalidRanking InvalidState InvalidTrial InvalidVerdict "
        "LabelingSession NewAnnotation NewFlag NewRanking NewVote NoLabelingSession NoVotes "
        "NothingToUndo Pair Prompt Quad Run RunState Selection SessionVote Snapshot StorageError "
        "Store StudioInUse StudioNewer TrainedOn Trial TrialVote UnknownFlag UnknownImage "
        "UnknownKind UnknownPair UnknownQuad UnknownRun UnknownSnapshot UnknownTrial "
        "UnknownVersion UnknownVote Verdict Version VersionNeeded new_id recipe_key".split()
    )
