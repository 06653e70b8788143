"""Sources that come in: whole or not at all, images once, nothing twice."""

import threading
from pathlib import Path

import pytest
from PIL import Image
from source_making import (
    bring_in,
    cell_image,
    file_image,
    new_source,
    png_bytes,
    read_cells,
    read_files,
    table,
    vote,
    write_pngs,
)
from storage_making import BASE

from storage import Store
from storage.acts import NewVote
from storage.errors import ImportStopped, NothingInFiles, SourceKnown
from storage.layouts.foreign_votes import ForeignImage, RowLeftOut
from storage.sources.settled_sources import lost_images, settled_sources, source_references
from storage.sources.source_files import own_name


def everything(home: Path) -> list[str]:
    """Every file of a studio but its database, by name."""
    files = (path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file())
    return sorted(name for name in files if not name.startswith("palate."))


def rows_left(store: Store) -> list[int]:
    tables = ("sources", "source_changes", "source_votes", "source_images")
    return [store._database.read(f"SELECT count(*) FROM {table}")[0][0] for table in tables]


def test_a_source_comes_in_with_its_votes_and_images(store, home, tmp_path):
    came_in = bring_in(store, tmp_path)
    assert came_in.source.name == "pickapic"
    assert came_in.source.counts == {
        "votes": {"preference": 3}, "images": 4, "left_out": {}, "double": {},
    }  # fmt: skip
    assert store.sources.all(BASE) == [came_in.source]
    assert len(list((home / "images").rglob("*.png"))) == 4

    rows = list(settled_sources(store._database, BASE))
    assert [row.prompt for row in rows] == ["a cat 0", "a cat 1", "a cat 2"]
    assert rows[0].images[1] == rows[1].images[0]
    assert all(store._folder.image_file(name).is_file() for row in rows for name in row.images)


def test_cells_of_parquet_stay_where_they_are(store, home, tmp_path):
    parquet = table(tmp_path, "votes.parquet")
    store.sources.bring_in(new_source([parquet], read_cells(10, 5)))
    assert everything(home) == []
    references = list(source_references(store._database, store._folder, BASE))
    assert [(each["file"], each["row"], each["cell"]) for each in references[:3]] == [
        (str(parquet), 0, "jpg_0"), (str(parquet), 0, "jpg_1"), (str(parquet), 1, "jpg_1"),
    ]  # fmt: skip
    assert len(references) == 5
    assert not lost_images(store._database, store._folder, BASE)

    parquet.write_text("longer than it was before", encoding="utf-8")
    lost = lost_images(store._database, store._folder, BASE)
    assert set(lost.values()) == {"changed"} and len(lost) == 5
    assert not list(settled_sources(store._database, BASE, lost=lost))


@pytest.mark.parametrize("taken", ["copy", "move"])
def test_parquet_files_may_be_taken_into_the_studio(store, home, tmp_path, taken):
    parquet = table(tmp_path, "votes.parquet")
    store.sources.bring_in(new_source([parquet], read_cells(3, 4), taken=taken))
    assert everything(home) == ["sources/1/000-votes.parquet"]
    assert parquet.exists() == (taken == "copy")
    (reference, *_) = source_references(store._database, store._folder, BASE)
    assert reference["file"] == str(home / "sources/1/000-votes.parquet")
    # Whoever brought it in knows it by its own name.
    assert own_name("sources/1/000-votes.parquet") == parquet.name == own_name(str(parquet))


def test_the_same_file_again_adds_nothing_and_says_so(store, home, tmp_path):
    bring_in(store, tmp_path)
    before, rows = everything(home), rows_left(store)
    with pytest.raises(SourceKnown, match=r"came in before, on 2026-01-01, as the source 'picka"):
        bring_in(store, tmp_path)
    assert (everything(home), rows_left(store)) == (before, rows)


def test_files_that_came_in_before_are_left_out_beside_new_ones(store, tmp_path):
    images = write_pngs(tmp_path, range(3))
    one, other = table(tmp_path, "a.csv"), table(tmp_path, "b.csv")
    store.sources.bring_in(new_source([one], read_files(images)))
    came_in = store.sources.bring_in(new_source([one, other], read_files(images)))
    assert came_in.known == {"a.csv": "pickapic"}
    assert [file["path"] for file in came_in.source.facts["files"]] == [str(other)]
    assert came_in.source.name == "pickapic 2"


