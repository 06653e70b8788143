"""A studio of an older Palate holds the same after its tables got the names of the field."""

import json
import shutil
import zipfile
from pathlib import Path

import duckdb
import pytest

from storage import Store
from storage.backup.inspection import contains
from storage.database import Database
from storage.schema import migrate, read_migrations

OLD_STUDIO = Path(__file__).parents[2] / "annotate" / "old_studio.zip"
RENAMED = {
    "choices": "pair_selection",
    "looks": "image_features",
    "remarks": "vote_annotations",
    "reports": "flags",
    "report_decisions": "flag_decisions",
    "checks": "control_pairs",
    "sittings": "labeling_sessions",
    "sitting_states": "labeling_session_states",
    "sitting_bounds": "labeling_session_bounds",
    "labels": "candidate_votes",
    "lessons": "trainable_votes",
    "current_remarks": "current_annotations",
    "current_reports": "current_flags",
}
EARLIER_ROWS = """
INSERT INTO images VALUES
    ('i1', 'aa', 8, 8, '{}', 'k1', 'base', $now), ('i2', 'bb', 8, 8, '{}', 'k2', 'base', $now);
INSERT INTO pairs (pair_id, prompt, left_image, right_image, base, version, created) VALUES
    ('p1', 'a cat', 'i1', 'i2', 'emoji', 'base', $now),
    ('p2', 'a dog', 'i1', 'i2', 'emoji', 'base', $now),
    ('p3', 'a cat', 'i2', 'i1', 'emoji', 'base', $now);
INSERT INTO votes (key, base, pair_id, annotator, verdict, winner, left_image, created) VALUES
    ('v1', 'emoji', 'p1', 'ann', 'left', 'i1', 'i1', $now),
    ('v2', 'emoji', 'p2', 'ann', 'left', 'i1', 'i1', $now),
    ('v3', 'emoji', 'p3', 'ann', 'left', 'i2', 'i2', $now);
INSERT INTO checks VALUES ('p3', 'p1', 'ann', 'repeat', $now);
INSERT INTO choices VALUES (1, 'random', 0.5);
INSERT INTO looks VALUES ('aa', 1, [0.5, 1.5]);
INSERT INTO remarks (key, vote_key, kind, name, value, created) VALUES
    ('m1', 'v1', 'strength', '', '2', $now), ('m2', 'v1', 'reason', 'hands', 'on', $now);
INSERT INTO reports (key, pair_id, annotator, note, created) VALUES
    ('r1', 'p2', 'ann', 'ugly', $now), ('r2', 'p1', 'ann', '', $now);
INSERT INTO report_decisions (report_id, decision, who, created) VALUES (2, 'shown', 'bea', $now);
INSERT INTO sittings VALUES ('s1', 'ann', 50, $now);
INSERT INTO sitting_states (sitting_id, state, created) VALUES ('s1', 'open', $now);
INSERT INTO sitting_bounds VALUES ('s1', FALSE, 0, 0);
"""


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """The rows of every table and view, by the names of now; only a copy is opened."""
    with duckdb.connect(path) as connection:
        names = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE NOT internal "
            "UNION ALL SELECT view_name FROM duckdb_views() WHERE NOT internal"
        ).fetchall()
        return {
            RENAMED.get(name, name): sorted(
                connection.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr
            )
            for (name,) in names
            if name != "schema_migrations"
        }


