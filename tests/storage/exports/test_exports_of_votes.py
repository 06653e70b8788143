"""Every form of an export is read back as written, and loses nothing but what it says."""

from __future__ import annotations

import csv
import hashlib
import json
import threading
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path

import pytest
from every_kind import ANN, PROMPTS, add_pair, give_every_kind, png, vote

from storage import NoVotes, Store
from storage.exports.export_errors import BrokenExport, ExportStopped, TargetTaken, UnknownForm
from storage.exports.exported_votes import ExportChoice, ExportedImage, ExportedVote, Kept
from storage.exports.forms.form import Form
from storage.exports.forms.form_list import FORMS
from storage.exports.forms.vote_columns import COLUMNS, row_of
from storage.exports.image_bytes import ImageBytes
from storage.layouts.foreign_votes import ImagePlace

pytestmark = pytest.mark.slow
ALL = ExportChoice(tests=True, excluded=True)
DOCS = Path(__file__).parents[3] / "docs" / "data.md"


@pytest.fixture
def studio(store: Store) -> Store:
    give_every_kind(store)
    return store


def rows_of(form: str, target: Path) -> list:
    return list(FORMS[form](ImageBytes()).read(target))


@pytest.mark.parametrize("form", FORMS)
def test_what_is_written_is_read_back(studio, tmp_path, form):
    steps = []
    summary = studio.exports.write(form, tmp_path / "out", ALL, lambda *step: steps.append(step))

    rows = rows_of(form, tmp_path / "out")
    assert len(rows) == summary.rows > 0
    told = json.dumps(rows, default=str)
    for prompt in PROMPTS[:2]:
        shown = prompt.replace("\u2028 \u2029 ", "") if form == "folders" else prompt
        assert json.dumps(shown)[1:-1].replace("\\\\", "\\") in told or shown in told
    assert steps and all(0 <= done <= of for done, of in steps)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("form", FORMS)
def test_no_person_no_note_and_no_path_of_this_machine_is_told(studio, tmp_path, form):
    studio.exports.write(form, tmp_path / "out", ALL)

    for path in (tmp_path / "out").rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        for word in (ANN, ANN.encode("ascii", "backslashreplace").decode(), "robot", "disagrees"):
            assert word.encode() not in content
        assert str(tmp_path).encode() not in content and b"Carl" not in content


@pytest.mark.parametrize("form", FORMS)
def test_votes_that_a_form_cannot_hold_are_counted(studio, tmp_path, form):
    summary = studio.exports.write(form, tmp_path / "out")
    with studio.exports.votes(ExportChoice()) as votes:
        everything = len(votes)
    told = json.loads((tmp_path / "out" / ".palate-export.json").read_text())

    assert told["form"] == form and told["rows"] == summary.rows
    assert told["left_out"] == summary.left_out
    expanded = 4 if form in ("pairs", "folders", "imagefolder") else 0
    assert summary.rows + sum(summary.left_out.values()) == everything + expanded


@pytest.mark.parametrize("form", FORMS)
def test_a_stopped_export_leaves_nothing(studio, tmp_path, form):
    cancelled = threading.Event()

    def stop_half_way(done: int, of: int) -> None:
        if done > of // 4:
            cancelled.set()

    with pytest.raises(ExportStopped):
        studio.exports.write(form, tmp_path / "out", ALL, stop_half_way, cancelled)
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("form", FORMS)
def test_damage_is_noticed_before_an_export_is_called_done(studio, tmp_path, form):
    def written(name: str) -> tuple[Form, Path]:
        work = tmp_path / name
        work.mkdir()
        with ImageBytes() as images, studio.exports.votes(ALL) as votes:
            made = FORMS[form](images)
            made.write(work, votes)
        made.compare(made.read(work))
        return made, work

    made, work = written("image")
    victim = max((path for path in work.rglob("*") if path.is_file()), key=lambda p: len(p.parts))
    if victim.suffix in (".png", ".txt"):
        victim.write_bytes(png(255))
        with pytest.raises((BrokenExport, UnicodeDecodeError)):
            made.compare(made.read(work))

    made, work = written("rows")
    rows = list(made.read(work))
    with pytest.raises(BrokenExport, match="rows can be read"):
        made.compare(rows[:-1])
    with pytest.raises(BrokenExport, match="row 2 of"):
        made.compare([rows[0], rows[0], *rows[2:]])


