"""Votes of other tools through the section Data: looked at, brought in, changed, removed."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from every_kind import give_every_kind
from places import Place, until
from votes_of_others import colored, pickapic, two_texts, unnamed

from align.contracts.errors import InvalidInput, NotFound, PalateError
from annotate.data_jobs.export_archive import zipped
from annotate.labeling.new_acts import as_vote
from annotate.web.data_actions import project_data_function
from annotate.web.endpoints.data_endpoints import DataEndpoints
from storage.errors import FolderTaken
from storage.store import Store
from storage.studio_backup.restore import Restore

Do = Callable[..., dict[str, Any]]


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    folder = tmp_path / "uploads"
    folder.mkdir()
    return folder


@pytest.fixture
def do(place: Place, uploads: Path) -> Do:
    """Do what a press on the page does, wait for the job, and return what is shown then."""
    function = project_data_function(place.studio, uploads)

    def act(action: str, **value: Any) -> dict[str, Any]:
        answer = function({"action": action, "value": value, "annotator": "ada"})
        if answer["job"] and answer["job"]["state"] in ("running", "stopping"):
            assert place.studio.data.jobs.wait(20)
            answer = function({"action": "look"})
        return answer

    return act


class Api(DataEndpoints):
    def __init__(self, place: Place) -> None:
        self._studio = place.studio


@pytest.fixture
def api(place: Place) -> Api:
    return Api(place)


def test_a_file_is_looked_at_before_anything_comes_in(do: Do, api: Api, tmp_path: Path):
    file = pickapic(tmp_path / "votes.parquet")
    shown = do("preview", path=str(file))["regions"]["preview"]
    assert "9 choices, 3 ties" in shown and 'value="pickapic" selected' in shown
    assert shown.count("data:image/webp;base64,") == 20 and shown.count(">better<") == 8
    assert 'name="name" value="votes"' in shown
    assert api.sources() == []


def test_what_was_previewed_comes_in_as_a_source_and_goes_as_one(do: Do, api: Api, tmp_path: Path):
    file = str(pickapic(tmp_path / "votes.parquet"))
    do("preview", path=file)
    shown = do("import", path=file, layout="pickapic", mapping={}, name="Pick-a-Pic", copy=False)
    assert "12 votes came in as Pick-a-Pic." in shown["regions"]["job-in"]
    assert shown["regions"]["preview"] == "" and "9 choices, 3 ties" in shown["regions"]["sources"]
    (source,) = api.sources()
    assert (source["name"], source["who"], source["files"]) == ("Pick-a-Pic", "ada", [file[-13:]])

    do("change", source="Pick-a-Pic", weight=0.25)
    do("change", source="Pick-a-Pic", used=False)
    do("rename", source="Pick-a-Pic", name="old votes")
    (source,) = api.sources()
    assert (source["name"], source["weight"], source["used"]) == ("old votes", 0.25, False)

    shown = do("remove", source="old votes")
    assert "old votes is gone with its 12 votes." in shown["regions"]["job-in"]
    assert api.sources() == [] and Path(file).is_file()


def test_the_same_file_twice_adds_nothing_and_says_so(do: Do, api: Api, tmp_path: Path):
    file = str(pickapic(tmp_path / "votes.parquet"))
    api.import_source(file, "first")
    assert "came in before, as first" in do("preview", path=file)["regions"]["preview"]
    failed = do("import", path=file, layout="pickapic", mapping={}, name="second", copy=False)
    assert failed["job"]["state"] == "failed" and "came in before" in failed["job"]["message"]
    assert [source["name"] for source in api.sources()] == ["first"]


def test_another_column_changes_what_is_read(do: Do, api: Api, tmp_path: Path):
    file = str(two_texts(tmp_path / "hens.parquet"))
    guessed = api.preview_source(file)
    assert [each["prompt"] for each in guessed["examples"]] == [f"a hen {n}" for n in range(3)]
    columns = {each["field"]: each["column"] for each in guessed["mapping"]} | {"prompt": "other"}
    shown = do("preview", path=file, layout=guessed["layout"], mapping=columns)
    assert "a yak 0" in shown["regions"]["preview"]
    api.import_source(file, "yaks", guessed["layout"], columns)
    assert api.sources()[0]["votes"] == {"preference": 3}


def test_columns_that_say_nothing_are_asked_for_one_by_one(do: Do, api: Api, tmp_path: Path):
    file = str(unnamed(tmp_path / "cows.parquet"))
    shown = do("preview", path=file)["regions"]["preview"]
    assert "Choose a layout, and which column" in shown and ">choose<" in shown

    asked = api.preview_source(file, "chosen_rejected")
    assert asked["field"] and asked["problem"].startswith("No column holds")
    assert {each["field"] for each in asked["mapping"]} >= {"prompt", "chosen", "rejected"}
    columns = {"prompt": "x", "chosen": "y", "rejected": "z"}
    read = api.preview_source(file, "chosen_rejected", columns)
    assert (read["problem"], read["votes"]) == ("", {"preference": 2})


def test_folders_of_better_and_worse_images_take_a_prompt_that_is_typed(api: Api, tmp_path: Path):
    for side, seed in (("chosen", 1), ("rejected", 2)):
        (tmp_path / "pairs" / side).mkdir(parents=True)
        (tmp_path / "pairs" / side / "1.png").write_bytes(colored(seed, "PNG"))
    found = api.preview_source(str(tmp_path / "pairs"), "folders", {"prompt": "a red fox"})
    assert found["votes"] == {"preference": 1}
    assert found["examples"][0]["prompt"] == "a red fox"


def test_files_of_a_browser_are_moved_into_the_studio(
    do: Do, api: Api, place: Place, tmp_path: Path, uploads: Path
):
    sent = uploads / "abc" / "votes.parquet"
    sent.parent.mkdir()
    shutil.move(pickapic(tmp_path / "votes.parquet"), sent)
    shown = do("uploaded", files=[{"path": str(sent), "name": "votes.parquet"}])
    assert "9 choices, 3 ties" in shown["regions"]["preview"] and not sent.exists()

    path = place.studio.data.incoming.previewed[0]["path"]
    do("import", path=path, layout="pickapic", mapping={}, name="dropped", copy=False)
    assert api.sources()[0]["votes"] == {"preference": 9, "tie": 3}
    assert not Path(path).exists() and api.sources()[0]["faults"] == {}
    assert list((place.store.opening.folder.path / "sources").rglob("*.parquet"))


def test_a_preview_that_is_cancelled_leaves_nothing_of_what_was_sent(
    do: Do, place: Place, tmp_path: Path, uploads: Path
):
    sent = uploads / "votes.parquet"
    shutil.move(pickapic(tmp_path / "votes.parquet"), sent)
    do("uploaded", files=[{"path": str(sent), "name": "votes.parquet"}])
    path = Path(place.studio.data.incoming.previewed[0]["path"])
    assert do("forget")["regions"]["preview"] == "" and not path.exists()


def test_what_cannot_be_read_is_told_in_a_sentence(do: Do, tmp_path: Path):
    (tmp_path / "votes.parquet").write_bytes(b"PAR1 and no more")
    for path, told in (("/no/such/file", "/no/such/file"), (tmp_path / "votes.parquet", "votes")):
        job = do("preview", path=str(path))["job"]
        assert job["state"] == "failed" and told in job["message"]
    with pytest.raises(InvalidInput, match="Name a file or a folder"):
        do("preview", path="  ")
    with pytest.raises(NotFound):
        do("remove", source="nobody's")
    with pytest.raises(InvalidInput, match="is nothing that is done here"):
        do("dance")


@pytest.mark.slow
def test_a_backup_is_made_and_listed(do: Do, api: Api, tmp_path: Path):
    assert "There is no backup yet." in do("look")["regions"]["backups"]
    shown = do("backup", target=str(tmp_path / "safe"))
    assert f"Backed up to {tmp_path / 'safe'}" in shown["regions"]["job-backup"]
    assert "0 votes" in shown["regions"]["backups"]
    assert str(tmp_path / "safe") in shown["regions"]["backup"], "it is the usual one now"
    assert api.backup("")["path"] == str(tmp_path / "safe")
    assert api.data_job()["kind"] == "backup"


@pytest.mark.slow
def test_another_studio_is_looked_at_and_then_merged(
    do: Do, api: Api, place: Place, tmp_path: Path
):
    place.label(2)
    other, base = tmp_path / "other", place.studio.data.incoming.base
    until(lambda: place.store.waiting_pairs(base, 1))
    api.backup(str(tmp_path / "safe"))
    Restore(tmp_path / "safe", other).write()
    shown = do("merge_preview", path=str(other))["regions"]["merge"]
    assert "Nothing is new" in shown and 'data-act="merge"' not in shown

    with Store(other) as theirs:
        pair = theirs.waiting_pairs(base, 1)[0]
        theirs.vote(as_vote(pair.pair_id, "left", "bob", "given there"))
    shown = do("merge_preview", path=str(other))["regions"]["merge"]
    assert "Would come in: 1 vote." in shown and 'data-act="merge"' in shown
    assert place.store.counts(base).votes == 2, "a look changes nothing"

    shown = do("merge", path=str(other))["regions"]
    assert "Merged in: 1 vote." in shown["job-merge"] and shown["merge"] == ""
    assert place.store.counts(base).votes == 3
    failed = do("merge_preview", path=str(tmp_path / "nowhere"))
    assert failed["job"]["state"] == "failed" and failed["regions"]["merge"] == ""


def test_votes_go_out_in_a_form_and_come_in_again(do: Do, api: Api, place: Place, tmp_path: Path):
    place.label(3)
    out = tmp_path / "new" / "votes"
    shown = do("export", form="pickapic", whose="", target=str(out), names=False)
    assert "Written, read back and compared" in shown["regions"]["job-out"]
    written = shown["job"]["result"]
    assert (written["rows"], written["path"]) == (3, str(out))
    assert api.preview_source(str(out))["votes"] == {"preference": 3}

    usual = api.export_votes("csv", whose="person:ann", names=True)
    assert "ann" in next(Path(usual["path"]).glob("*.csv")).read_text("utf-8")
    assert Path(usual["path"]).parent == place.store.opening.folder.exports
    assert usual["download"] == f"votes/{Path(usual['path']).name}.zip"
    archive = zipped(place.studio.data.outgoing.download(f"{Path(usual['path']).name}.zip"))
    with zipfile.ZipFile(archive) as opened:
        assert any(name.endswith("votes.csv") for name in opened.namelist())
    archive.unlink()


def test_an_export_that_cannot_be_is_told_in_a_sentence(do: Do, place: Place, tmp_path: Path):
    job = do("export", form="csv", whose="", target=str(tmp_path / "out"))["job"]
    assert job["state"] == "failed" and "There is no vote to export." in job["message"]
    for value in ({"form": "xml"}, {"form": "csv", "whose": "person:nobody"}):
        with pytest.raises(PalateError, match=r"no form|nobody"):
            do("export", **value)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear", "utf-8")
    place.label(1)
    job = do("export", form="csv", target=str(tmp_path / "mine"))["job"]
    assert job["state"] == "failed" and "no export of Palate's" in job["message"]


@pytest.mark.slow
def test_an_export_is_restored_where_nobody_voted_yet(do: Do, api: Api, tmp_path: Path):
    with Store(tmp_path / "old") as old:
        old.ensure_base("emoji")
        give_every_kind(old)
        old.exports.write("pickapic", tmp_path / "exported")
    shown = do("restore_votes", path=str(tmp_path / "exported"))["regions"]
    assert "votes and 2 rankings" in shown["job-restore"]

    again = do("restore_votes", path=str(tmp_path / "exported"))
    assert again["job"]["state"] == "failed" and "has votes already" in again["job"]["message"]
    with pytest.raises(FolderTaken, match="merge the two studios"):
        api.restore_votes(str(tmp_path / "exported"))
    with pytest.raises(InvalidInput, match="Name the folder of the export"):
        do("restore_votes", path=" ")