def test_a_file_that_has_become_longer_says_what_is_double(store, tmp_path):
    bring_in(store, tmp_path, images=4)
    table(tmp_path / "pickapic", "pickapic.csv").write_text("longer", encoding="utf-8")
    images = write_pngs(tmp_path / "pickapic", range(6))
    longer = tmp_path / "pickapic/pickapic.csv"
    came_in = store.sources.bring_in(new_source([longer], read_files(images)))
    assert came_in.source.counts["double"] == {"pickapic": 3}
    assert came_in.source.votes == 5


def test_rows_without_two_usable_images_are_counted_by_reason(store, home, tmp_path):
    good, other, text = *write_pngs(tmp_path, [1, 2]), table(tmp_path, "text.png")
    gone, csv = file_image(tmp_path / "gone.png"), table(tmp_path)
    items = [
        RowLeftOut(0, 0, "an image is a URL"),
        vote(1, file_image(good), gone),
        vote(2, file_image(good), file_image(good)),
        vote(3, file_image(good), file_image(text)),
        vote(4, file_image(good), file_image(tmp_path)),
        vote(5, file_image(good), cell_image(csv, 5, "jpg_0", None)),
        vote(6, file_image(good), file_image(other), prompt="\ud800"),
        vote(7, file_image(good), file_image(other)),
    ]
    source = store.sources.bring_in(new_source([csv], lambda files: items)).source
    assert source.votes == 1
    assert source.counts["left_out"] == {
        "an image is a URL": 1, "an image is missing": 2, "both images are the same": 1,
        "an image is no PNG, JPEG or WebP": 1, "an image is no file": 1,
        "its text cannot be stored": 1,
    }  # fmt: skip
    assert len(everything(home)) == 2


def test_files_without_a_vote_leave_nothing(store, home, tmp_path):
    left_out = [RowLeftOut(0, row, "an image is missing") for row in range(3)]
    with pytest.raises(NothingInFiles, match=r"votes\.csv gives a vote.*an image is missing \(3\)"):
        store.sources.bring_in(new_source([table(tmp_path)], lambda files: left_out))
    assert everything(home) == [] and not any(rows_left(store))


def test_a_stopped_import_leaves_nothing(store, home, tmp_path, monkeypatch):
    monkeypatch.setattr("storage.sources.source_batches.BATCH_ROWS", 5)
    images, stop = write_pngs(tmp_path / "from", range(40)), threading.Event()

    def read(files):
        for item in read_files(images)(files):
            yield item
            if item.row == 22:
                assert len(everything(home)) > 5
                stop.set()

    with pytest.raises(ImportStopped):
        store.sources.bring_in(new_source([table(tmp_path)], read), cancelled=stop)
    assert everything(home) == [] and not any(rows_left(store))


def test_an_error_on_the_way_leaves_nothing(store, home, tmp_path, monkeypatch):
    monkeypatch.setattr("storage.sources.source_batches.BATCH_ROWS", 5)
    images = write_pngs(tmp_path / "from", range(40))

    def read(files):
        for item in read_files(images)(files):
            yield item
            assert item.row < 22, "damaged"

    with pytest.raises(AssertionError, match="damaged"):
        store.sources.bring_in(new_source([table(tmp_path, "a.parquet")], read, taken="copy"))
    assert everything(home) == [] and not any(rows_left(store))


def test_people_vote_while_a_source_comes_in(store, pair, tmp_path, monkeypatch):
    monkeypatch.setattr("storage.sources.source_batches.BATCH_ROWS", 5)
    images = write_pngs(tmp_path, range(20))

    def read(files):
        for item in read_files(images)(files):
            if item.row == 10:
                store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1"))
                assert store.sources.all(BASE) == []
            yield item

    store.sources.bring_in(new_source([table(tmp_path)], read))
    assert store.counts(BASE).votes == 1
    assert store.sources.all(BASE)[0].votes == 19


