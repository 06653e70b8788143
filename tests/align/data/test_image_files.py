"""Images that cannot be learned from are told before anything is encoded."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from align.data.image_files import decode_rgb, image_fault, image_size, open_rgb
from align.data.snapshot import drop_bad_images, read_snapshot
from align.errors import SnapshotError
from storage.sources.image_headers import read_image_header

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


def photo(orientation: int, kind: str = "JPEG") -> bytes:
    """A photo of 96 x 64 pixels whose left half is red, and EXIF of how the camera was held."""
    image, exif = Image.new("RGB", (96, 64), "blue"), Image.Exif()
    image.paste("red", (0, 0, 48, 64))
    exif[0x010F], exif[0x0112] = "a camera", orientation
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=95, exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("orientation", "size", "red", "blue"),
    [
        (1, (96, 64), (10, 32), (85, 32)),
        (3, (96, 64), (85, 32), (10, 32)),
        (6, (64, 96), (32, 10), (32, 85)),
        (8, (64, 96), (32, 85), (32, 10)),
        (99, (96, 64), (10, 32), (85, 32)),
    ],
)
def test_a_photo_is_learned_from_as_it_is_shown(tmp_path, orientation, size, red, blue):
    content, path = photo(orientation), tmp_path / "a.jpg"
    path.write_bytes(content)

    decoded = decode_rgb(content, size)

    assert decoded is not None and decoded.size == image_size(path) == size
    assert read_image_header(content)[1:] == size
    assert decoded.getpixel(red)[0] > 200 > 50 > decoded.getpixel(blue)[0]
    assert open_rgb(path).tobytes() == decoded.tobytes()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_broken_exif_costs_no_photo(tmp_path):
    content, path = photo(6), tmp_path / "a.jpg"
    start = content.index(b"Exif")
    for place in range(start, start + 40):
        path.write_bytes(content[:place] + b"\xff" * 4 + content[place + 4 :])
        size = read_image_header(path.read_bytes())[1:]
        assert sorted(size) == [64, 96]
        assert decode_rgb(path.read_bytes(), size) is not None
        assert sorted(image_size(path)) == [64, 96]


def test_gray_of_sixteen_bits_stays_gray(tmp_path):
    path, gray = tmp_path / "a.png", Image.new("I;16", (64, 64), 0x8000)
    gray.save(path)
    assert open_rgb(path).getpixel((5, 5)) == (128, 128, 128)
    decoded = decode_rgb(path.read_bytes(), (64, 64))
    assert decoded is not None and decoded.getpixel((5, 5)) == (128, 128, 128)
