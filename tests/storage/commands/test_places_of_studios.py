"""Commands make no studio where somebody mistyped a folder, and put none where it does harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from every_kind import add_pair, vote

from storage import Store
from storage.__main__ import main

pytestmark = pytest.mark.slow


@pytest.fixture
def out(store: Store, tmp_path: Path) -> Path:
    """An export of one vote, of the studio `home`."""
    vote(store, add_pair(store, 0), "left", "k1")
    store.exports.write("parquet", tmp_path / "out")
    store.close()
    return tmp_path / "out"


def refused(*arguments: object, capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that has to be refused, and return its sentence."""
    capsys.readouterr()
    assert main([str(each) for each in arguments]) == 1
    return capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [("merge", "PLACE", "HOME"), ("export", "PLACE", "OUT", "--form", "csv")]
)
def test_a_folder_that_is_no_studio_does_not_become_one(out, home, tmp_path, capsys, command):
    place = tmp_path / "documents"
    place.mkdir()
    (place / "letter.txt").write_text("mine")
    names = {"PLACE": place, "HOME": home, "OUT": tmp_path / "new"}
    told = refused(*(names.get(each, each) for each in command), capsys=capsys)
    assert told == (
        f"storage: {place} is no studio: it has no palate.duckdb. Name the folder of a studio.\n"
    )
    assert [path.name for path in place.iterdir()] == ["letter.txt"]


def test_votes_are_not_restored_among_other_things(out, tmp_path, capsys):
    before = sorted(out.rglob("*"))
    told = refused("restore-votes", out, out, capsys=capsys)
    assert "has something in it and is no studio" in told and sorted(out.rglob("*")) == before

    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        told = refused("restore-votes", out, place, capsys=capsys)
        assert told.startswith(f"storage: {place} cannot be used as a studio folder: ")


def test_a_refused_export_leaves_no_studio_that_was_made_for_it(out, tmp_path, capsys):
    new, empty = tmp_path / "new", tmp_path / "empty"
    empty.mkdir()
    (out / "full" / "train-00000-of-00001.parquet").write_bytes(b"PAR1")
    for place in (new, empty):
        refused("restore-votes", out, place, capsys=capsys)
    refused("restore-votes", tmp_path / "nothing", new, capsys=capsys)
    assert not new.exists() and not list(empty.iterdir())


def test_no_studio_is_put_among_backups_or_into_another_studio(out, home, tmp_path, capsys):
    backups = tmp_path / "backups"
    assert main(["backup", str(home), str(backups)]) == 0
    told = refused("restore", backups, backups / "new" / "in", capsys=capsys)
    assert "where only backups go" in told and not (backups / "new").exists()
    told = refused("restore", backups, home / "images" / "in", capsys=capsys)
    assert f"lies in the studio {home}" in told and not (home / "images" / "in").exists()
    # Into which folder is forgotten easily: a copy of the database is not meant then.
    told = refused("restore", backups, capsys=capsys)
    assert f"{backups} holds backups. Name the folder that the studio goes to as well" in told
