"""`palate data export` writes any form of a studio's votes without an app."""

import json

import pytest
from empty_studio import empty_studio
from every_kind import ANN, BOB, give_every_kind
from storage_making import BASE

from annotate.console import palate
from storage import Store
from storage.exports.forms.form_list import TITLES

pytestmark = pytest.mark.slow


@pytest.fixture
def studio(tmp_path):
    home = empty_studio(tmp_path / "studio")
    with Store(home) as store:
        store.ensure_base(BASE)
        give_every_kind(store)
    return home


def export(studio, target, *more) -> int:
    return palate(["data", "export", str(studio), str(target), *more])


@pytest.mark.parametrize("form", TITLES)
def test_every_form_is_written_by_command(studio, tmp_path, capsys, form):
    assert export(studio, tmp_path / "out", "--form", form) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{tmp_path / 'out'}: ") and said.err == ""
    assert (tmp_path / "out" / ".palate-export.json").exists()


def test_what_is_taken_is_chosen_by_options(studio, tmp_path):
    def rows(name, *more):
        assert export(studio, tmp_path / name, "--form", "jsonl", *more) == 0
        lines = (tmp_path / name / "votes.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    usual = rows("usual")
    assert {row["annotator"] for row in rows("bob", "--by", BOB, "--names")} == {BOB}
    assert len(rows("all", "--with-tests", "--with-excluded")) == len(usual) + 6
    assert "skip" not in {row["kind"] for row in rows("decided", "--no-skips")}
    noted = rows("noted", "--with-excluded", "--notes", "--names", "--model", BASE)
    assert "carl is a robot" in {row["excluded_annotator"] for row in noted}
    assert ANN in {row["annotator"] for row in noted}


def test_what_cannot_be_ends_in_a_sentence(studio, tmp_path, capsys):
    assert export(studio, studio / "images", "--form", "csv") == 1
    assert "is in the studio folder" in capsys.readouterr().err
    assert export(studio, tmp_path / "out", "--form", "csv", "--source", "pickapic") == 1
    assert "no source 'pickapic'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