def test_a_form_and_a_place_that_cannot_be_are_refused_before_anything_is_written(studio, tmp_path):
    with pytest.raises(UnknownForm, match="csv"):
        studio.exports.write("xlsx", tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(TargetTaken):
        studio.exports.write("csv", tmp_path / "mine")
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["notes.txt"]


def test_without_votes_there_is_no_export(store, tmp_path):
    with pytest.raises(NoVotes, match="no vote to export"):
        store.exports.write("csv", tmp_path / "out")
    vote(store, add_pair(store, 0), "tie", "k1")
    with pytest.raises(NoVotes, match=r"a tie \(1\)"):
        store.exports.write("folders", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_spreadsheet_runs_no_prompt(studio, tmp_path):
    studio.exports.write("csv", tmp_path / "out", ALL)

    with (tmp_path / "out" / "votes.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert "'=SUM(A1:A9)" in cells and "'+1 @home -2" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_captions_are_one_line_each_and_numbers_join_the_pairs(studio, tmp_path):
    studio.exports.write("folders", tmp_path / "out")

    chosen, rejected = tmp_path / "out" / "chosen", tmp_path / "out" / "rejected"
    assert {p.name for p in chosen.iterdir()} == {p.name for p in rejected.iterdir()}
    for caption in chosen.glob("*.txt"):
        assert len(caption.read_text(encoding="utf-8").splitlines()) == 1
        assert caption.read_bytes() == (rejected / caption.name).read_bytes()
    with studio.exports.votes(ExportChoice()) as votes:
        first = next(iter(votes))
    assert (chosen / "000001.png").read_bytes() == first.better_first[0].place.file.read_bytes()


def test_a_ranking_becomes_the_pairs_that_it_orders(studio, tmp_path):
    studio.exports.write("imagefolder", tmp_path / "out")
    ranked = [row for row in rows_of("imagefolder", tmp_path / "out") if row["id"][0] == "r"]

    assert [row["id"] for row in ranked] == ["r1-1-0", "r1-2-0", "r1-2-1", "r1-2-3", "r1-3-0"]


def test_columns_of_tables_are_those_of_rows():
    assert tuple(row_of(a_vote(), lambda image: image.name)) == COLUMNS


# What is lost


def an_image(seed: int, folder: Path = Path(), **more: object) -> ExportedImage:
    content = png(seed)
    sha256 = hashlib.sha256(content).hexdigest()
    path = folder / f"{sha256}.png"
    if folder != Path():
        path.write_bytes(content)
    known = {"base": "emoji", "version": "base", "prompt": "a cat", "seed": seed}
    image = ExportedImage(
        f"i{seed}", sha256, ".png", 8, 8, ImagePlace(path), "base", json.dumps(known)
    )
    return replace(image, **more)


def a_vote(folder: Path = Path(), **more: object) -> ExportedVote:
    images = (an_image(1, folder), an_image(2, folder))
    vote = ExportedVote(
        *("v1", 0, "p1", "preference", "a cat", images, (0, 1), "0123456789ab"),
        *(datetime(2026, 1, 1), "emoji", "base"),
    )
    return replace(vote, **more)


def variations(folder: Path) -> dict[str, list[tuple[ExportedVote, ExportedVote]]]:
    """For each field of a vote, pairs of votes that differ in it alone."""
    one, two, three = (an_image(seed, folder) for seed in (1, 2, 3))
    simple = {
        "key": "v2", "number": 7, "item_id": "p2", "annotator": "ba9876543210",
        "created": datetime(2026, 1, 2, 3, 4, 5, 678), "base": "sdxl", "version": "v1",
        "source": "pickapic", "share": 0.75, "strength": 2, "reasons": ("hands",),
        "criteria": (("detail", "i2"),), "weight": 0.5, "weight_reason": "slow",
        "kept": Kept("p0", "ba9876543210", 2), "response_ms": 900,
        "selection": ("uncertain", 0.5), "asked_as": "gold", "flagged": True,
        "excluded_vote": "excluded", "excluded_annotator": "excluded",
        "details": {"confidence": 0.5}, "prompt": "a dog\nand \u2028 a =cat",
    }  # fmt: skip

    def votes(*changes: dict) -> tuple[ExportedVote, ...]:
        return tuple(replace(a_vote(folder), **change) for change in changes)

    varied = {name: [votes({}, {name: value})] for name, value in simple.items()}
    varied["prompt"].append(votes({"prompt": "a\nb"}, {"prompt": "a b"}))
    varied["kind"] = [
        votes({"kind": one_kind, "ranks": ()}, {"kind": other, "ranks": ()})
        for one_kind, other in (("both_good", "both_bad"), ("skip", "tie"))
    ]
    ranking = {"kind": "ranking", "images": (one, two, three)}
    varied["ranks"] = [
        votes({}, {"ranks": (1, 0)}),
        votes({**ranking, "ranks": (0, 1, 2)}, {**ranking, "ranks": (0, 1, 1)}),
    ]
    varied["images"] = [
        votes({}, {"images": (two, one), "ranks": (1, 0)}),
        votes({}, {"images": (one, three)}),
    ]
    for name, value in {"uid": "i9", "version": "v3", "recipe": '{"seed": 5}'}.items():
        changed = replace(one, **{name: value})
        varied[f"image.{name}"] = [votes({}, {"images": (changed, two)})]
    return varied


FIELDS = [
    *(field.name for field in fields(ExportedVote)),
    *("image.uid", "image.version", "image.recipe"),
]


@pytest.mark.parametrize("form", FORMS)
def test_nothing_is_lost_but_what_a_form_says(tmp_path, form):
    varied = variations(tmp_path)
    assert sorted(varied) == sorted(FIELDS)

    def rows(vote: ExportedVote, number: int) -> list:
        work = tmp_path / f"work{number}"
        work.mkdir()
        with ImageBytes() as images:
            made = FORMS[form](images)
            made.write(work, [vote])
            found = list(made.read(work))
        made.compare(found)
        return found

    number, lost = iter(range(1000)), set()
    for name, pairs in varied.items():
        for one, other in pairs:
            told, told_other = rows(one, next(number)), rows(other, next(number))
            if not told or not told_other or told == told_other:
                lost.add(name)
    assert lost - FORMS[form].loses.keys() == set()


@pytest.mark.parametrize("form", FORMS)
def test_the_docs_list_what_a_form_loses(form):
    text = " ".join(DOCS.read_text(encoding="utf-8").split())
    assert f"`{form}`" in text
    for sentence in FORMS[form].loses.values():
        assert sentence in text
