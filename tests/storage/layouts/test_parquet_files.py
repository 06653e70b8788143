"""Parquet files of others are read in order, in batches, and never beyond their limits."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from storage.errors import UnreadableData
from storage.layouts import parquet_files
from storage.layouts.parquet_files import open_parquet


def write(path: Path, query: str, options: str = "") -> Path:
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet{options})")
    return path


def read(path: Path, *cells: str, first: int = 0, count: int | None = None) -> list[tuple]:
    with open_parquet([path]) as files:
        return [row for batch in files.batches(0, cells, first, count) for row in batch]


def test_rows_come_in_the_order_of_the_file_with_their_numbers(tmp_path):
    path = write(tmp_path / "a.parquet", "SELECT i, i * 2 AS twice FROM range(5000) AS t(i)")

    assert read(path, "twice") == [(i, i * 2) for i in range(5000)]
    assert read(path, "i", first=4998) == [(4998, 4998), (4999, 4999)]
    assert read(path, "i", first=7, count=2) == [(7, 7), (8, 8)]
    assert read(path, "i", first=5000) == []


def test_rows_are_numbered_over_all_groups_of_a_file(tmp_path):
    query = "SELECT i FROM range(9000) AS t(i)"
    path = write(tmp_path / "a.parquet", query, ", ROW_GROUP_SIZE 2048")

    assert read(path, "i", first=2040, count=20) == [(i, i) for i in range(2040, 2060)]


def test_several_files_are_told_apart_and_counted(tmp_path):
    files = [
        write(tmp_path / "a.parquet", "SELECT 'a' AS name FROM range(3)"),
        write(tmp_path / "b.parquet", "SELECT 'b' AS name FROM range(2)"),
    ]

    with open_parquet(files) as opened:
        assert opened.row_counts == (3, 2) and opened.rows == 5
        assert opened.columns == {"name": "VARCHAR"}
        assert [row for batch in opened.batches(1, ["name"]) for row in batch] == [
            (0, "b"),
            (1, "b"),
        ]


def test_a_cell_is_a_path_into_objects_and_lists(tmp_path):
    path = write(
        tmp_path / "a.parquet",
        "SELECT [{'bytes': '\\xFF'::BLOB, 'path': 'x'}, {'bytes': NULL, 'path': 'y'}] AS images, "
        '7 AS "preference.responses"',
    )

    cells = ("images[0].bytes", "images[1].path", "images[9].path", "preference.responses")
    assert read(path, *cells) == [(0, b"\xff", "y", None, 7)]


@pytest.mark.parametrize("cell", ["none", "images.", "images[x]", "images[0]; DROP", "i[99999999]"])
def test_a_cell_that_is_none_is_refused_in_a_sentence(tmp_path, cell):
    path = write(tmp_path / "a.parquet", "SELECT ['x'] AS images, 1 AS i")

    with pytest.raises(UnreadableData, match="column"):
        read(path, cell)


def test_names_of_columns_and_files_are_never_sql(tmp_path):
    folder = tmp_path / "it's [1] *"
    folder.mkdir()
    name = 'a"; DROP TABLE x; --'
    quoted = name.replace('"', '""')
    path = folder / "q?[a].parquet"
    write(tmp_path / "plain.parquet", f'SELECT 5 AS "{quoted}"').rename(path)
    # What a pattern of the same characters would match as well.
    (folder / "qxa.parquet").write_bytes(b"no parquet")

    assert read(path, name) == [(0, 5)]


def test_large_images_are_decoded_a_few_at_a_time(tmp_path):
    query = "SELECT i, repeat('x', 10000)::BLOB AS jpg FROM range(500) AS t(i)"
    path = write(tmp_path / "a.parquet", query)

    with open_parquet([path]) as files:
        batches = list(files.batches(0, ["i", "jpg"]))

    assert max(map(len, batches)) <= parquet_files.FETCH_ROWS
    assert [row[:2] for batch in batches for row in batch] == [(i, i) for i in range(500)]
    assert {row[2] for batch in batches for row in batch} == {b"x" * 10000}


def test_texts_are_cut_and_huge_cells_are_empty(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_files, "MAX_TEXT_LENGTH", 3)
    monkeypatch.setattr(parquet_files, "MAX_CELL_BYTES", 3)
    path = write(
        tmp_path / "a.parquet", "SELECT 'äöüß' AS text, 'abcd'::BLOB AS large, 'abc'::BLOB AS small"
    )

    assert read(path, "text", "large", "small") == [(0, "äöü", None, b"abc")]


def test_times_with_a_zone_are_given_in_utc(tmp_path):
    path = write(tmp_path / "a.parquet", "SELECT '2024-01-02 03:04:05+00'::TIMESTAMPTZ AS given")

    ((_, given),) = read(path, "given")
    assert given.isoformat() == "2024-01-02T03:04:05"


def test_files_of_other_columns_are_refused_in_a_sentence(tmp_path):
    first = write(tmp_path / "a.parquet", "SELECT 1 AS i, 'x' AS prompt")
    fewer = write(tmp_path / "b.parquet", "SELECT 1 AS i")
    other = write(tmp_path / "c.parquet", "SELECT 1 AS i, 2.5::DOUBLE AS prompt")

    with (
        pytest.raises(UnreadableData, match=r"b\.parquet has no column prompt, unlike a\.parquet"),
        open_parquet([first, fewer]),
    ):
        pass
    with (
        pytest.raises(UnreadableData, match=r"prompt is DOUBLE in c\.parquet and VARCHAR in a"),
        open_parquet([first, other]),
    ):
        pass


@pytest.mark.parametrize("keep", [0, 3, 8, 100, -9, -1])
def test_a_file_that_is_cut_short_is_refused_in_a_sentence(tmp_path, keep):
    path = write(tmp_path / "a.parquet", "SELECT i FROM range(5000) AS t(i)")
    path.write_bytes(path.read_bytes()[:keep])

    with pytest.raises(UnreadableData, match=r"a\.parquet cannot be read as Parquet: "):
        read(path, "i")


def test_a_damaged_page_is_refused_in_a_sentence(tmp_path):
    path = write(tmp_path / "a.parquet", "SELECT i::VARCHAR AS i FROM range(5000) AS t(i)")
    content = bytearray(path.read_bytes())
    content[4:1000] = b"\xff" * 996
    path.write_bytes(content)

    with pytest.raises(UnreadableData, match="Fetch or write the file again"):
        read(path, "i")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UnreadableData, match=r"none\.parquet is not there"):
        read(tmp_path / "none.parquet", "i")
    with pytest.raises(UnreadableData, match="is no file"):
        read(tmp_path, "i")


def test_what_does_not_fit_into_the_memory_is_refused_in_a_sentence(tmp_path):
    query = "SELECT repeat('x', 400000) || i::VARCHAR AS text FROM range(200) AS t(i)"
    path = write(tmp_path / "a.parquet", query)

    with (
        pytest.raises(UnreadableData, match="smaller groups of rows"),
        open_parquet([path], memory="10MB") as files,
    ):
        list(files.batches(0, ["text"]))
