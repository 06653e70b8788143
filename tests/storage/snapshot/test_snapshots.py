import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from contract_checks import departures
from storage_making import BASE, make_image, make_pair, make_pairs

from align.contracts.snapshot_files import PairRow, SnapshotManifest
from storage import NoVotes, Snapshot, Store
from storage.acts import NewRanking, NewVote

pytestmark = pytest.mark.slow


def lines(snapshot: Snapshot) -> list[dict]:
    return [json.loads(line) for line in (snapshot.path / "pairs.jsonl").read_text().splitlines()]


def manifest(snapshot: Snapshot) -> dict:
    return json.loads((snapshot.path / "manifest.json").read_text())


def image(store: Store, image_id: str) -> str:
    return f"images/{store.image(image_id).sha256}.png"


def vote_once(store: Store) -> None:
    store.vote(NewVote.parse(make_pair(store).pair_id, "left", "ann", "k1"))


def test_the_image_that_won_is_chosen_whichever_side_it_was_on(store):
    one, two = make_pair(store, 1), make_pair(store, 2, prompt="it's \u2028 日本")
    store.vote(NewVote.parse(one.pair_id, "left", "ann", "k1"))
    store.vote(NewVote.parse(two.pair_id, "right", "ann", "k2"))

    first, second = lines(store.write_snapshot(BASE, settle_s=0))

    assert (first["chosen"], first["rejected"]) == (
        image(store, one.left),
        image(store, one.right),
    )
    assert second == {
        "pair_id": two.pair_id,
        "prompt": "it's \u2028 日本",
        "kind": "preference",
        "chosen": image(store, two.right),
        "rejected": image(store, two.left),
        "annotator": hashlib.sha256(b"ann").hexdigest()[:12],
    }


@pytest.mark.parametrize("kind", ["tie", "both_good", "both_bad"])
def test_a_tie_is_kept_apart_and_names_no_winner(store, kind):
    vote_once(store)
    pair = make_pair(store, 7)
    store.vote(NewVote.parse(pair.pair_id, kind, "ann", "k2"))

    _, tie = lines(store.write_snapshot(BASE, settle_s=0))

    assert tie["kind"] == kind
    assert tie["images"] == [image(store, pair.left), image(store, pair.right)]
    assert "chosen" not in tie and "rejected" not in tie


def test_skips_and_undone_and_unsettled_votes_are_counted_but_not_rows(store, clock):
    settled, skipped, undone, late = make_pairs(store, 4)
    kept = store.vote(NewVote.parse(settled.pair_id, "left", "ann", "k1"))
    store.vote(NewVote.parse(skipped.pair_id, "skip", "ann", "k2"))
    store.vote(NewVote.parse(undone.pair_id, "right", "ann", "k3"))
    store.undo("ann")
    clock.move(10)
    store.vote(NewVote.parse(late.pair_id, "left", "ann", "k4"))

    snapshot = store.write_snapshot(BASE)

    assert snapshot.vote_ids == (kept.row_id,)
    assert [line["pair_id"] for line in lines(snapshot)] == [settled.pair_id]
    assert snapshot.counts == {
        "preference": 1,
        "tie": 0,
        "both_good": 0,
        "both_bad": 0,
        "skip": 1,
        "unsettled": 1,
        "undone": 1,
    }


def test_a_changed_mind_is_one_row_with_the_newer_vote(store, pair):
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1"))
    store.undo("ann")
    store.vote(NewVote.parse(pair.pair_id, "right", "ann", "k2"))

    (line,) = lines(store.write_snapshot(BASE, settle_s=0))

    assert line["chosen"] == image(store, pair.right)


def test_every_annotator_has_a_row_and_none_has_a_name(store, pair):
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1"))
    store.vote(NewVote.parse(pair.pair_id, "right", "bob", "k2"))

    snapshot = store.write_snapshot(BASE, settle_s=0)

    assert len({line["annotator"] for line in lines(snapshot)}) == 2
    assert "ann" not in {line["annotator"] for line in lines(snapshot)}