@pytest.mark.slow
def test_every_row_of_an_old_studio_is_there_after_it_was_opened(tmp_path):
    home = tmp_path / "studio"
    with zipfile.ZipFile(OLD_STUDIO) as archive:
        archive.extractall(home)
    shutil.copyfile(home / "palate.duckdb", tmp_path / "before.duckdb")
    before = contents(tmp_path / "before.duckdb")
    files = {
        path.relative_to(home): path.read_bytes()
        for folder in ("snapshots", "runs")
        for path in (home / folder).rglob("*.*")
        if path.is_file()
    }

    with Store(home) as store:
        # A snapshot on the disk names votes by the ids that the table still gives them.
        [(snapshot_id, counts)] = store._database.read(
            "SELECT snapshot_id, counts FROM snapshots ORDER BY snapshot_id LIMIT 1"
        )
        manifest = json.loads((home / "snapshots" / snapshot_id / "manifest.json").read_text())
        learned = store._database.read(
            "SELECT vote_id FROM snapshot_votes WHERE snapshot_id = ? ORDER BY vote_id",
            [snapshot_id],
        )
        assert manifest["counts"] == json.loads(counts)
        assert set(manifest["vote_ids"]) <= {vote for (vote,) in learned}
        bases = [base for (base,) in store._database.read("SELECT DISTINCT base FROM versions")]
        votes = sum(store.counts(base).votes for base in bases)
        assert votes == len(before["current_votes"]) == 14
        assert sum(len(store.runs(base)) for base in bases) == len(before["runs"]) == 4
        assert sum(len(store.versions(base)) for base in bases) == len(before["versions"]) == 7

    shutil.copyfile(home / "palate.duckdb", tmp_path / "after.duckdb")
    after = contents(tmp_path / "after.duckdb")
    assert {name: after[name] for name in before} == before
    assert all((home / path).read_bytes() == content for path, content in files.items())
    [copy] = (home / "copies").glob("*_migration_*_schema-6.duckdb")
    assert contents(copy) == before


@pytest.fixture
def earlier(tmp_path):
    """A database with something in every table that is about to get another name."""
    database = Database(tmp_path / "palate.duckdb")
    migrate(database, read_migrations()[:9])
    for statement in EARLIER_ROWS.split(";\n"):
        row = statement.strip().replace("$now", "TIMESTAMP '2026-01-01'")
        if row:
            database.write(lambda cursor, row=row: cursor.execute(row))
    yield database
    database.close()


def test_tables_with_rows_keep_them_also_where_the_app_is_killed_afterwards(earlier, tmp_path):
    path = tmp_path / "palate.duckdb"
    earlier.copy_to(tmp_path / "before.duckdb")
    before = contents(tmp_path / "before.duckdb")

    migrate(earlier, read_migrations())
    # What is on the disk now is what a kill would leave: the new names are in the log alone.
    earlier.copy_to(tmp_path / "killed.duckdb")
    after = contents(tmp_path / "killed.duckdb")

    assert path.with_name("palate.duckdb.wal").stat().st_size
    assert {name: rows for name, rows in after.items() if name in before} == before
    assert all(before[name] for name in RENAMED.values())
    assert after["trainable_votes"] == after["candidate_votes"] != after["current_votes"]


def test_keys_of_renamed_tables_still_refuse_a_row_twice(earlier):
    migrate(earlier, read_migrations())

    twice = (
        "INSERT INTO flags (key, pair_id, annotator, note, created) "
        "VALUES ('r1', 'p1', '', '', TIMESTAMP '2026-01-02')"
    )
    with pytest.raises(duckdb.ConstraintException, match="r1"):
        earlier.write(lambda cursor: cursor.execute(twice))
    earlier.write(lambda cursor: cursor.execute(f"{twice} ON CONFLICT (key) DO NOTHING"))
    third = twice.replace("'r1'", "'r3'") + " RETURNING flag_id"
    [(flag_id,)] = earlier.write(lambda cursor: cursor.execute(third).fetchall())
    assert flag_id > 2, "the sequence goes on where it was"


def test_a_migration_that_stops_half_way_leaves_the_earlier_names(earlier, tmp_path):
    *known, renaming = read_migrations()[:10]
    broken = type(renaming)(
        renaming.number, renaming.name, f"{renaming.sql}\nSELECT * FROM nowhere"
    )
    with pytest.raises(duckdb.CatalogException, match="nowhere"):
        migrate(earlier, [*known, broken])

    assert earlier.read("SELECT max(number) FROM schema_migrations") == [(9,)]
    assert len(earlier.read("SELECT * FROM lessons")) == len(earlier.read("SELECT * FROM labels"))
    migrate(earlier, read_migrations())
    assert len(earlier.read("SELECT * FROM trainable_votes")) == 1


@pytest.mark.slow
def test_rows_are_missed_across_the_renaming_of_their_table(earlier, tmp_path):
    before, after = tmp_path / "before.duckdb", tmp_path / "after.duckdb"
    earlier.copy_to(before)
    migrate(earlier, read_migrations())
    earlier.copy_to(after)
    assert contains(after, before).problem is None

    earlier.write(lambda cursor: cursor.execute("DELETE FROM vote_annotations"))
    earlier.copy_to(after)
    assert contains(after, before).problem == "It lacks rows of remarks."
