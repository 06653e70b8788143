"""Snapshots from pairs in memory, from files and from a folder."""

from __future__ import annotations

import json

import numpy as np
import pytest
from contract_checks import departures
from PIL import Image

from align.contracts.snapshot_files import SnapshotManifest
from align.data.labeled_pairs import LabeledPair, read_pair_folder
from align.data.snapshot import read_snapshot
from align.data.snapshot_writer import write_snapshot
from align.errors import SnapshotError

pytestmark = pytest.mark.slow

RED, BLUE, GREEN = (Image.new("RGB", (32, 32), colour) for colour in ("red", "blue", "green"))


@pytest.fixture
def files(tmp_path):
    """A red PNG, a blue JPEG and a file that is no image."""
    folder = tmp_path / "files"
    folder.mkdir()
    RED.save(folder / "red.png")
    BLUE.save(folder / "blue.JPG", quality=95)
    (folder / "text.png").write_text("no image")
    return folder


def test_pairs_in_memory_come_back_as_pairs_to_learn_from(tmp_path):
    folder = write_snapshot(tmp_path / "votes", [LabeledPair("a cat", RED, BLUE)])
    (pair,) = read_snapshot(folder).pairs
    assert (pair.prompt, pair.kind, pair.share, pair.trust) == ("a cat", "preference", 0.75, 1.0)
    with Image.open(pair.chosen) as chosen, Image.open(pair.rejected) as rejected:
        assert (chosen.getpixel((0, 0)), rejected.getpixel((0, 0))) == ((255, 0, 0), (0, 0, 255))


def test_files_are_copied_byte_by_byte_and_may_be_written_to_afterwards(tmp_path, files):
    pair = LabeledPair("a cat", files / "red.png", str(files / "blue.JPG"))
    whole = [(files / name).read_bytes() for name in ("red.png", "blue.JPG")]
    folder = write_snapshot(tmp_path / "votes", [pair])
    (files / "red.png").write_bytes(b"something else")
    (read,) = read_snapshot(folder).pairs
    assert [read.chosen.read_bytes(), read.rejected.read_bytes()] == whole
    assert (read.chosen.suffix, read.rejected.suffix) == (".png", ".jpg")


def test_strength_weight_and_kinds_reach_the_reader(tmp_path):
    folder = write_snapshot(
        tmp_path / "votes",
        [
            LabeledPair("a cat", RED, BLUE, strength=2, weight=0.5),
            LabeledPair("a dog", RED, BLUE, "both_good"),
            LabeledPair("a dog", RED, GREEN, "tie"),
        ],
    )
    snapshot = read_snapshot(folder, ("preference", "both_good"))
    assert [(pair.kind, pair.trust) for pair in snapshot.pairs] == [
        ("preference", 0.5),
        ("both_good", 1.0),
    ]
    assert snapshot.pairs[0].share == pytest.approx(2.5 / 3)
    assert snapshot.left_out == {"tie": 1}


def test_the_manifest_counts_the_votes_and_names_every_file(tmp_path):
    pairs = [LabeledPair("a cat", RED, BLUE), LabeledPair("a cat", RED, GREEN, "tie")]
    folder = write_snapshot(tmp_path / "votes", pairs)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["counts"] == {"preference": 1, "tie": 1}
    assert departures(manifest, SnapshotManifest) == []
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    assert sorted([*manifest["files"], "manifest.json"]) == sorted(found)


def test_an_image_of_several_pairs_is_kept_once(tmp_path):
    pairs = [LabeledPair("a cat", RED, BLUE), LabeledPair("a cat", GREEN, RED)]
    assert len(list((write_snapshot(tmp_path / "votes", pairs) / "images").iterdir())) == 3


def test_writing_the_same_pairs_again_changes_nothing(tmp_path):
    pairs = [LabeledPair("a cat", RED, BLUE)]
    folder = write_snapshot(tmp_path / "votes", pairs)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert write_snapshot(str(folder), pairs) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    with pytest.raises(SnapshotError, match="holds something else"):
        write_snapshot(folder, [*pairs, *pairs])


@pytest.mark.parametrize("manifest", ["{", "[1]", '{"files": []}', "{}", "null"])
def test_a_folder_with_the_manifest_of_another_program_is_left_alone(tmp_path, manifest):
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(SnapshotError, match="holds something else"):
        write_snapshot(tmp_path, [LabeledPair("a cat", RED, BLUE)])


def test_an_empty_folder_is_filled_and_another_is_left_alone(tmp_path):
    (tmp_path / "empty").mkdir()
    write_snapshot(tmp_path / "empty", [LabeledPair("a cat", RED, BLUE)])
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "letter.txt").write_text("dear")
    with pytest.raises(SnapshotError, match="holds something else"):
        write_snapshot(tmp_path / "kept", [LabeledPair("a cat", RED, BLUE)])
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "love"}, "Pair 2 has the kind 'love'. Choose one of preference, tie"),
        ({"prompt": None}, "Pair 2 has the prompt None. It must be a text"),
        ({"prompt": " "}, "Pair 2 has the prompt ' '"),
        ({"weight": "1"}, "Pair 2 has the weight '1'. It must be a number"),
        ({"strength": "2"}, "Pair 2 has the strength '2'"),
        ({"chosen": np.zeros((32, 32, 3))}, "Pair 2 has a ndarray for an image. Give the path"),
        ({"weight": 0.0}, "Pair 2 has the weight 0.0"),
        ({"weight": float("nan")}, "Pair 2 has the weight nan"),
        ({"strength": 3}, "Pair 2 has the strength 3"),
        ({"rejected": RED}, "Pair 2 shows the same image twice"),
        ({"rejected": "gone.png"}, "Pair 2 cannot use gone.png: missing image"),
    ],
)
def test_a_pair_that_cannot_be_used_is_named_and_nothing_is_written(tmp_path, change, sentence):
    given = {"prompt": "a cat", "chosen": RED, "rejected": BLUE} | change
    with pytest.raises(SnapshotError, match=sentence):
        write_snapshot(tmp_path / "votes", [LabeledPair("a dog", RED, BLUE), LabeledPair(**given)])
    assert list(tmp_path.iterdir()) == []


