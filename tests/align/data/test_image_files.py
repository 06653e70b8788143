"""Images that cannot be learned from are told before anything is encoded."""

from __future__ import annotations

import pytest
from PIL import Image

from align.data.image_files import image_fault
from align.data.snapshot import drop_bad_images, read_snapshot
from align.errors import SnapshotError

pytestmark = pytest.mark.slow

WHOLE = "images/0-0.png"


def become_a_folder(path):
    path.unlink()
    path.mkdir()


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-40])


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda path: path.unlink(), "missing image"),
        (lambda path: path.write_bytes(b""), "empty image file"),
        (lambda path: path.write_bytes(b"no image at all"), "unreadable image"),
        (cut_short, "unreadable image"),
        (become_a_folder, "unreadable image"),
        (lambda path: Image.new("1", (16_000, 9_000)).save(path), "huge image"),
        (lambda path: Image.new("1", (20_000, 10_000)).save(path), "huge image"),
        (lambda path: Image.new("RGB", (200, 1)).save(path), "tiny image"),
    ],
)
def test_a_pair_with_a_bad_image_is_left_out_and_counted(make_snapshot, damage, fault):
    folder = make_snapshot(3, ties=1)
    damage(folder / WHOLE)
    snapshot = drop_bad_images(read_snapshot(folder))
    assert (len(snapshot.pairs), snapshot.left_out) == (2, {"tie": 1, fault: 1})


def test_images_of_any_other_size_or_mode_are_good(tmp_path):
    for number, (mode, size) in enumerate([("L", (300, 20)), ("RGBA", (8, 8)), ("P", (64, 9))]):
        path = tmp_path / f"{number}.png"
        Image.new(mode, size).save(path)
        assert image_fault(path) is None


def test_a_folder_is_no_image(tmp_path):
    assert image_fault(tmp_path) is not None


def test_without_a_good_pair_the_sentence_names_a_file_and_its_fault(make_snapshot):
    folder = make_snapshot(1)
    (folder / WHOLE).write_bytes(b"")
    with pytest.raises(SnapshotError, match=r"0-0\.png \(empty image file\)"):
        drop_bad_images(read_snapshot(folder))
