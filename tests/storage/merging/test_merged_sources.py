"""Sources of two studios that are merged: each once, with its files where they are found again."""

from __future__ import annotations

from pathlib import Path

import pytest
from empty_studio import empty_studio
from source_making import bring_in, new_source, read_cells, table
from storage_making import BASE

from storage import Store
from storage.merging.merge import Merge
from storage.sources.settled_sources import lost_images, settled_sources, source_references

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with Store(empty_studio(tmp_path / "home")) as store:
        store.ensure_base(BASE)
        bring_in(store, tmp_path / "a", "mine", 5)
    return tmp_path / "home"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    (tmp_path / "b").mkdir()
    with Store(empty_studio(tmp_path / "other")) as store:
        store.ensure_base(BASE)
        bring_in(store, tmp_path / "c", "theirs", 20)
        parquet = table(tmp_path / "b", "votes.parquet")
        store.sources.bring_in(new_source([parquet], read_cells(3, 4), name="mine", taken="move"))
        store.sources.weigh(BASE, "theirs", 0.5, "bob")
    return tmp_path / "other"


def test_sources_come_along_with_their_votes_weights_and_files(home, other):
    with Store(other) as store:
        theirs = [row for row in settled_sources(store.opening.database, BASE)]
    with Store(home) as store:
        report = Merge(store, other).write()
        assert report.added["sources"] == 2
        sources = {source.name: source for source in store.sources.all(BASE)}
        assert set(sources) == {"mine", "theirs", "mine 2"}
        assert sources["theirs"].weight == 0.5
        database, folder = store.opening.database, store.opening.folder
        rows = list(settled_sources(database, BASE, ["theirs", "mine 2"]))
        assert [(row.prompt, row.images) for row in rows] == [
            (row.prompt, row.images) for row in theirs
        ]
        assert not lost_images(database, folder, BASE)
        assert all(folder.image_file(n).is_file() for row in rows[:3] for n in row.images)
        files = {Path(each["file"]) for each in source_references(database, folder, BASE)}
        assert home / "sources/3/000-votes.parquet" in files


def test_the_same_files_come_in_once(home, other):
    with Store(home) as store:
        Merge(store, other).write()
        assert Merge(store, other).write().is_nothing
        assert len(store.sources.all(BASE)) == 3


def test_a_source_that_was_removed_here_stays_removed(home, other):
    with Store(home) as store:
        Merge(store, other).write()
        store.sources.remove(BASE, "theirs", "ada")
        assert Merge(store, other).write().is_nothing
        assert "theirs" not in {source.name for source in store.sources.all(BASE)}
