"""Sources as a list: named, weighed, left out and removed as one."""

from dataclasses import replace

import pytest
from source_making import bring_in, new_source, read_cells, read_files, table, write_pngs
from storage_making import BASE, make_image

from storage import Store
from storage.errors import InvalidSource, SourceInUse, SourceKnown, UnknownSource
from storage.sources.settled_sources import settled_sources


def test_a_source_is_renamed_weighed_and_left_out(store, tmp_path):
    bring_in(store, tmp_path)
    store.sources.rename(BASE, "pickapic", " Pick-a-Pic ", "ann")
    source = store.sources.weigh(BASE, "Pick-a-Pic", 0.25, "ann")
    assert (source.weight, source.used) == (0.25, True)
    assert {row.weight for row in settled_sources(store._database, BASE)} == {0.25}

    assert not store.sources.use(BASE, "Pick-a-Pic", False, "ann").used
    assert not list(settled_sources(store._database, BASE))
    assert len(list(settled_sources(store._database, BASE, ["Pick-a-Pic"]))) == 3
    assert (store.sources.decisive(BASE, None), store.sources.decisive(BASE, ["Pick-a-Pic"])) == (
        0,
        3,
    )


def test_what_no_source_can_have_is_refused(store, tmp_path):
    bring_in(store, tmp_path)
    bring_in(store, tmp_path, "hpd", 3)
    with pytest.raises(UnknownSource, match="Sources of this model: pickapic, hpd"):
        store.sources.get(BASE, "hpd3")
    with pytest.raises(SourceKnown, match="Another source is called 'hpd'"):
        store.sources.rename(BASE, "pickapic", "HPD", "ann")
    for name in ("", "  ", "a\nb", "x" * 101):
        with pytest.raises(InvalidSource):
            store.sources.rename(BASE, "pickapic", name, "ann")
    for weight in (0, -1, 1.5, float("nan")):
        with pytest.raises(InvalidSource):
            store.sources.weigh(BASE, "pickapic", weight, "ann")
    assert store.sources.rename(BASE, "hpd", "HPD", "ann").name == "HPD"


def test_a_removed_source_takes_its_rows_and_files_with_it(store, home, tmp_path):
    bring_in(store, tmp_path, "one", 4)
    bring_in(store, tmp_path, "two", 6)
    parquet = table(tmp_path, "a.parquet")
    store.sources.bring_in(new_source([parquet], read_cells(5, 5), name="three", taken="copy"))
    store.sources.remove(BASE, "two", "ann")
    assert [source.name for source in store.sources.all(BASE)] == ["one", "three"]
    # Four of its six images are images of the other one as well.
    assert len(list((home / "images").rglob("*.png"))) == 4
    assert not store._database.read("SELECT * FROM source_votes WHERE source_id = 2")

    store.sources.remove(BASE, "three", "ann")
    assert not list((home / "sources").iterdir())
    store.sources.remove(BASE, "one", "ann")
    assert not list((home / "images").rglob("*.png"))
    assert bring_in(store, tmp_path, "one", 4).source.votes == 3


def test_an_image_that_the_studio_has_as_well_stays(store, home, tmp_path):
    bring_in(store, tmp_path, images=2)
    sha256 = next((home / "images").rglob("*.png")).stem
    image = make_image(store, 1)
    store._database.write(
        lambda cursor: cursor.execute(
            "UPDATE images SET sha256 = ? WHERE image_id = ?", [sha256, image.image_id]
        )
    )
    store.sources.remove(BASE, "pickapic", "ann")
    assert store.image_path(sha256).is_file()


def test_images_of_sources_are_not_cleaned_up(store, home, clock, tmp_path):
    bring_in(store, tmp_path)
    clock.move(10 * 86_400)
    store.disk.remove("images")
    assert len(list((home / "images").rglob("*.png"))) == 4


def test_what_a_kill_left_is_removed_at_the_next_opening(home, store, tmp_path):
    bring_in(store, tmp_path, "whole", 3)
    bring_in(store, tmp_path, "killed", 5)
    bring_in(store, tmp_path, "removed", 7)
    write = store._database.write
    write(lambda cursor: cursor.execute("DELETE FROM source_changes WHERE source_id = 2"))
    write(
        lambda cursor: cursor.execute(
            "INSERT INTO source_changes (source_id, kind, value, who, created) "
            "VALUES (3, 'removed', 'true', 'ann', now()::TIMESTAMP)"
        )
    )
    assert len(list((home / "images").rglob("*.png"))) == 7
    store.close()

    with Store(home) as again:
        assert [source.name for source in again.sources.all(BASE)] == ["whole"]
        assert len(list((home / "images").rglob("*.png"))) == 3
        assert again._database.read("SELECT source_id FROM sources ORDER BY ALL") == [(1,), (3,)]
        assert again._database.read("SELECT DISTINCT source_id FROM source_votes") == [(1,)]


def test_a_source_that_a_run_reads_stays_until_the_run_has_ended(store, tmp_path):
    parquet = table(tmp_path, "a.parquet")
    store.sources.bring_in(new_source([parquet], read_cells(5, 5), taken="copy"))
    snapshot = store.write_snapshot(BASE, settle_s=0)
    run = store.create_run(snapshot.snapshot_id, BASE, "base", {}, "person")
    with pytest.raises(SourceInUse, match=f"the run {run.run_id}, which has not ended"):
        store.sources.remove(BASE, "pickapic", "ann")
    assert len(store.sources.all(BASE)) == 1

    store.set_run_state(run.run_id, "cancelled")
    store.sources.remove(BASE, "pickapic", "ann")
    assert store.sources.all(BASE) == []


def test_votes_whose_file_was_changed_or_is_gone_are_counted(store, tmp_path):
    one, other = table(tmp_path, "a.parquet"), table(tmp_path, "b.parquet")
    read = read_cells(10, 6)

    def read_both(files):
        yield from read(files[:1])
        for vote in read(files[1:]):
            yield replace(vote, file=1, prompt="a dog")

    source = store.sources.bring_in(new_source([one, other], read_both)).source
    assert not store.sources.faults(source) and not store.sources.lost(source)
    # All images of the second file were in the first one already.
    other.unlink()
    assert dict(store.sources.faults(source)) == {str(other): "gone"}
    assert not store.sources.lost(source)
    one.write_text("another file", encoding="utf-8")
    assert dict(store.sources.lost(source)) == {"preference": 20}


def test_a_model_that_is_another_one_brings_its_sources_along(store, tmp_path):
    bring_in(store, tmp_path)
    store.ensure_base("second-name")
    paths, csv = write_pngs(tmp_path / "b", range(3)), table(tmp_path / "b", "b.csv")
    new = new_source([csv], read_files(paths), base="second-name", name="b")
    store.sources.bring_in(new)
    assert [source.name for source in store.sources.all(BASE)] == ["pickapic"]
    assert store.aliases.base_of(BASE, ["second-name"]) == BASE
    assert [source.name for source in store.sources.all(BASE)] == ["pickapic", "b"]
    assert store.sources.all("second-name") == []
