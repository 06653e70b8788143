"""Votes that went out in Palate's own Parquet come back as what they were, or not at all."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest
from every_kind import ANN, BOB, add_pair, give_every_kind, vote
from storage_making import BASE

from storage import Store
from storage.errors import CopyingStopped, FolderTaken, UnreadableData
from storage.exports.exported_votes import ExportChoice
from storage.exports.pickapic.pickapic_export import PickapicExport, write_pickapic
from storage.merging.vote_restore import RestoredVotes, VoteRestore
from storage.snapshot.snapshot_folder import pseudonym

pytestmark = pytest.mark.slow


def export(store: Store, folder: Path, names: bool = False) -> Path:
    folder.mkdir()
    with store.exports.votes(ExportChoice(excluded=True, names=names, notes=names)) as votes:
        write_pickapic(folder, "t", store.opening.database, PickapicExport(votes), names)
    return folder


@pytest.fixture
def studio(store: Store) -> Store:
    give_every_kind(store)
    return store


@pytest.fixture
def exported(studio: Store, tmp_path: Path) -> Path:
    return export(studio, tmp_path / "exported")


@pytest.fixture
def empty(tmp_path: Path) -> Any:
    with Store(tmp_path / "restored") as opened:
        opened.ensure_base(BASE)
        yield opened


def restore(store: Store, folder: Path) -> RestoredVotes:
    return VoteRestore(store).run(folder)


def pairs_of(store: Store) -> list[str]:
    snapshot = store.write_snapshot(BASE, settle_s=0)
    return (snapshot.path / "pairs.jsonl").read_text().splitlines()


def facts_of(store: Store) -> dict[str, Any]:
    snapshot = store.write_snapshot(BASE, settle_s=0)
    return dict(json.loads((snapshot.path / "manifest.json").read_text()))


def test_a_restored_studio_gives_the_same_rows_to_train_on(studio, empty, exported):
    restored = restore(empty, exported)

    assert pairs_of(empty) == pairs_of(studio)
    before, after = facts_of(studio), facts_of(empty)
    assert after["files"] == before["files"] and after["weights"] == before["weights"]
    assert sum(after["excluded"].values()) == sum(before["excluded"].values()) == 2
    assert restored.rankings == 2 and restored.of_sources == 0


def test_the_counts_of_a_restored_studio_are_those_of_before(studio, empty, exported):
    assert empty.counts(BASE).votes == 0
    restore(empty, exported)
    assert empty.labeler_counts(BASE).decisive == empty.counts(BASE).decisive
    assert empty.counts(BASE).decisive == studio.counts(BASE).decisive
    assert empty.counts(BASE).skipped == studio.counts(BASE).skipped
    assert empty.decisive(BASE, pseudonym(BOB)) == studio.decisive(BASE, BOB)


def test_what_was_said_of_a_vote_comes_back(studio, empty, exported):
    restore(empty, exported)
    sql = """
        SELECT kind, name, coalesce(sha256, value) FROM current_annotations
        LEFT JOIN images ON image_id = value ORDER BY kind, name
    """
    assert empty._database.read(sql) == studio._database.read(sql)
    sql = "SELECT policy, propensity FROM pair_selection"
    assert empty._database.read(sql) == studio._database.read(sql)
    sql = "SELECT in_a_row FROM kept_pairs"
    assert empty._database.read(sql) == studio._database.read(sql)
    assert empty._database.read("SELECT * FROM taken_back_pairs") == []


def test_exclusions_and_weights_come_back_with_their_reasons_where_they_were_told(
    studio, empty, tmp_path
):
    restore(empty, export(studio, tmp_path / "named", names=True))
    assert {each.reason for each in empty.quality.exclusions(BASE)} == {
        *("Carl said he clicked", "carl is a robot")
    }
    weight = empty.quality.weights(BASE)[BOB]
    assert (weight.weight, weight.reason) == (0.5, "often disagrees")
    assert pairs_of(empty) == pairs_of(studio)


def test_an_undo_takes_back_the_newest_of_what_was_restored(studio, empty, exported):
    restore(empty, exported)
    undone = empty.undo(pseudonym(BOB))
    assert undone.kind == "vote"


def test_a_restored_studio_can_be_exported_and_restored_again(studio, empty, exported, tmp_path):
    restore(empty, exported)
    again = export(empty, tmp_path / "again")
    with Store(tmp_path / "third") as third:
        third.ensure_base(BASE)
        restore(third, again)
        assert pairs_of(third) == pairs_of(studio)


def test_a_studio_with_votes_is_left_as_it_is(studio, empty, exported):
    vote(empty, add_pair(empty, 200), "left", "mine")
    with pytest.raises(FolderTaken, match="Bring the folder in as a source, or merge"):
        restore(empty, exported)
    assert empty.counts(BASE).votes == 1


def test_pairs_that_wait_are_no_hindrance(studio, empty, exported):
    add_pair(empty, 200)
    add_pair(empty, 0, "same image, other prompt")
    restore(empty, exported)
    assert pairs_of(empty) == pairs_of(studio)


def test_versions_of_before_keep_their_numbers(studio, empty, exported):
    facts = json.loads((exported / "palate.json").read_text())
    facts["models"][0]["versions"] += [[1, 0], [2, 1]]
    (exported / "palate.json").write_text(json.dumps(facts))
    restore(empty, exported)

    assert [version.version for version in empty.versions(BASE)] == ["base"]
    assert empty._database.read("SELECT max(number) FROM versions") == [(2,)]


def test_votes_go_to_the_model_under_its_name_here(studio, empty, tmp_path):
    """An old studio keeps a model under the name that it had when it first met it."""
    assert studio.aliases.base_of("emoji-abc", (BASE,)) == BASE
    exported = export(studio, tmp_path / "exported")
    with Store(tmp_path / "new") as new:
        assert new.aliases.base_of("emoji-abc") == "emoji-abc"
        new.ensure_base("emoji-abc")
        restore(new, exported)
        assert new.counts("emoji-abc").decisive == studio.counts(BASE).decisive
        assert new.counts(BASE).votes == 0
        assert new.aliases.base_of("emoji-abc", (BASE,)) == "emoji-abc"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("REPLACE ('sideways' AS kind)", "cannot be restored"),
        ("REPLACE ([7, 8] AS shown_order)", "the order of its images is none"),
        ("REPLACE ('../../etc' AS image_0_uid)", "is no id of an image"),
        ("REPLACE ('no image'::BLOB AS jpg_1)", "no PNG, JPEG or WebP"),
        ("REPLACE (jpg_1[:40] AS jpg_1)", "cut off|no PNG"),
        ("REPLACE (NULL AS jpg_0)", "no PNG"),
        ("REPLACE (99 AS width_0)", "another size"),
        ("""REPLACE ('{"original": {"size": "big"}}' AS recipe_0)""", "cannot be restored"),
        ("REPLACE ('[]' AS recipe_1)", "cannot be restored"),
        ("REPLACE (7.5 AS weight)", "its weight is not above 0"),
        ("REPLACE ('x' AS selection_rule, NULL AS propensity)", "cannot be restored"),
        ("REPLACE (NULL AS created_at)", "it has no time"),
        ("REPLACE ('' AS annotator)", "is not a name"),
        ("REPLACE ('[1' AS criteria)", "cannot be restored"),
        ("REPLACE ('aaaaaaaaaaaaaaaa' AS image_0_uid)", "is another one before"),
        ("REPLACE ('x' AS pair_id, 'y' AS annotator)", "two votes of one annotator"),
        ("EXCLUDE (kept_by)", "no export of Palate's own Parquet"),
    ],
)
def test_a_file_that_was_changed_restores_nothing(empty, exported, change, why):
    (path,) = (exported / "full").glob("*.parquet")
    changed = path.with_suffix(".changed")
    duckdb.execute(f"COPY (SELECT * {change} FROM '{path}') TO '{changed}' (FORMAT parquet)")
    changed.replace(path)

    with pytest.raises(UnreadableData, match=why):
        restore(empty, exported)
    for table in ("votes", "pairs", "images", "rankings", "quads", "exclusions"):
        assert empty._database.read(f"SELECT count(*) FROM {table}") == [(0,)]


@pytest.mark.parametrize("harm", ["truncated", "gone", "one missing", "another folder"])
def test_a_folder_that_is_no_whole_export_is_told(empty, exported, harm):
    (path,) = (exported / "full").glob("*.parquet")
    if harm == "truncated":
        path.write_bytes(path.read_bytes()[:-200])
    elif harm == "gone":
        shutil.rmtree(exported / "full")
    elif harm == "one missing":
        path.rename(path.with_name("train-00000-of-00002.parquet"))
    else:
        exported = exported / "default"
    with pytest.raises(UnreadableData, match=r"\. (Fetch|Bring|Copy)"):
        restore(empty, exported)
    assert empty.counts(BASE).votes == 0


def test_numbers_of_versions_that_cannot_be_are_told(empty, exported):
    facts = json.loads((exported / "palate.json").read_text())
    facts["models"][0]["versions"] = [[10**30, None]]
    (exported / "palate.json").write_text(json.dumps(facts))
    with pytest.raises(UnreadableData, match="numbers that no studio can hold"):
        VoteRestore(empty).run(exported)
    assert not empty.counts(BASE).votes

    # Deeper than anybody writes: then the votes alone are restored.
    (exported / "palate.json").write_text('{"models": ' + "[" * 200_000)
    assert VoteRestore(empty).run(exported).votes


def test_restoring_can_be_stopped_and_then_nothing_was_recorded(empty, exported):
    stop = threading.Event()

    def progress(done: int, of: int) -> None:
        if done > of // 2:
            stop.set()

    with pytest.raises(CopyingStopped, match="No vote was recorded"):
        VoteRestore(empty, progress, stop).run(exported)
    assert empty._database.read("SELECT count(*) FROM images") == [(0,)]


def test_restored_votes_settle_and_are_trained_on_without_a_restart(studio, empty, exported):
    restore(empty, exported)
    assert empty.snapshots.write(BASE, 0.0).counts["preference"] > 5
    assert len(pairs_of(studio)) == len(pairs_of(empty)) > 5
    assert ANN
