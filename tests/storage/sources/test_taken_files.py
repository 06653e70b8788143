"""Files that are taken into the studio, while the images that they name stay where they are."""

import shutil
from pathlib import Path

import duckdb
import pytest
from source_making import new_source, png_bytes, write_pngs
from storage_making import BASE

from storage.errors import SourceKnown
from storage.layouts.found import find_data
from storage.layouts.reading import ReadFiles


def metadata(path: Path, rows: int = 1, side: int = 0) -> Path:
    """Parquet that names the files of its images, as image folders have it."""
    write_pngs(path.parent, range(side, side + rows + 1))
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (prompt VARCHAR, chosen VARCHAR, rejected VARCHAR)")
        for row in range(side, side + rows):
            names = [f"{row:06d}.png", f"{row + 1:06d}.png"]
            connection.execute("INSERT INTO t VALUES (?, ?, ?)", [f"a cat {row}", *names])
        connection.execute("COPY t TO ? (FORMAT parquet)", [str(path)])
    return path


def brought_in(store, given: list[Path], taken: str):
    found = find_data(given)
    assert found.guess is not None
    read = ReadFiles(found, found.guess)
    return store.sources.bring_in(new_source(found.files, read, taken=taken)).source


@pytest.mark.parametrize("taken", ["copy", "move"])
def test_images_are_found_where_the_file_that_names_them_was(store, home, tmp_path, taken):
    file = metadata(tmp_path / "data" / "metadata.parquet", rows=3)

    source = brought_in(store, [file], taken)

    assert source.counts["votes"] == {"preference": 3} and source.counts["left_out"] == {}
    assert file.exists() == (taken == "copy")
    assert (home / source.facts["files"][0]["path"]).is_file()
    shutil.rmtree(tmp_path / "data")
    assert {path.read_bytes() for path in home.glob("images/*/*.png")} == {
        *map(png_bytes, range(4))
    }


def test_of_several_files_each_finds_its_own_images(store, tmp_path):
    one = metadata(tmp_path / "one" / "metadata.parquet", side=0)
    two = metadata(tmp_path / "two" / "metadata.parquet", side=10)

    assert brought_in(store, [one, two], "copy").counts["votes"] == {"preference": 2}

    more = metadata(tmp_path / "two" / "more.parquet", side=20)
    assert brought_in(store, [two, more], "copy").counts["votes"] == {"preference": 1}
    with pytest.raises(SourceKnown, match="To bring it in again, remove that source first"):
        brought_in(store, [more], "copy")
    assert len(store.sources.all(BASE)) == 2