def test_there_must_be_a_settled_decisive_vote(store, clock):
    one, two = make_pairs(store, 2)
    with pytest.raises(NoVotes):
        store.write_snapshot(BASE)
    store.vote(NewVote.parse(one.pair_id, "tie", "ann", "k1"))
    clock.move(20)
    store.vote(NewVote.parse(two.pair_id, "left", "ann", "k2"))
    clock.move(9.999)
    with pytest.raises(NoVotes, match="10 s"):
        store.write_snapshot(BASE)

    clock.move(0.001)

    assert store.write_snapshot(BASE).counts["preference"] == 1


def test_votes_on_another_model_stay_out(store, pair):
    vote_once(store)
    foreign = store.add_pair("a cat", pair.left, pair.right, "another model", "base")
    store.vote(NewVote.parse(foreign.pair_id, "left", "ann", "k2"))

    assert len(store.write_snapshot("another model", settle_s=0).vote_ids) == 1
    assert len(store.write_snapshot(BASE, settle_s=0).vote_ids) == 1


def test_the_manifest_tells_what_is_in_the_folder_and_every_hash_matches(store):
    vote_once(store)

    snapshot = store.write_snapshot(BASE, settle_s=0)

    told = manifest(snapshot)
    files = told.pop("files")
    assert told == {
        "format": 1,
        "snapshot_id": "s0001",
        "created": "2026-01-01T00:00:00Z",
        "base": BASE,
        "settle_s": 0,
        "counts": snapshot.counts,
        "vote_ids": list(snapshot.vote_ids),
    }
    found = {
        path.relative_to(snapshot.path).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in snapshot.path.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert found == files
    assert len(found) == 3


def test_rows_and_manifest_hold_what_their_contracts_name(store):
    vote_once(store)
    for number, kind in enumerate(("right", "tie", "both_good", "both_bad", "skip")):
        key = f"key-{number}"
        store.vote(NewVote.parse(make_pair(store, 50 + number).pair_id, kind, "ann", key))
    images = [make_image(store, seed).image_id for seed in range(20, 24)]
    quad = store.quads.add("a cat", images, BASE, "base")
    store.rankings.record(NewRanking(quad.quad_id, 0, 3, "ann", "k9", 900))
    gone = make_pair(store, 90)
    store.vote(NewVote.parse(gone.pair_id, "left", "ann", "k10"))
    store.image_path(store.image(gone.left).sha256).unlink()

    snapshot = store.write_snapshot(BASE, settle_s=0, voter="ann")

    assert departures(lines(snapshot), list[PairRow]) == []
    assert departures(manifest(snapshot), SnapshotManifest) == []
    assert {"voter", "lost_images", "ranking_ids"} <= manifest(snapshot).keys()


def test_images_are_linked_where_the_disk_can(store, pair):
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1"))
    original = store.image_path(store.image(pair.left).sha256)
    try:
        os.link(original, original.with_suffix(".probe"))
    except OSError:
        pytest.skip("this disk has no hard links")

    snapshot = store.write_snapshot(BASE, settle_s=0)

    assert (snapshot.path / image(store, pair.left)).samefile(original)


def test_images_are_referred_to_where_the_disk_cannot_link(store, home, tmp_path):
    elsewhere = Path("/dev/shm")
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second disk at /dev/shm")
    vote_once(store)
    snapshots = elsewhere / f"palate-{os.getpid()}"
    snapshots.mkdir()
    try:
        (home / "snapshots").rmdir()
        (home / "snapshots").symlink_to(snapshots)
        snapshot = store.write_snapshot(BASE, settle_s=0)
        for name, sha256 in manifest(snapshot)["files"].items():
            assert hashlib.sha256((snapshot.path / name).read_bytes()).hexdigest() == sha256

        index = (snapshot.path / "image_references.jsonl").read_text().splitlines()
        assert len(index) == 2 and list((snapshot.path / "images").iterdir()) == []
        for reference in map(json.loads, index):
            name, file = Path(reference["image"]), Path(reference["file"])
            assert hashlib.sha256(file.read_bytes()).hexdigest() == name.stem
    finally:
        shutil.rmtree(snapshots)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])


def become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def become_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def become_a_dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


