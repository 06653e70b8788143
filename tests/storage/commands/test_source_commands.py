"""`palate data import` and `palate data sources`: votes of others by command, without an app."""

import json
from pathlib import Path

import duckdb
import pytest
from source_making import png_bytes, write_pngs
from storage_making import BASE

from storage import Store
from storage.__main__ import main
from storage.layouts.inputs import name_for

pytestmark = pytest.mark.slow


@pytest.fixture
def studio(home: Path, store: Store) -> Path:
    store.close()
    return home


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    """Pick-a-Pic's columns, with one row in which no image was better."""
    path = tmp_path / "train-00000.parquet"
    rows = [(png_bytes(n), png_bytes(n + 1), 1.0, 0.0, f"a cat {n}") for n in range(5)]
    rows.append((png_bytes(1), png_bytes(3), 0.5, 0.5, "a dog"))
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t (jpg_0 BLOB, jpg_1 BLOB, label_0 DOUBLE, label_1 DOUBLE, "
            "caption VARCHAR)"
        )
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", rows)
        connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    return path


def test_a_file_comes_in_and_is_listed_changed_and_removed(studio, parquet, capsys):
    assert main(["import", str(parquet), "--home", str(studio), "--dry-run"]) == 0
    seen = capsys.readouterr().out
    assert "Would come in: 5 preference, 1 tie; 6 images." in seen
    assert "row 1: preference, a cat 0" in seen
    assert main(["sources", str(studio)]) == 0
    assert capsys.readouterr().out == "There is no source yet.\n"

    assert main(["import", str(parquet), "--home", str(studio), "--name", "pickapic"]) == 0
    assert "The source pickapic came in: 5 preference, 1 tie; 6 images." in capsys.readouterr().out
    assert main(["import", str(parquet), "--home", str(studio)]) == 1
    assert "came in before" in capsys.readouterr().err

    changes = ["--weigh", "pickapic", "0.5", "--leave-out", "pickapic", "--rename", "pickapic", "p"]
    assert main(["sources", str(studio), *changes]) == 0
    assert capsys.readouterr().out.startswith("p: 5 preference, 1 tie; left out of runs; since ")
    assert main(["sources", str(studio), "--weigh", "p", "much"]) == 1
    assert main(["sources", str(studio), "--remove", "p"]) == 0
    assert capsys.readouterr().out == "There is no source yet.\n"


def test_columns_are_chosen_where_none_can_be_guessed(studio, tmp_path, capsys):
    write_pngs(tmp_path, range(2))
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"p": "a cat", "good": "000000.png", "bad": "000001.png"}), "utf-8")
    command = ["import", str(rows), "--home", str(studio)]
    assert main(command) == 1
    assert "Choose a --layout" in capsys.readouterr().err
    assert main([*command, "--column", "prompt"]) == 1
    chosen = ["--layout", "chosen_rejected", "--column", "prompt=p"]
    chosen += ["--column", "chosen=good", "--column", "rejected=bad"]
    assert main([*command, *chosen]) == 0
    assert "The source rows came in: 1 preference; 2 images." in capsys.readouterr().out
    with Store(studio) as store:
        assert [source.layout for source in store.sources.all(BASE)] == ["chosen_rejected"]


def test_the_model_is_named_where_there_are_several(studio, parquet, capsys):
    with Store(studio) as store:
        store.ensure_base("other-model")
    command = ["import", str(parquet), "--home", str(studio)]
    assert main(command) == 1
    assert "several models. Name one with --model: emoji (emoji), other-model" in (
        capsys.readouterr().err
    )
    assert main([*command, "--model", "other-model"]) == 0
    with Store(studio) as store:
        assert not store.sources.all(BASE)
        assert store.sources.all("other-model")[0].votes == 6


def test_a_studio_without_a_model_says_what_to_do(tmp_path, parquet, capsys):
    (tmp_path / "new").mkdir()
    assert main(["import", str(parquet), "--home", str(tmp_path / "new")]) == 1
    assert "No model was opened in this studio yet" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("votes.of.ada.csv", "votes.of.ada"),
        ("pickapic/*.parquet", "pickapic"),
        ("pickapic/**/*.parquet", "pickapic"),
        ("pickapic/part-?/a.parquet", "pickapic"),
        ("pickapic v1.0", "pickapic v1.0"),
        ("one[1].csv", "one[1]"),
    ],
)
def test_a_source_is_called_by_its_file_or_folder(tmp_path, monkeypatch, given, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pickapic v1.0").mkdir()
    (tmp_path / "one[1].csv").touch()
    assert name_for(given) == name
