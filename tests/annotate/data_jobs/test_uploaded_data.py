"""Files that a browser sent lie as they lay before, and nothing else of the machine is touched."""

from __future__ import annotations

import pytest

from annotate.data_jobs.uploaded_data import UploadedData
from annotate.errors import InvalidRequest


@pytest.fixture
def uploads(tmp_path):
    folder = tmp_path / "uploads"
    folder.mkdir()
    return folder


def sent(uploads, number, content=b"x"):
    file = uploads / str(number) / "file"
    file.parent.mkdir()
    file.write_bytes(content)
    return str(file)


def test_one_file_is_read_as_a_file_and_a_folder_as_a_folder(uploads):
    data = UploadedData()
    file = data.collect([(sent(uploads, 1, b"PAR1"), "votes.parquet")], uploads)
    assert (file.name, file.read_bytes()) == ("votes.parquet", b"PAR1")
    assert data.holds(file)

    names = ["pairs/metadata.jsonl", "pairs/images/1.png"]
    folder = data.collect([(sent(uploads, 2 + n), name) for n, name in enumerate(names)], uploads)
    assert folder.name == "pairs" and (folder / "images" / "1.png").is_file()
    assert not file.exists(), "the upload before is kept"
    data.discard()
    assert not folder.exists()


def test_several_files_lie_beside_each_other(uploads):
    files = [(sent(uploads, number), f"{number}.parquet") for number in range(3)]
    folder = UploadedData().collect(files, uploads)
    assert sorted(each.name for each in folder.iterdir()) == ["0.parquet", "1.parquet", "2.parquet"]


@pytest.mark.parametrize(
    "name", ["../votes.csv", "/etc/votes.csv", "a/../../b", "", "c:votes", "\x00"]
)
def test_a_name_that_leads_out_of_the_folder_is_refused(uploads, name):
    file = sent(uploads, 1)
    with pytest.raises(InvalidRequest, match="no name that a file can have"):
        UploadedData().collect([(file, name)], uploads)


def test_a_file_that_no_browser_sent_stays_where_it_is(uploads, tmp_path):
    own = tmp_path / "own.csv"
    own.write_text("mine")
    (uploads / "link").symlink_to(own)
    for path in (own, uploads / "link", uploads / "gone"):
        with pytest.raises(InvalidRequest, match="not there any more"):
            UploadedData().collect([(str(path), "votes.csv")], uploads)
    assert own.read_text() == "mine"
