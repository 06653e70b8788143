"""Merging two studios of one model: what comes along, under which ids, and that twice is once."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from empty_studio import empty_studio
from every_kind import add_pair
from every_kind import vote as cast_vote
from storage_making import BASE, make_pair
from whole_studio import every_row, files_below, fill, give_votes, rows_of

from storage import NewVote, Store
from storage.__main__ import main
from storage.errors import BrokenStudio, InvalidTarget, OtherModel, StudioInUse
from storage.merging.merge import Merge
from storage.merging.report import MergeReport, sentences_of_merge
from storage.merging.vote_restore import VoteRestore

pytestmark = pytest.mark.slow

OLD_STUDIO = Path(__file__).parents[2] / "annotate" / "old_studio.zip"


class Hours:
    """A clock that goes on by a second each time it is read, from an hour of a day."""

    def __init__(self, hour: int) -> None:
        self.now = datetime(2026, 1, 1) + timedelta(hours=hour)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def studio(home: Path, who: str, first: int, hour: int) -> Path:
    with Store(empty_studio(home), Hours(hour)) as store:
        fill(store, who, first)
    return home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return studio(tmp_path / "home", "ada", 0, 8)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return studio(tmp_path / "other", "bob", 1000, 4)


def merge(home: Path, other: Path) -> MergeReport:
    with Store(home, Hours(20)) as store:
        report = Merge(store, other, clock=Hours(20)).write()
    return report


VOTES = """
SELECT votes.key, votes.annotator, votes.verdict, votes.pair_id, votes.created, sha256, gone.key
FROM votes LEFT JOIN images ON image_id = votes.winner
LEFT JOIN votes AS gone ON gone.vote_id = votes.supersedes
ORDER BY votes.key
"""

CURRENT = "SELECT annotator, pair_id, verdict FROM current_votes ORDER BY pair_id"


def same_in_both(home: Path, other: Path, sql: str) -> None:
    """Hold that what the other studio gave is there after a merge."""
    assert set(rows_of(other, sql)) <= set(rows_of(home, sql)), sql


def test_everything_that_people_gave_comes_along(home, other):
    before = rows_of(home, VOTES)
    report = merge(home, other)
    assert (report.votes, report.rankings) == (4, 1)
    same_in_both(home, other, VOTES)
    assert set(before) <= set(rows_of(home, VOTES))
    for sql in (
        "SELECT key, annotator, quad_id, best, worst FROM rankings",
        "SELECT key, vote_key, kind, name, value FROM vote_annotations",
        "SELECT key, pair_id, annotator, note FROM flags",
        "SELECT exclusions.reason, votes.key FROM exclusions JOIN votes USING (vote_id)",
        "SELECT base, annotator, weight, reason FROM voter_weights",
        "SELECT pair_id, winner FROM gold_marks",
        "SELECT text, source FROM prompts",
        "SELECT pair_id, prompt, left_image, right_image, version FROM pairs",
        "SELECT image_id, sha256, recipe_key FROM images",
        "SELECT quad_id, images FROM quads",
        "SELECT name FROM people",
        "SELECT kind, key FROM acts",
    ):
        same_in_both(
            home, other, sql.replace("SELECT quad_id, images", "SELECT quad_id, images[1]")
        )
    with Store(home) as store:
        assert store.counts(BASE).votes == 8
        for (sha256,) in rows_of(other, "SELECT sha256 FROM images"):
            assert store.image_path(sha256).is_file()


def test_merging_twice_brings_nothing_the_second_time(home, other):
    merge(home, other)
    before, files = every_row(home), files_below(home)
    report = merge(home, other)
    assert report.is_nothing
    assert sentences_of_merge(report, done=True) == [
        "Nothing is new: everything in the other studio is here already."
    ]
    assert every_row(home) == before
    assert files_below(home) == files


def test_one_into_the_other_and_the_other_into_the_one_are_the_same_votes(home, other, tmp_path):
    shutil.copytree(home, tmp_path / "a")
    shutil.copytree(other, tmp_path / "b")
    merge(tmp_path / "a", other)
    merge(tmp_path / "b", home)
    assert rows_of(tmp_path / "a", VOTES) == rows_of(tmp_path / "b", VOTES)
    order = "SELECT key FROM votes ORDER BY vote_id"
    assert rows_of(tmp_path / "a", order) == rows_of(tmp_path / "b", order)


def test_votes_are_in_the_order_of_their_times_whoever_had_them(home, other):
    merge(home, other)
    order = rows_of(home, "SELECT created FROM votes ORDER BY vote_id")
    assert order == sorted(order)
    # What names votes here goes along with them.
    assert rows_of(home, "SELECT reason, key FROM exclusions JOIN votes USING (vote_id)") == [
        ("a slip", "ada-0-0"),
        ("a slip", "bob-1000-0"),
    ]
    counted = rows_of(home, "SELECT count(*) FROM snapshot_votes JOIN votes USING (vote_id)")
    assert counted == rows_of(home, "SELECT count(*) FROM snapshot_votes")
    after = rows_of(
        home,
        "SELECT acts.key, votes.key FROM acts JOIN votes ON vote_id = after_vote ORDER BY act_id",
    )
    assert ("bob-1000-ranking", "bob-1000-undo") in after
    assert ("ada-0-ranking", "ada-0-undo") in after


def test_the_newest_act_is_taken_back_wherever_it_was_given(home, tmp_path):
    later = studio(tmp_path / "later", "ada", 1000, 12)
    merge(home, later)
    with Store(home) as store:
        assert store.undo("ada", "u1").key == "ada-1000-flag"
    report = merge(later, home)
    # The undo comes along, as what was given before it does.
    assert rows_of(later, "SELECT count(*) FROM withdrawals") == [(1,)]
    assert report.same_people == ("ada",)


def test_versions_and_runs_get_the_next_numbers_with_their_files(home, other):
    report = merge(home, other)
    assert report.new_versions == {"v1": "v2"}
    with Store(home) as store:
        first, second = store.versions(BASE)[1:]
        assert (second.version, second.run_id) == ("v2", "r0002")
        assert second.adapter is not None and second.adapter.read_bytes() == b"weights of bob 1000"
        assert first.adapter is not None and first.adapter.read_bytes() == b"weights of ada 0"
        assert store.active(BASE).version == "v1"
        assert store.run("r0002").state == "done"
        next_snapshot = store.write_snapshot(BASE, settle_s=0)
        assert next_snapshot.snapshot_id == "s0003"
        assert store.create_run("s0003", BASE, "v2", {}, "click").run_id == "r0003"
    assert not (home / "merging.json").exists()
    assert not (home / "runs/r0002/checkpoint").exists()


def test_images_of_a_version_are_named_by_its_number_here(home, other):
    with Store(other, Hours(5)) as store:
        made = store.opening.database
        made.write(lambda cursor: cursor.execute("UPDATE pairs SET version = 'v1'"))
    merge(home, other)
    assert set(rows_of(home, "SELECT version, count(*) FROM pairs GROUP BY version")) == {
        ("base", 5),
        ("v2", 5),
    }


def test_ids_go_on_after_all_of_both(home, other):
    merge(home, other)
    with Store(home) as store:
        pair = make_pair(store, 500)
        newest = store.vote(NewVote.parse(pair.pair_id, "left", "eve", "new"))
        highest = store.opening.database.read("SELECT max(vote_id) FROM votes")
        assert highest == [(newest.row_id,)]
        assert store.undo("eve", "u").key == "new"


def test_one_person_on_one_pair_in_both_counts_once_and_the_later_vote(tmp_path):
    home = tmp_path / "home"
    with Store(empty_studio(home), Hours(1)) as store:
        store.ensure_base(BASE)
        pair = make_pair(store)
    other = tmp_path / "other"
    shutil.copytree(home, other)
    with Store(home, Hours(2)) as store:
        store.vote(NewVote.parse(pair.pair_id, "left", "ada", "earlier"))
    with Store(other, Hours(3)) as store:
        store.vote(NewVote.parse(pair.pair_id, "right", "ada", "later"))
    shutil.copytree(home, tmp_path / "a")
    shutil.copytree(other, tmp_path / "b")
    assert merge(tmp_path / "a", other).given_twice == 1
    assert merge(tmp_path / "b", home).given_twice == 1
    current = "SELECT key, verdict FROM current_votes"
    assert rows_of(tmp_path / "a", current) == [("later", "right")]
    assert rows_of(tmp_path / "b", current) == [("later", "right")]
    assert merge(tmp_path / "a", tmp_path / "b").is_nothing


def test_a_studio_and_what_was_restored_of_it_are_one_again(home, tmp_path):
    shutil.copytree(home, tmp_path / "laptop")
    with Store(tmp_path / "laptop", Hours(12)) as store:
        give_votes(store, "ada", 300)
        version = store.versions(BASE)[1]
        store.version_labels.rename(BASE, version.version, "warm")
    report = merge(home, tmp_path / "laptop")
    assert report.votes == 4
    assert not report.new_versions
    with Store(home) as store:
        assert store.version(BASE, "v1").name == "warm"
        assert len(store.runs(BASE)) == 1


def test_whoever_was_restored_under_a_pseudonym_is_the_same_person(tmp_path):
    home, again = tmp_path / "home", tmp_path / "again"
    with Store(empty_studio(home), Hours(1)) as store:
        store.ensure_base(BASE)
        for number, verdict in enumerate(("left", "tie")):
            cast_vote(store, add_pair(store, number), verdict, f"k{number}", "ada")
        store.exports.write("parquet", tmp_path / "out")
    with Store(empty_studio(again)) as store:
        VoteRestore(store).run(tmp_path / "out")

    for one, other in (("home", "again"), ("again", "home")):
        merged = tmp_path / f"{one}-merged"
        shutil.copytree(tmp_path / one, merged)
        before = rows_of(merged, CURRENT)
        report = merge(merged, tmp_path / other)
        assert report.same_people == (before[0][0],)
        assert rows_of(merged, CURRENT) == before, "the votes were doubled"
        assert merge(merged, tmp_path / other).is_nothing


def test_a_preview_says_what_would_come_and_changes_nothing(home, other):
    before, files = every_row(home), files_below(home)
    with Store(home) as store:
        report = Merge(store, other).preview()
    said = " ".join(sentences_of_merge(report, done=False))
    assert "Would come in: 4 votes, 1 ranking" in said
    assert "v1 is v2 here" in said
    assert every_row(home) == before
    assert files_below(home) == files


def test_the_other_studio_is_never_changed(home, other):
    before = {path: path.stat().st_mtime_ns for path in sorted(other.rglob("*")) if path.is_file()}
    rows, files = every_row(other), files_below(other)
    merge(home, other)
    after = {path: path.stat().st_mtime_ns for path in sorted(other.rglob("*")) if path.is_file()}
    assert after == before
    assert (every_row(other), files_below(other)) == (rows, files)


def test_a_studio_of_an_older_palate_is_merged_and_stays_old(tmp_path):
    other, home = tmp_path / "older", tmp_path / "home"
    with zipfile.ZipFile(OLD_STUDIO) as archive:
        archive.extractall(other)
    before = (other / "palate.duckdb").read_bytes()
    given = rows_of(other, "SELECT key FROM votes ORDER BY vote_id")
    report = merge(empty_studio(home), other)
    assert report.votes > 0
    assert rows_of(home, "SELECT key FROM votes ORDER BY vote_id") == given
    assert (other / "palate.duckdb").read_bytes() == before
    assert merge(home, other).is_nothing


def test_a_studio_that_an_app_holds_cannot_be_merged(home, other):
    code = (
        "import sys; from storage import Store; Store(sys.argv[1]); print(1, flush=True); input()"
    )
    command = [sys.executable, "-c", code, str(other)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as app:
        assert app.stdout is not None and app.stdout.readline()
        with Store(home) as store, pytest.raises(StudioInUse, match="Close the app"):
            Merge(store, other).write()
        app.kill()


def test_a_studio_of_another_model_is_refused(home, other):
    with Store(other) as store:
        database = store.opening.database
        for table in ("versions", "votes", "pairs"):
            database.write(
                lambda cursor, table=table: cursor.execute(f"UPDATE {table} SET base = 'x'")
            )
    with Store(home) as store, pytest.raises(OtherModel, match=r"of emoji, the other one of x"):
        Merge(store, other).write()


def test_one_model_under_two_names_is_one_model(home, other):
    with Store(other) as store:
        for table in ("versions", "votes", "pairs", "runs", "snapshots", "rankings", "quads"):
            store.opening.database.write(
                lambda cursor, table=table: cursor.execute(f"UPDATE {table} SET base = 'old-name'")
            )
        store.aliases.base_of("abc123", ["old-name"])
    with Store(home) as store:
        store.aliases.base_of("abc123", [BASE])
    merge(home, other)
    with Store(home) as store:
        assert store.counts(BASE).votes == 8
        assert store.counts("old-name").votes == 0


def test_a_view_in_the_place_of_a_table_is_not_read(home, other, tmp_path):
    (tmp_path / "secret.csv").write_text("key\nsecret")
    with duckdb.connect(str(other / "palate.duckdb")) as connection:
        connection.execute("DROP TABLE flag_decisions")
        sql = f"CREATE VIEW flag_decisions AS SELECT * FROM read_csv('{tmp_path}/secret.csv')"
        connection.execute(sql)
    with Store(home) as store, pytest.raises(BrokenStudio, match="is no table"):
        Merge(store, other).write()


def test_what_is_no_studio_is_refused(home, tmp_path):
    with Store(home) as store:
        with pytest.raises(InvalidTarget, match="is no studio"):
            Merge(store, tmp_path).write()
        with pytest.raises(InvalidTarget, match="this studio itself"):
            Merge(store, home).write()
        for name, sql in {
            "strange": "CREATE TABLE cats (name VARCHAR)",
            "hostile": "CREATE TABLE schema_migrations (number INTEGER, name VARCHAR); "
            "INSERT INTO schema_migrations VALUES (1, 'initial'); CREATE TABLE votes (x VARCHAR)",
        }.items():
            (tmp_path / name).mkdir()
            with duckdb.connect(str(tmp_path / name / "palate.duckdb")) as connection:
                connection.execute(sql)
            with pytest.raises((InvalidTarget, BrokenStudio), match=r"no studio's|is damaged"):
                Merge(store, tmp_path / name).write()
        (tmp_path / "bad").mkdir()
        (tmp_path / "bad/palate.duckdb").write_bytes(b"no database" * 1000)
        with pytest.raises(BrokenStudio, match="is damaged"):
            Merge(store, tmp_path / "bad").write()


def test_new_people_come_without_a_password_and_passwords_here_stay(home, other):
    with Store(other) as store:
        store.people.set_password("bob", "their hash", "admin")
    with Store(home) as store:
        store.people.set_password("ada", "my hash", "admin")
    merge(home, other)
    with Store(home) as store:
        ada, bob = store.people.find("ada"), store.people.find("bob")
        assert ada is not None and ada.password == "my hash"
        assert bob is not None and bob.password is None and bob.role == "labeler"


def test_the_command_previews_and_merges(home, other, capsys):
    assert main(["merge", str(home), str(other), "--preview"]) == 0
    assert "Would come in: 4 votes" in capsys.readouterr().out
    assert main(["merge", str(home), str(other)]) == 0
    assert "Merged in: 4 votes" in capsys.readouterr().out
    assert main(["merge", str(home), str(other)]) == 0
    assert "Nothing is new" in capsys.readouterr().out
