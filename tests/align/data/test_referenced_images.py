"""Images that are cells of Parquet files: read, checked and encoded in one pass."""

from __future__ import annotations

import io
import json
import os
import sys

import pytest
from parquet_snapshots import finish, name_of, paint, write_as_cells, write_both, write_lines
from PIL import Image

from align.contracts.image_references import REFERENCES
from align.data import referenced_images
from align.data.encode import encode_pairs, ignore_progress
from align.data.image_stream import image_frames, reader_command
from align.data.latent_cache import TensorCache
from align.data.referenced_images import encode_references
from align.data.snapshot import drop_bad_images, read_snapshot
from align.errors import SnapshotError

pytestmark = pytest.mark.slow

SIDE = 64


def encoded(folder, cache, pipeline, compute):
    """Read, check and encode a snapshot as a run does."""
    snapshot = drop_bad_images(read_snapshot(folder))
    kept = TensorCache(cache)
    snapshot = encode_references(pipeline, compute, snapshot, (SIDE, SIDE), kept, ignore_progress)
    known = snapshot.references.sizes
    arguments = (pipeline, compute, snapshot.pairs, (SIDE, SIDE), kept, ignore_progress, 1, 0)
    return snapshot, encode_pairs(*arguments, known)


def test_images_in_parquet_are_encoded_as_the_same_files_are(tmp_path, pipeline, compute):
    files, cells = write_both(tmp_path, pairs=24)

    _, first = encoded(files, tmp_path / "one", pipeline, compute)
    snapshot, second = encoded(cells, tmp_path / "two", pipeline, compute)

    assert len(snapshot.pairs) == 24 and snapshot.left_out == {}
    assert first.keys == second.keys and first.contents == second.contents
    assert first.sizes == second.sizes and len(set(first.sizes)) == 2
    for one, two in zip(first.latents, second.latents, strict=True):
        assert one.equal(two)
    assert first.size_facts.equal(second.size_facts)


def test_a_run_goes_on_without_the_file_once_its_images_are_encoded(tmp_path, pipeline, compute):
    _, cells = write_both(tmp_path, pairs=3)
    encoded(cells, tmp_path / "cache", pipeline, compute)

    (tmp_path / "cells.parquet").unlink()

    assert len(encoded(cells, tmp_path / "cache", pipeline, compute)[1].keys) == 3
    with pytest.raises(SnapshotError, match=r"an image of .*cells\.parquet .*file that is gone"):
        encoded(cells, tmp_path / "new", pipeline, compute)


BAD = {
    b"": "image that is not in its file",
    b"no image at all": "unreadable image",
    paint(0, 0, (SIDE, SIDE), "JPEG")[:200]: "unreadable image",
}


@pytest.mark.parametrize("content", BAD, ids=["empty", "text", "cut"])
def test_a_pair_with_a_bad_cell_is_left_out_and_counted(tmp_path, pipeline, compute, content):
    good = [("a cat", *(paint(1, s, (SIDE, SIDE), "PNG") for s in (0, 1)))]
    rows = [*good, ("a dog", content, paint(2, 0, (SIDE, SIDE), "PNG"))]
    folder = write_as_cells(tmp_path / "cells", rows)

    snapshot, data = encoded(folder, tmp_path / "cache", pipeline, compute)

    assert (len(data.keys), snapshot.left_out) == (1, {BAD[content]: 1})