def test_a_tuple_is_no_pair(tmp_path):
    with pytest.raises(SnapshotError, match=r"Pair 1 is a tuple\. Make it a LabeledPair"):
        write_snapshot(tmp_path / "votes", [("a cat", RED, BLUE)])


def test_weights_and_strengths_may_be_numbers_of_numpy(tmp_path):
    pair = LabeledPair("a cat", RED, BLUE, strength=np.int64(2), weight=np.float32(0.5))
    (read,) = read_snapshot(write_snapshot(tmp_path / "votes", [pair])).pairs
    assert (read.share, read.trust) == (pytest.approx(2.5 / 3), 0.5)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (".", "Name one, such as votes"),
        ("..", "Name one, such as"),
        ("file/votes", "a file lies where its folder should be"),
        ("file/deep/votes", "a file lies where its folder should be"),
        ("file", "holds something else"),
        ("link", "is a link"),
        ("broken", "is a link"),
    ],
)
def test_a_place_where_no_folder_can_be_made_is_refused(tmp_path, monkeypatch, name, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("dear")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    (tmp_path / "broken").symlink_to("gone")
    with pytest.raises(SnapshotError, match=sentence):
        write_snapshot(name, [LabeledPair("a cat", RED, BLUE)])
    assert {path.name for path in tmp_path.iterdir()} == {"file", "empty", "link", "broken"}


def test_a_file_that_is_no_image_is_refused(tmp_path, files):
    with pytest.raises(SnapshotError, match=r"text\.png: unreadable image"):
        write_snapshot(tmp_path / "votes", [LabeledPair("a cat", files / "text.png", RED)])


def test_no_pairs_are_no_snapshot(tmp_path):
    with pytest.raises(SnapshotError, match="no pairs"):
        write_snapshot(tmp_path / "votes", [])


@pytest.fixture
def pair_folder(tmp_path):
    """Two pairs: `1` with its prompt beside the chosen image, `2` in the folder."""
    folder = tmp_path / "pairs"
    for side, image in (("chosen", RED), ("rejected", BLUE)):
        (folder / side).mkdir(parents=True)
        image.save(folder / side / "1.png")
        image.save(folder / side / ("2.jpg" if side == "chosen" else "2.webp"))
    (folder / "chosen" / "1.txt").write_text("a cat\n")
    (folder / "2.txt").write_text("a dog")
    return folder


def test_images_of_one_name_are_a_pair_with_the_prompt_beside_them(pair_folder):
    first, second = read_pair_folder(pair_folder)
    assert (first.prompt, second.prompt) == ("a cat", "a dog")
    assert first.chosen == pair_folder / "chosen" / "1.png"
    assert second.rejected == pair_folder / "rejected" / "2.webp"


def test_a_pair_without_a_text_file_has_the_prompt_of_all(pair_folder):
    (pair_folder / "2.txt").unlink()
    assert [pair.prompt for pair in read_pair_folder(pair_folder, "a bird")] == ["a cat", "a bird"]
    with pytest.raises(SnapshotError, match=r"'2' has no prompt. Write it into .*chosen/2\.txt"):
        read_pair_folder(pair_folder)


def test_contact_sheets_and_files_of_macos_are_no_images_of_a_pair(pair_folder):
    RED.save(pair_folder / "chosen" / "grid.png")
    (pair_folder / "chosen" / "._1.png").write_bytes(b"what macOS leaves beside a file")
    assert len(read_pair_folder(pair_folder)) == 2


def test_a_prompt_may_have_a_byte_order_mark_and_must_be_utf_8(pair_folder):
    text = pair_folder / "chosen" / "1.txt"
    text.write_bytes("ein Löwe".encode("utf-8-sig"))
    assert read_pair_folder(pair_folder)[0].prompt == "ein Löwe"
    text.write_bytes("ein Löwe".encode("latin-1"))
    with pytest.raises(SnapshotError, match=r"chosen/1\.txt is not UTF-8. Save"):
        read_pair_folder(pair_folder)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda folder: (folder / "rejected" / "1.png").unlink(), "1 image has no .* such as '1'"),
        (lambda folder: RED.save(folder / "chosen" / "1.jpg"), r"1\.png and 1\.jpg have one name"),
        (lambda folder: (folder / "chosen").rename(folder / "better"), "has no folder chosen/"),
        (lambda folder: (folder / "rejected" / "3.png").write_bytes(b""), "1 image has no partner"),
    ],
)
def test_a_folder_that_is_not_in_pairs_is_refused(pair_folder, change, sentence):
    change(pair_folder)
    with pytest.raises(SnapshotError, match=sentence):
        read_pair_folder(pair_folder)


def test_a_folder_without_pairs_says_where_they_go(tmp_path):
    with pytest.raises(SnapshotError, match="Put the better images into"):
        read_pair_folder(tmp_path)