def test_an_image_keeps_its_bytes_and_is_stored_once(store, home, tmp_path):
    paths = [tmp_path / "a.jpeg", tmp_path / "b.webp", tmp_path / "c.bin"]
    for path, kind in zip(paths, ("JPEG", "WEBP", "JPEG"), strict=True):
        color = "red" if path.stem == "a" else "blue"
        Image.new("RGB", (80, 48), color).save(path, kind)
    store.sources.bring_in(new_source([table(tmp_path)], read_files([*paths, paths[0]])))
    stored = sorted((home / "images").rglob("*.*"))
    assert sorted(path.suffix for path in stored) == [".jpg", ".jpg", ".webp"]
    assert {path.read_bytes() for path in stored} == {path.read_bytes() for path in paths}
    sizes = store._database.read("SELECT DISTINCT width, height FROM source_images")
    assert sizes == [(80, 48)]


def test_a_ranking_keeps_its_ranks_and_a_share_its_number(store, tmp_path):
    images = [file_image(path) for path in write_pngs(tmp_path, range(4))]
    items = [
        vote(0, *images, kind="ranking", ranks=(1, 2, 2, 3)),
        vote(1, *images[:2], share=0.75, strength=2, details={"reasons": ["hands"]}),
        vote(2, *images, kind="ranking", ranks=(1, 1, 1, 1)),
    ]
    source = store.sources.bring_in(new_source([table(tmp_path)], lambda files: items)).source
    ranking, shared = settled_sources(store._database, BASE)
    assert (ranking.kind, ranking.ranks, len(ranking.images)) == ("ranking", (1, 2, 2, 3), 4)
    assert (shared.share, shared.strength) == (0.75, 2)
    assert source.counts["left_out"] == {"its ranks do not tell its images apart": 1}


def test_images_without_a_file_of_their_own_become_files(store, home, tmp_path):
    images = [ForeignImage(None, png_bytes(seed)) for seed in range(2)]
    store.sources.bring_in(new_source([table(tmp_path)], lambda files: [vote(0, *images)]))
    assert {path.read_bytes() for path in home.glob("images/*/*.png")} == {
        png_bytes(0),
        png_bytes(1),
    }


def test_an_image_that_claims_a_huge_size_is_left_out(store, tmp_path):
    (good,) = write_pngs(tmp_path, [1])
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(png_bytes(1, 64, 64).replace(b"\0\0\0\x40\0\0\0\x40", b"\0\1\0\0\0\1\0\0"))
    items = [vote(0, file_image(good), file_image(bomb))]
    with pytest.raises(NothingInFiles, match="more than 64 million pixels"):
        store.sources.bring_in(new_source([table(tmp_path)], lambda files: items))


def test_a_preview_shows_what_would_come_in_and_keeps_nothing(store, home, tmp_path):
    images, csv = write_pngs(tmp_path, range(30)), table(tmp_path)
    gone = file_image(tmp_path / "gone.png")

    def read(files):
        yield from read_files(images)(files)
        yield vote(29, gone, gone)

    seen = store.sources.preview(BASE, [csv], read)
    assert (seen.rows, seen.whole, seen.votes) == (30, True, {"preference": 29})
    assert (seen.images, seen.annotators, seen.known) == (30, 1, {})
    assert seen.left_out == {"an image is missing": 1}
    rows = [example.row for example in seen.examples]
    assert len(set(rows)) == 10 and rows == sorted(rows) and max(rows) > 15
    assert seen.examples[3].prompt == f"a cat {rows[3]}"
    assert seen.examples[3].images == (png_bytes(rows[3]), png_bytes(rows[3] + 1))
    assert seen.examples[3].sizes == ((64, 64), (64, 64))
    assert everything(home) == [] and not any(rows_left(store))

    store.sources.bring_in(new_source([csv], read))
    assert store.sources.preview(BASE, [csv], read).known == {"votes.csv": "pickapic"}


def test_a_preview_ends_after_some_rows_and_says_so(store, tmp_path):
    parquet = table(tmp_path, "votes.parquet")
    seen = store.sources.preview(BASE, [parquet], read_cells(5_000, 7))
    assert (seen.rows, seen.whole, seen.images) == (2_000, False, 7)