def bomb() -> bytes:
    """A few kilobytes that are an image of 200 million pixels."""
    buffer = io.BytesIO()
    Image.new("1", (20_000, 10_000)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(("told", "fault"), [({}, "huge image"), (None, "unreadable image")])
def test_an_image_that_would_take_gigabytes_is_never_decoded(
    tmp_path, pipeline, compute, told, fault
):
    good = [("a cat", *(paint(1, s, (SIDE, SIDE), "PNG") for s in (0, 1)))]
    rows = [*good, ("a dog", bomb(), paint(2, 0, (SIDE, SIDE), "PNG"))]
    # An index that lies says nothing of its size.
    facts = {"width": SIDE, "height": SIDE} if told is None else told
    folder = write_as_cells(tmp_path / "cells", rows, **facts)

    snapshot, data = encoded(folder, tmp_path / "cache", pipeline, compute)

    assert (len(data.keys), snapshot.left_out) == (1, {fault: 1})


@pytest.mark.parametrize("cell", ["caption", "nothing", "jpg_0.bytes", "jpg_0[1]", '"; DROP'])
def test_a_cell_that_holds_no_image_leaves_its_pairs_out(tmp_path, pipeline, compute, cell):
    rows = [("a cat", *(paint(1, s, (SIDE, SIDE), "PNG") for s in (0, 1)))]
    folder = write_as_cells(tmp_path / "cells", rows, cell=cell)

    with pytest.raises(SnapshotError, match=r"No pair is left to learn from: [12] images"):
        encoded(folder, tmp_path / "cache", pipeline, compute)


def test_images_are_encoded_window_by_window_where_they_do_not_fit_at_once(
    tmp_path, pipeline, compute, monkeypatch
):
    _, cells = write_both(tmp_path, pairs=5)
    monkeypatch.setattr(referenced_images, "WINDOW_BYTES", 10_000)
    snapshot, told = read_snapshot(cells), []
    cache = TensorCache(tmp_path / "cache")
    arguments = (pipeline, compute, snapshot, (SIDE, SIDE), cache)

    encode_references(*arguments, lambda done, of: told.append((done, of)))

    assert [of for _, of in told] == [10] * len(told) and len(told) > 3
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (10, 10)
    encode_references(*arguments, lambda done, of: pytest.fail("encoded twice"))


def test_a_file_that_was_changed_is_told_and_its_images_are_left_out(
    tmp_path, pipeline, compute, capfd
):
    rows = [("a cat", *(paint(1, s, (SIDE, SIDE), "PNG") for s in (0, 1)))]
    folder = write_as_cells(tmp_path / "cells", rows, file_bytes=7)

    with pytest.raises(SnapshotError, match="image in a file that was changed"):
        encoded(folder, tmp_path / "cache", pipeline, compute)

    assert "cells.parquet was changed since its images were read" in capfd.readouterr().err


def test_an_image_file_elsewhere_is_read_where_it_is_and_left_out_once_it_was_changed(
    tmp_path, pipeline, compute
):
    rows = [
        (f"a cat {number}", *(paint(number, s, (SIDE, SIDE), "WEBP") for s in (0, 1)))
        for number in range(2)
    ]
    lines = []
    for _, *both in rows:
        for content in both:
            file = tmp_path / f"{len(lines)}.webp"
            file.write_bytes(content)
            told = {"file_bytes": len(content), "file_modified_ns": file.stat().st_mtime_ns}
            line = {"image": name_of(content), "file": str(file), "row": None, "cell": ""}
            lines.append({**line, "width": 0, "height": 0, **told})
    (tmp_path / "s").mkdir()
    folder = finish(tmp_path / "s", rows, lines)

    snapshot, _ = encoded(folder, tmp_path / "cache", pipeline, compute)
    assert snapshot.pairs[0].chosen == tmp_path / "0.webp" and len(snapshot.pairs) == 2

    (tmp_path / "0.webp").write_bytes(rows[1][1])
    snapshot, _ = encoded(folder, tmp_path / "cache", pipeline, compute)
    assert (len(snapshot.pairs), snapshot.left_out) == (1, {"image file that was changed": 1})


def frames(index, names=(), silence_s=30.0):
    return list(image_frames(reader_command(index), names, silence_s))


def test_only_the_images_that_are_asked_for_are_sent_in_the_order_of_their_rows(tmp_path):
    _, cells = write_both(tmp_path, pairs=6)
    lines = [json.loads(line) for line in (cells / REFERENCES).read_text().splitlines()]
    asked = [lines[9]["image"], lines[2]["image"]]

    sent = frames(cells / REFERENCES, asked)

    assert [head["kind"] for head, _ in sent] == ["file", "image", "image", "end"]
    assert [head.get("image") for head, _ in sent[1:3]] == asked[::-1]
    assert [name_of(content) for _, content in sent[1:3]] == asked[::-1]


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("gone.parquet", "image in a file that is gone"),
        ("/dev/zero", "image in a file that is gone"),
        ("*.parquet", "image in a file that is gone"),
        ("https://example.com/a.parquet", "image in a file that is gone"),
        ("text.parquet", "image in a file that cannot be read"),
        ("pipe.parquet", "image in a file that is gone"),
    ],
)
def test_an_index_that_names_no_parquet_file_gives_a_sentence(tmp_path, file, reason):
    (tmp_path / "text.parquet").write_text("no Parquet at all")
    os.mkfifo(tmp_path / "pipe.parquet")
    place = file if file.startswith("http") else str(tmp_path / file)
    line = {"image": name_of(b"x"), "file": place, "row": 0, "cell": "jpg_0"}
    write_lines(tmp_path / REFERENCES, [line | {"width": 64, "height": 64}])

    opened, fault, _ = frames(tmp_path / REFERENCES, [line["image"]])

    assert opened[0]["kind"] == "file"
    assert (fault[0]["kind"], fault[0]["reason"]) == ("fault", reason)
    assert "1 image is left out" in fault[0]["sentence"]


@pytest.mark.parametrize(
    "line",
    [
        {"image": "../../etc/passwd", "file": "/etc/passwd", "row": None, "cell": ""},
        {"image": name_of(b"x"), "file": "/etc/passwd", "row": -1, "cell": ""},
        {"image": name_of(b"x"), "file": "/etc/passwd", "row": "0", "cell": ""},
        {"image": name_of(b"x"), "row": 0, "cell": ""},
        [],
    ],
)
def test_a_line_of_the_index_that_names_no_image_is_refused_by_its_number(tmp_path, line):
    cells = [("a cat", *(paint(1, s, (SIDE, SIDE), "PNG") for s in (0, 1)))]
    sizes = {"width": 64, "height": 64}
    lines = [line | sizes if isinstance(line, dict) else line]
    (tmp_path / "s").mkdir()
    folder = finish(tmp_path / "s", cells, lines)

    with pytest.raises(SnapshotError, match="line 1, names no image"):
        read_snapshot(folder)


ENDINGS = {
    "import sys; sys.exit('out of luck')": "it ended with code 1.*out of luck",
    "import os; os.kill(os.getpid(), 9)": "the system killed it",
    "import sys; sys.stdout.write('x' * 99)": "ended before its last image",
    "import sys; sys.stdout.write(chr(0) * 3)": "it ended with code 0",
    "import time; time.sleep(60)": "sent nothing for 0.5 s",
    "import sys, time; sys.stdin.read(); time.sleep(60)": "sent nothing for 0.5 s",
}


@pytest.mark.parametrize(("code", "told"), ENDINGS.items(), ids=range(len(ENDINGS)))
def test_a_reader_that_dies_or_hangs_ends_in_a_sentence(code, told):
    names = [name_of(str(number).encode()) for number in range(5000)]

    with pytest.raises(SnapshotError, match=told):
        list(image_frames([sys.executable, "-c", code], names, silence_s=0.5))