HARMS = {
    Path.unlink: "gone",
    empty: "damaged",
    cut: "damaged",
    flip: "damaged",
    become_a_folder: "damaged",
    become_a_pipe: "damaged",
    become_a_dangling_link: "gone",
}


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_a_vote_whose_image_is_gone_or_damaged_is_left_out_and_named(store, home, harm):
    if sys.platform == "win32" and harm in (become_a_pipe, become_a_dangling_link):
        pytest.skip("Windows has no such files, or asks for rights to make them")
    sound, lost, tied = (make_pair(store, seed) for seed in range(3))
    kept = store.vote(NewVote.parse(sound.pair_id, "left", "ann", "k1"))
    store.vote(NewVote.parse(lost.pair_id, "right", "ann", "k2"))
    store.vote(NewVote.parse(tied.pair_id, "tie", "ann", "k3"))
    for pair in (lost, tied):
        harm(store.image_path(store.image(pair.right).sha256))

    before = store.snapshots.unusable(BASE)
    snapshot = store.write_snapshot(BASE, settle_s=0)

    assert [line["pair_id"] for line in lines(snapshot)] == [sound.pair_id]
    assert snapshot.vote_ids == (kept.row_id,)
    counts = {"preference": 1, "tie": 0, "image_lost": 2}
    assert {kind: snapshot.counts[kind] for kind in counts} == counts
    names = [store.image_path(store.image(pair.right).sha256) for pair in (lost, tied)]
    told = {name.relative_to(home.absolute()).as_posix(): HARMS[harm] for name in names}
    assert manifest(snapshot)["lost_images"] == told
    assert (before.votes, before.decisive, before.images) == (2, 1, told)


def test_votes_that_were_left_out_are_not_new_and_are_taught_once_the_file_is_back(store):
    vote_once(store)
    lost = make_pair(store, 5)
    store.vote(NewVote.parse(lost.pair_id, "left", "ann", "k2"))
    path = store.image_path(store.image(lost.left).sha256)
    content = path.read_bytes()
    path.unlink()

    snapshot = store.write_snapshot(BASE, settle_s=0)
    store.create_run(snapshot.snapshot_id, BASE, "base", {}, "person")
    assert store.decisive_since_last_run(BASE) == 0

    path.write_bytes(content)
    assert store.snapshots.unusable(BASE).votes == 0
    assert store.write_snapshot(BASE, settle_s=0).counts["preference"] == 2


def test_a_ranking_with_one_image_gone_is_left_out(store):
    vote_once(store)
    images = [make_image(store, seed).image_id for seed in range(20, 24)]
    quad = store.quads.add("a cat", images, BASE, "base")
    store.rankings.record(NewRanking(quad.quad_id, 0, 3, "ann", "k9", 900))
    assert len(lines(store.write_snapshot(BASE, settle_s=0))) == 2

    store.image_path(store.image(images[1]).sha256).unlink()
    snapshot = store.write_snapshot(BASE, settle_s=0)

    assert [line["kind"] for line in lines(snapshot)] == ["preference"]
    assert "ranking" not in snapshot.counts and snapshot.counts["image_lost"] == 1


def test_a_snapshot_is_refused_only_when_no_vote_is_left_and_leaves_nothing(store, home, pair):
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1"))
    sha256 = store.image(pair.right).sha256
    store.image_path(sha256).unlink()

    with pytest.raises(NoVotes, match=f"{sha256}.png .gone.. Put the files back"):
        store.write_snapshot(BASE, settle_s=0)

    assert list((home / "snapshots").iterdir()) == []


def test_every_snapshot_has_an_id_of_its_own_even_after_a_kill_left_a_folder(store, home):
    vote_once(store)
    first = store.write_snapshot(BASE, settle_s=0)
    (home / "snapshots" / "s0007").mkdir()
    (home / "snapshots" / ".unfinished").mkdir()
    shutil.rmtree(first.path)

    ids = [store.write_snapshot(BASE, settle_s=0).snapshot_id for _ in range(2)]

    assert [first.snapshot_id, *ids] == ["s0001", "s0008", "s0009"]
    assert not (home / "snapshots" / ".unfinished").exists()


def test_later_votes_do_not_change_a_snapshot(store):
    vote_once(store)
    snapshot = store.write_snapshot(BASE, settle_s=0)
    before = {path: path.read_bytes() for path in snapshot.path.rglob("*") if path.is_file()}

    store.undo("ann")
    image = make_image(store, 0)
    store.add_pair("later", image.image_id, image.image_id, BASE, "base")

    assert before == {path: path.read_bytes() for path in before}
