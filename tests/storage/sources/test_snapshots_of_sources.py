"""Snapshots take votes of sources along, and refer to their images where they are."""

from __future__ import annotations

import io
import json
from pathlib import Path

import duckdb
import pytest
from contract_checks import departures
from source_making import bring_in, new_source, png_bytes
from storage_making import BASE, make_pair

from align.contracts.image_references import ImageReference, read_frames
from align.contracts.snapshot_files import PairRow, SnapshotManifest
from storage import NoVotes, Snapshot, Store
from storage.acts import NewVote
from storage.layouts.found import find_data
from storage.layouts.reading import votes
from storage.snapshot.referenced_images import send_images
from storage.sources.source_records import NO_SOURCES, SourceVotes

pytestmark = pytest.mark.slow


def jsonl(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def rows(snapshot: Snapshot) -> list[dict]:
    return jsonl(snapshot.path / "pairs.jsonl")


def references(snapshot: Snapshot) -> list[dict]:
    return jsonl(snapshot.path / "image_references.jsonl")


def manifest(snapshot: Snapshot) -> dict:
    return json.loads((snapshot.path / "manifest.json").read_text())


def write_parquet(path: Path, labels: list[tuple[float, float]]) -> Path:
    """Write Pick-a-Pic's columns, with two new images in each row."""
    cells = [(png_bytes(2 * n), png_bytes(2 * n + 1)) for n in range(len(labels))]
    with duckdb.connect(":memory:") as connection:
        connection.execute(
            "CREATE TABLE t (caption VARCHAR, jpg_0 BLOB, jpg_1 BLOB, label_0 DOUBLE, "
            "label_1 DOUBLE, has_label BOOLEAN, user_id BIGINT)"
        )
        for number, (label, both) in enumerate(zip(labels, cells, strict=True)):
            row = [f"a cat {number}", *both, *label, True, number % 2]
            connection.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        connection.execute("COPY t TO ? (FORMAT parquet)", [str(path)])
    return path


def take_parquet(store: Store, path: Path, name: str = "pickapic") -> None:
    found = find_data([path])
    store.sources.bring_in(new_source(found.files, lambda files: votes(found), name=name))


def test_votes_of_sources_follow_own_votes_and_are_counted_by_their_source(store, pair, tmp_path):
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1"))
    take_parquet(store, write_parquet(tmp_path / "p.parquet", [(1, 0), (0, 1), (0.5, 0.5)]))
    store.sources.weigh(BASE, "pickapic", 0.25, "ann")

    snapshot = store.write_snapshot(BASE, settle_s=0)

    own, first, second, tie = rows(snapshot)
    assert "source" not in own and {row["source"] for row in (first, second, tie)} == {"pickapic"}
    assert [row["kind"] for row in (first, second, tie)] == ["preference", "preference", "tie"]
    assert [row["weight"] for row in (first, second, tie)] == [0.25] * 3
    told = manifest(snapshot)
    assert (told["sources"], told["source_weights"]) == ({"pickapic": 3}, {"pickapic": 0.25})
    assert (snapshot.counts["preference"], snapshot.counts["tie"]) == (3, 1)
    assert departures(rows(snapshot), list[PairRow]) == []
    assert departures(references(snapshot), list[ImageReference]) == []
    assert departures(told, SnapshotManifest) == []


def test_images_in_parquet_are_referred_to_and_sent_with_their_own_bytes(store, tmp_path):
    file = write_parquet(tmp_path / "p.parquet", [(1, 0), (0, 1)])
    take_parquet(store, file)

    snapshot = store.write_snapshot(BASE, settle_s=0)
    stream = io.BytesIO()
    send_images(snapshot.path / "image_references.jsonl", None, stream)
    stream.seek(0)

    assert list((snapshot.path / "images").iterdir()) == []
    sent = {h["image"]: content for h, content in read_frames(stream) if h["kind"] == "image"}
    assert sorted(sent.values()) == sorted(png_bytes(n) for n in range(4))
    first, second = rows(snapshot)
    assert (sent[first["chosen"]], sent[second["chosen"]]) == (png_bytes(0), png_bytes(3))
    assert {reference["file"] for reference in references(snapshot)} == {str(file)}


def test_image_files_of_a_source_are_referred_to_where_the_studio_keeps_them(store, tmp_path):
    bring_in(store, tmp_path)

    snapshot = store.write_snapshot(BASE, settle_s=0)

    for reference in references(snapshot):
        name = reference["image"].removeprefix("images/")
        assert reference["row"] is None and Path(reference["file"]).name == name
        assert Path(reference["file"]).read_bytes().startswith(b"\x89PNG")


def test_without_a_source_a_snapshot_has_no_new_key_and_no_index(store, pair):
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1"))
    snapshot = store.write_snapshot(BASE, settle_s=0)
    assert not {"sources", "source_weights"} & manifest(snapshot).keys()
    assert references(snapshot) == []


def test_a_source_that_is_not_used_stays_out_unless_it_is_named(store, pair, tmp_path):
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1"))
    bring_in(store, tmp_path)
    store.sources.use(BASE, "pickapic", False, "ann")

    assert "sources" not in manifest(store.write_snapshot(BASE, settle_s=0))
    named = store.write_snapshot(BASE, settle_s=0, brought=SourceVotes(("pickapic",)))
    assert manifest(named)["sources"] == {"pickapic": 3}
    none = store.write_snapshot(BASE, settle_s=0, brought=NO_SOURCES)
    assert len(rows(none)) == 1


def test_a_run_can_be_made_of_sources_alone(store, pair, tmp_path):
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1"))
    with pytest.raises(NoVotes):
        store.write_snapshot(BASE, settle_s=0, brought=SourceVotes(alone=True))
    bring_in(store, tmp_path)

    snapshot = store.write_snapshot(BASE, settle_s=0, brought=SourceVotes(None, alone=True))

    assert {row["source"] for row in rows(snapshot)} == {"pickapic"}
    assert (snapshot.vote_ids, snapshot.counts["preference"]) == ((), 3)


def test_votes_on_images_of_a_file_that_moved_or_changed_are_left_out_and_told(store, tmp_path):
    kept = write_parquet(tmp_path / "kept.parquet", [(1, 0)])
    take_parquet(store, kept, "kept")
    moved = write_parquet(tmp_path / "moved.parquet", [(1, 0), (1, 0), (0, 1)])
    take_parquet(store, moved, "moved")
    moved.rename(tmp_path / "elsewhere.parquet")

    snapshot = store.write_snapshot(BASE, settle_s=0)

    # The first row of both files shows the same images.
    assert manifest(snapshot)["sources"] == {"kept": 1, "moved": 1}
    assert snapshot.counts["image_lost"] == 2
    assert manifest(snapshot)["lost_images"] == {str(moved): "gone"}

    kept.write_bytes(b"something else")
    with pytest.raises(NoVotes, match=r"kept\.parquet"):
        store.write_snapshot(BASE, settle_s=0)
    assert [path.name for path in snapshot.path.parent.iterdir()] == ["s0001"]


def test_an_image_that_two_sources_and_the_studio_have_is_named_once(store, tmp_path):
    store.vote(NewVote.parse(make_pair(store, 1).pair_id, "left", "ann", "k1"))
    for name, labels in {"one": [(1, 0)], "two": [(1, 0), (0, 1)]}.items():
        take_parquet(store, write_parquet(tmp_path / f"{name}.parquet", labels), name)

    snapshot = store.write_snapshot(BASE, settle_s=0)

    named = [reference["image"] for reference in references(snapshot)]
    assert len(named) == len(set(named)) == 4
