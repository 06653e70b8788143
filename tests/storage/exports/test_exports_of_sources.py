"""Votes that came in from files go out again, in every form that holds what they say."""

from __future__ import annotations

import io
from pathlib import Path

import duckdb
import pytest
from PIL import Image as Pixels
from source_making import new_source
from storage_making import make_pair

from storage import Store
from storage.acts import NewVote
from storage.errors import UnknownSource
from storage.exports.exported_votes import ExportChoice
from storage.exports.forms.form_list import FORMS
from storage.exports.image_bytes import ImageBytes
from storage.layouts.found import find_data
from storage.layouts.reading import votes

pytestmark = pytest.mark.slow
PROMPT = "two\nlines, \t=1+1 and 👩‍🚀 " + "x" * 1900
LABELS = [(1.0, 0.0), (0.0, 1.0), (0.75, 0.25), (0.5, 0.5)]


def picture(seed: int, form: str) -> bytes:
    file = io.BytesIO()
    Pixels.new("RGB", (16 + seed, 16), (seed, 9, 9)).save(file, form)
    return file.getvalue()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Pick-a-Pic's columns with JPEG and WebP, of which two rows share an image."""
    path = tmp_path / "pickapic.parquet"
    shared = picture(50, "WEBP")
    with duckdb.connect(":memory:") as connection:
        connection.execute(
            "CREATE TABLE t (caption VARCHAR, jpg_0 BLOB, jpg_1 BLOB, label_0 DOUBLE, "
            "label_1 DOUBLE, has_label BOOLEAN)"
        )
        for number, label in enumerate(LABELS):
            images = [picture(number, "JPEG"), shared if number < 2 else picture(20, "PNG")]
            connection.execute(
                "INSERT INTO t VALUES (?, ?, ?, ?, ?, true)", [f"{PROMPT}{number}", *images, *label]
            )
        connection.execute("COPY t TO ? (FORMAT parquet)", [str(path)])
    return path


@pytest.fixture
def studio(store: Store, files: Path) -> Store:
    found = find_data([files])
    store.sources.bring_in(new_source(found.files, lambda _: votes(found), name="pickapic"))
    store.vote(NewVote.parse(make_pair(store).pair_id, "left", "ann", "k1"))
    return store


@pytest.mark.parametrize("form", FORMS)
def test_sources_go_out_in_every_form_with_their_own_bytes(studio, tmp_path, form):
    summary = studio.exports.write(form, tmp_path / "out", ExportChoice(sources=("pickapic",)))

    with studio.exports.votes(ExportChoice()) as found:
        came = [vote for vote in found if vote.source]
        images = {vote.images[0].suffix for vote in came} | {v.images[1].suffix for v in came}
    assert images == {".jpg", ".webp", ".png"}
    assert summary.rows + sum(summary.left_out.values()) == len(LABELS) + 1
    if form == "folders":
        assert len(list((tmp_path / "out" / "chosen").glob("*.txt"))) == 4
        assert list((tmp_path / "out").rglob("*.webp"))
    rows = list(FORMS[form](ImageBytes()).read(tmp_path / "out"))
    assert len(rows) == summary.rows


def test_shares_stay_shares_and_sides_tell_nothing(studio, tmp_path):
    with studio.exports.votes(ExportChoice(sources=("pickapic",))) as found:
        came = [vote for vote in found if vote.source]
    (shared,) = [vote for vote in came if vote.share is not None and vote.kind == "preference"]
    first_is_better = shared.ranks[0] < shared.ranks[1]
    assert shared.share == (0.75 if first_is_better else 0.25)
    assert [vote.key for vote in came] == ["s1-0-0", "s1-0-1", "s1-0-2", "s1-0-3"]
    assert came[3].kind == "tie" and came[3].ranks == ()

    studio.exports.write("imagefolder", tmp_path / "out")
    rows = list(FORMS["imagefolder"](ImageBytes()).read(tmp_path / "out"))
    assert [row["confidence"] for row in rows if row["source"]] == [None, None, 0.75]


def test_sources_can_be_left_out_named_and_are_unknown_by_other_names(studio):
    def taken(choice: ExportChoice) -> list[str]:
        with studio.exports.votes(choice) as found:
            assert len(list(found)) == len(found)
            return [vote.source for vote in found]

    assert taken(ExportChoice()) == ["", *["pickapic"] * 4]
    assert taken(ExportChoice(sources=())) == [""]
    assert taken(ExportChoice(voters=("ann",))) == [""]
    with pytest.raises(UnknownSource):
        taken(ExportChoice(sources=("hpd",)))


def test_votes_in_a_file_that_moved_are_counted(studio, files, tmp_path):
    files.rename(files.with_name("elsewhere.parquet"))
    summary = studio.exports.write("jsonl", tmp_path / "out")
    assert summary.rows == 1
    assert summary.left_out == {"an image is in a file that is gone": 4}
