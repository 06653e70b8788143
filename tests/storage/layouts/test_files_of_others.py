"""Files as other people have them: whole paths, capitals, open quotes, several folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from foreign_files import bytes_of, image, image_file, layout_of, lines, parquet, read, table, told

from storage.errors import UnreadableData
from storage.layouts.foreign_votes import RowLeftOut
from storage.layouts.found import find_data

NAMES = ["prompt", "chosen", "rejected"]
CHOICE = ("preference", [image(1), image(2)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of data with a name that people have, and two images."""
    data = tmp_path / "Bilder f\u00fcr \u00c4rger (1) [neu]"
    image_file(data / "img" / "a 1.png", 1)
    image_file(data / "img" / "\u00e4.png", 2)
    return data


def test_whole_paths_to_images_of_the_data_are_read_and_others_are_not(folder, tmp_path):
    image_file(tmp_path / "Bilder" / "out.png", 3)
    here, other = str(folder / "img" / "a 1.png"), str(folder / "img" / "\u00e4.png")
    out = str(tmp_path / "Bilder" / "out.png")
    rows = [["x", here, other], ["x", here, out], ["x", f"{folder}/../Bilder/out.png", other]]

    first, *others = read(table(folder / "votes.csv", NAMES, rows))

    assert told(first) == CHOICE
    assert [told(row) for row in others] == [
        "an image's name leads out of the folder of the data"
    ] * 2


def test_tables_have_byte_order_marks_semicolons_and_ends_of_windows(folder):
    path = folder / "Wahl \u00fc.csv"
    text = '\ufeffnr;rejected;prompt;chosen;\r\n1;img/\u00e4.png;"ein Fuchs; rot";img/a 1.png;\r\n'
    path.write_bytes(text.encode())

    (vote,) = read(path)

    assert told(vote) == CHOICE and vote.prompt == "ein Fuchs; rot"


def test_every_line_behind_an_open_quote_is_counted(folder):
    row = "x,img/a 1.png,img/\u00e4.png\n"
    path = folder / "votes.csv"
    path.write_text("prompt,chosen,rejected\n" + row * 2 + '"' + row * 3, "utf-8")

    found = read(path)

    assert (
        list(map(told, found)) == [CHOICE] * 2 + ["a quotation mark is not closed in its row"] * 3
    )
    assert [vote.row for vote in found] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'prompt,chosen,rejected\n"x,a.png,b.png\n', "more or fewer cells"),
        ("prompt,chosen,rejected\nB\u00e4r,a.png,b.png\n".encode("latin-1"), "not in UTF-8"),
    ],
)
def test_a_file_whose_rows_cannot_be_read_says_why(tmp_path, content, reason):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(UnreadableData, match=f"No row can be read: .*{reason}"):
        find_data([tmp_path / "a.csv"])


def test_folders_of_images_may_have_their_names_in_capitals(folder):
    for side, number in (("Chosen", 1), ("REJECTED", 2)):
        image_file(folder / side / "1.png", number)
    (folder / "Chosen" / "1.txt").write_bytes(b"\xef\xbb\xbfein B\xc3\xa4r\r\n")

    (vote,) = read(folder)

    assert layout_of(folder) == "folders"
    assert told(vote) == CHOICE and vote.prompt == "ein B\u00e4r"


def test_several_folders_and_empty_ones_say_what_to_do(tmp_path):
    for name in ("one", "two"):
        image_file(tmp_path / name / "chosen" / "cats" / "1.png", 1)
        image_file(tmp_path / name / "rejected" / "cats" / "1.png", 2)
    with pytest.raises(UnreadableData, match="Give one folder of chosen/ and rejected/ at a time"):
        find_data([tmp_path / "one", tmp_path / "two"])
    with pytest.raises(UnreadableData, match="folders in these folders are not looked into"):
        find_data([tmp_path / "one"])


def test_an_answer_may_be_the_name_of_the_better_images_file(folder):
    row = {"prompt": "x", "image_a": "img/\u00e4.png", "image_b": "img/a 1.png"}
    rows = [{**row, "winner": name} for name in ("img/a 1.png", "image_b", "img/c.png")]

    one, other, last = read(lines(folder / "votes.jsonl", rows))

    assert told(one) == told(other) == CHOICE
    assert told(last) == "an answer is none of the known ones"


def test_the_same_pair_with_opposite_labels_gives_both_votes(folder):
    columns = "label_1 VARCHAR, jpg_1 BLOB, has_label BOOLEAN, caption VARCHAR, jpg_0 BLOB, "
    columns += "label_0 VARCHAR"
    one, other, same = image(1), image(2), image(1)
    rows = [
        ("0", other, True, "x", one, "1"),
        ("True", other, True, "x", one, "False"),
        ("0", same, True, "x", one, "1"),
        ("0", other, False, "x", one, "1"),
    ]

    found = read(parquet(folder / "data" / "a-00000-of-00001.parquet", columns, rows))

    assert [bytes_of(vote) for vote in found[:2]] == [[one, other], [other, one]]
    assert [row.reason for row in found[2:] if isinstance(row, RowLeftOut)] == [
        "both images are the same",
        "nobody has chosen between its images",
    ]
