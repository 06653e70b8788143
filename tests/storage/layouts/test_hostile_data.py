"""Files that are broken, or made to do harm, give a sentence each and never anything else."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from foreign_files import data_url, image, image_file, json_file, lines, parquet, read, table

from storage.errors import UnreadableData
from storage.layouts.foreign_votes import RowLeftOut
from storage.layouts.found import find_data
from storage.layouts.reading import votes

A, B = image(1), image(2)
ROW = {"prompt": "a", "chosen": data_url(1), "rejected": data_url(2)}
CHOSEN = "prompt VARCHAR, chosen BLOB, rejected BLOB"
LABELS = "caption VARCHAR, jpg_0 BLOB, jpg_1 BLOB, label_0 DOUBLE, label_1 DOUBLE"
RANKING = "prompt VARCHAR, image BLOB[], rank BIGINT[]"
OWN = {
    "pair_id": "p",
    "kind": "tie",
    "caption": "a",
    "label_0": 0.5,
    "annotator": "x",
    "jpg_0": data_url(1),
    "jpg_1": data_url(2),
    "reasons": [],
    "ranks": [],
    "more_images": [],
    "share": None,
}
Making = Callable[[Path], Path]


def cut_parquet(keep: int) -> Making:
    def make(folder: Path) -> Path:
        path = parquet(folder / "a.parquet", CHOSEN, [("a", A, B)])
        path.write_bytes(path.read_bytes()[:keep])
        return path

    return make


def noise_in_parquet(start: int, length: int) -> Making:
    def make(folder: Path) -> Path:
        path = parquet(folder / "a.parquet", CHOSEN, [("a" * 500, A * 20, B * 20)] * 5)
        content = bytearray(path.read_bytes())
        content[start : start + length] = b"\xff" * length
        path.write_bytes(content)
        return path

    return make


def bytes_named(name: str, content: bytes) -> Making:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    return make


def rows(*changes: dict) -> Making:
    return lambda folder: lines(folder / "a.jsonl", [{**ROW, **change} for change in changes])


def row_of(columns: str, *values: object) -> Making:
    return lambda folder: parquet(folder / "a.parquet", columns, [values])


def mixed_schemas(folder: Path) -> Path:
    parquet(folder / "a.parquet", CHOSEN, [("a", A, B)])
    parquet(folder / "b.parquet", "prompt VARCHAR, chosen VARCHAR, rejected BLOB", [("a", "x", B)])
    return folder


def mixed_kinds(folder: Path) -> str:
    parquet(folder / "a.parquet", CHOSEN, [("a", A, B)])
    lines(folder / "b.jsonl", [ROW])
    return str(folder / "*")


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "a.parquet")
    return folder / "a.parquet"


def pipe_of_images(folder: Path) -> Path:
    os.mkfifo(folder / "x.png")
    return rows({"chosen": "x.png"})(folder)


def loop(folder: Path) -> Path:
    (folder / "x.png").symlink_to(folder / "x.png")
    return rows({"chosen": "x.png"})(folder)


def folder_as_image(folder: Path) -> Path:
    (folder / "x.png").mkdir()
    return rows({"chosen": "x.png"})(folder)


def pairs_of_links(folder: Path) -> Path:
    data = folder / "data"
    image_file(folder / "secret.png", 1)
    image_file(data / "rejected" / "x.png", 2)
    (data / "chosen").mkdir()
    (data / "chosen" / "x.png").symlink_to(folder / "secret.png")
    (data / "x.txt").write_text("a")
    return data


def linked_side(folder: Path) -> Path:
    data = folder / "data"
    image_file(folder / "elsewhere" / "x.png", 1)
    image_file(data / "rejected" / "x.png", 2)
    (data / "chosen").symlink_to(folder / "elsewhere")
    (data / "x.txt").write_text("a")
    return data


def repeated_text(folder: Path) -> Path:
    """A text of 1.2 MB that 50 rows share, 60 MB, in a file of some kilobytes."""
    path = folder / "a.parquet"
    with duckdb.connect(":memory:") as connection:
        connection.execute(
            "COPY (SELECT repeat('x', 1_200_000) AS prompt, 'y'::BLOB AS chosen, "
            f"'z'::BLOB AS rejected FROM range(50)) TO '{path}' (FORMAT parquet, COMPRESSION zstd)"
        )
    return path


DEEP = "[" * 100_000
HOSTILE: dict[str, Making] = {
    "parquet of nothing": bytes_named("a.parquet", b""),
    "parquet that is text": bytes_named("a.parquet", b"PAR1 is how I begin"),
    "parquet cut in its pages": cut_parquet(50),
    "parquet cut in its footer": cut_parquet(-10),
    "parquet without its last byte": cut_parquet(-1),
    "parquet with noise in a page": noise_in_parquet(4, 300),
    "parquet with noise in its footer": noise_in_parquet(-650, 600),
    "parquet with a footer of 4 GB": bytes_named(
        "a.parquet", b"PAR1" + b"\xff" * 40 + b"\xff\xff\xff\xffPAR1"
    ),
    "parquet that is a pipe": pipe,
    "parquet without rows": lambda folder: parquet(folder / "a.parquet", CHOSEN, []),
    "parquet without known columns": row_of("x INTEGER", 1),
    "shards of other columns": mixed_schemas,
    "files of two kinds": mixed_kinds,
    "a text repeated in every row": repeated_text,
    "a packed file": bytes_named("a.zip", b"PK\3\4"),
    "a packed table": bytes_named("a.jsonl.gz", b"\x1f\x8b"),
    "a program": bytes_named("a.py", b"import os"),
    "a name that is nowhere": lambda folder: folder / "none.parquet",
    "a name with a zero": lambda folder: Path("a\0b.parquet"),
    "a pattern that never ends": lambda folder: "[" * 300,
    "an empty folder": lambda folder: folder,
    "prompts that are numbers": row_of("prompt BIGINT, chosen BLOB, rejected BLOB", 5, A, B),
    "a prompt of nothing": row_of(CHOSEN, " \n\t ", A, B),
    "a prompt that is missing": row_of(CHOSEN, None, A, B),
    "a prompt of a million letters": row_of(CHOSEN, "x" * 1_100_000, A, B),
    "a prompt of control characters": rows({"prompt": "\x00\x01\x1b"}),
    "a prompt of half a character": rows({"prompt": "\ud83d"}),
    "prompts in lists in lists": rows({"prompt": [[["a"]]]}, {"prompt": [{"content": [["a"]]}]}),
    "images that are numbers": row_of("prompt VARCHAR, chosen BIGINT, rejected BLOB", "a", 5, B),
    "images that are nothing": row_of(CHOSEN, "a", None, B),
    "images that are yes": rows({"chosen": True}),
    "images in lists in lists": rows({"chosen": [[[[]]]]}, {"chosen": {"path": {"path": 5}}}),
    "images in base64 that is none": rows({"chosen": "data:image/png;base64,%%%"}),
    "images in a text that is no base64": rows({"chosen": "data:image/png,abc"}),
    "the same image twice": row_of(CHOSEN, "a", A, A),
    "names that lead out": rows({"chosen": "../../etc/passwd"}, {"chosen": "/etc/passwd"}),
    "names with a zero": rows({"chosen": "a\0.png"}),
    "names of half a character": rows({"chosen": "\udcff.png"}),
    "names of a million letters": rows({"chosen": "x" * 1_000_000}),
    "names of devices": rows({"chosen": "/dev/zero"}, {"chosen": "//./pipe/x"}),
    "an image that is a pipe": pipe_of_images,
    "an image that is a link to itself": loop,
    "an image that is a folder": folder_as_image,
    "images behind a link": pairs_of_links,
    "a folder of images that is a link": linked_side,
    "labels without a number": row_of(LABELS, "a", A, B, float("nan"), 1.0),
    "labels below zero": row_of(LABELS, "a", A, B, -1.0, 2.0),
    "labels without end": row_of(LABELS, "a", A, B, float("inf"), 1.0),
    "labels that are missing": row_of(LABELS, "a", A, B, None, None),
    "labels that are texts": row_of(
        "caption VARCHAR, jpg_0 BLOB, jpg_1 BLOB, label_0 VARCHAR", "a", A, B, "left"
    ),
    "labels of more than 1 alone": row_of(
        "caption VARCHAR, jpg_0 BLOB, jpg_1 BLOB, label_0 DOUBLE", "a", A, B, 7.0
    ),
    "labels in lists": row_of(
        "caption VARCHAR, jpg_0 BLOB, jpg_1 BLOB, label_0 INTEGER[]", "a", A, B, [1, 0]
    ),
    "ranks of another number": row_of(RANKING, "a", [A, B], [1]),
    "ranks below zero": row_of(RANKING, "a", [A, B], [1, -1]),
    "ranks that are missing": row_of(RANKING, "a", [A, B], None),
    "ranks with a gap": row_of(RANKING, "a", [A, B], [1, None]),
    "a ranking of one image": row_of(RANKING, "a", [A], [1]),
    "a ranking of none": row_of(RANKING, "a", [], []),
    "a ranking of a hundred images": row_of(RANKING, "a", [A] * 100, list(range(100))),
    "a ranking with an image twice": row_of(RANKING, "a", [A, A, B], [1, 2, 3]),
    "a ranking with a hole": row_of(RANKING, "a", [A, None, B], [1, 2, 3]),
    "counts that are none": lambda folder: json_file(
        folder / "a.json", [{"prompt": "a", "path1": "x", "path2": "y", "choice_dist": "many"}]
    ),
    "answers of everything": lambda folder: json_file(
        folder / "a.json",
        [
            {"fields": {"image_1": "x", "image_2": "y", "prompt": "a"}, "responses": {"q": answer}}
            for answer in ([{"value": {}}], {"a": 1}, 5, "", [[]], [None], [{"value": [[]]}])
        ],
    ),
    "annotations of everything": lambda folder: json_file(
        folder / "a.json",
        [
            {"data": {"image1": "x", "image2": "y", "prompt": "a"}, "annotations": answer}
            for answer in (
                [{"result": [{"value": {"selected": "left"}}]}],
                [{"result": 5}],
                [{"result": [5, [], {"value": 7}]}],
                5,
                [None],
                {"result": []},
            )
        ],
    ),
    "our own columns with everything in them": lambda folder: json_file(
        folder / "a.json",
        [
            {**OWN, "kind": {}},
            {**OWN, "kind": "ranking", "ranks": [1, 2], "more_images": 5},
            {**OWN, "kind": "ranking", "ranks": {"a": 1}, "more_images": [[]]},
            {**OWN, "kind": "preference", "label_0": "most"},
            {**OWN, "kind": "preference", "share": [[]]},
            {**OWN, "kind": "tie", "caption": {}},
            {**OWN, "kind": "skip", "reasons": 7},
        ],
    ),
    "json cut short": bytes_named("a.json", b'[{"prompt": "a", "chosen": "x.png", "reje'),
    "json without its last bracket": bytes_named("a.json", json.dumps([ROW]).encode()[:-1]),
    "json nested a hundred thousand times": bytes_named("a.json", DEEP.encode()),
    "json lines nested a hundred thousand times": bytes_named("a.jsonl", DEEP.encode()),
    "json of one number": bytes_named("a.json", b"5"),
    "json of texts": bytes_named("a.json", b'["a", "b"]'),
    "json of null": bytes_named("a.json", b"[null, null]"),
    "json of a number of ten thousand digits": bytes_named("a.json", b"[" + b"9" * 10_000 + b"]"),
    "json that is no text": bytes_named("a.json", b'[{"prompt": "\xff\xfe\xfd"}]'),
    "json lines that are no text": bytes_named("a.jsonl", bytes(range(256)) * 4),
    "json lines without objects": bytes_named("a.jsonl", b'5\n[]\n"a"\nnull\n'),
    "csv of one line": bytes_named("a.csv", b"prompt,chosen,rejected\n"),
    "csv of nothing": bytes_named("a.csv", b""),
    "csv of two equal columns": bytes_named("a.csv", b"prompt,prompt,chosen,rejected\na,b,c,d\n"),
    "csv with an open quote": bytes_named(
        "a.csv", b'prompt,chosen,rejected\na,"b,c\n' + b"defghijk" * 17_000
    ),
    "csv with short and long rows": bytes_named("a.csv", b"prompt,chosen,rejected\na\na,b,c,d\n"),
    "csv of one endless line": bytes_named("a.csv", b"prompt,chosen,rejected" + b"x" * 2_000_000),
    "csv of zeros": bytes_named("a.csv", b"\0" * 5_000),
    "csv that is an image": bytes_named("a.csv", A),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gives_a_sentence_and_nothing_else(tmp_path, name):
    given = HOSTILE[name](tmp_path)

    try:
        found = list(votes(find_data([given])))
    except UnreadableData as error:
        sentence = str(error)
        assert sentence[0].isupper() or sentence[0].islower()
        assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 600
        assert "Traceback" not in sentence
    else:
        assert found and all(isinstance(item, RowLeftOut) for item in found)
        assert all(item.reason and len(item.reason) < 100 for item in found)


def test_sound_rows_come_in_beside_hostile_ones(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b"\xef\xbb\xbf"
        + b"\n".join(
            [
                json.dumps(ROW).encode(),
                b"{broken",
                DEEP.encode(),
                b'{"prompt": "\xff"}',
                b"",
                json.dumps({**ROW, "prompt": "two\u2028lines\x00 of \ud83d text"}).encode(),
            ]
        )
    )

    first, *broken, last = read(path)

    assert first.prompt == "a"
    assert [item.reason for item in broken] == [
        "a line is no JSON",
        "a line is no JSON",
        "a row is not in UTF-8",
    ]
    assert last.prompt == "two\u2028lines  of  text" and last.row == 4


def test_tables_of_other_encodings_and_separators_are_read(tmp_path):
    image_file(tmp_path / "ä.png", 1)
    image_file(tmp_path / "2.png", 2)
    text = 'prompt;chosen;rejected\n"a; fox\nand ü";ä.png;2.png\n'
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        path = tmp_path / f"{encoding}.csv"
        path.write_text(text, encoding=encoding)

        (vote,) = read(path)
        assert vote.prompt == "a; fox and ü"


def test_equal_ids_and_rows_stay_votes_of_their_own(tmp_path):
    path = lines(tmp_path / "a.jsonl", [{**ROW, "id": "1"}] * 3)

    assert [vote.row for vote in read(path)] == [0, 1, 2]


def test_empty_cells_of_csv_are_none(tmp_path):
    path = table(tmp_path / "a.csv", ["prompt", "chosen", "rejected"], [["a", "", "x.png"]])

    assert [item.reason for item in read(path)] == ["an image is missing"]
