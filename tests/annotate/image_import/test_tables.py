"""A table of prompts is read however its columns are called, parted and encoded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from image_files_made import save_png, scene

from annotate.image_import.captions.matching import CaptionRow, match_rows
from annotate.image_import.decode import read_header
from annotate.image_import.folder import FolderContents, find_images
from storage.safe_files import SkippedFile

FOX = "a red fox, in snow"


def images(root: Path, *names: str) -> None:
    for number, name in enumerate(names):
        save_png(root / name, scene(number, (32, 32)))


def found(root: Path) -> FolderContents:
    return find_images(root, Path("/nowhere"))


def told(root: Path) -> dict[str, str]:
    """The prompts that tables give, by image."""
    return {
        path.relative_to(root.resolve()).as_posix(): t
        for path, t in found(root).table_prompts.items()
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("captions.csv", f'file_name,text\na.png,"{FOX}"\n'),
        ("captions.csv", f'Prompt,Seed,Image Path\n"{FOX}",7,a.png\n'),
        ("metadata.csv", f"filename;caption\na.png;{FOX}\n"),
        ("metadata.csv", f"id;score;description\na;7;{FOX}\n"),
        ("prompts.tsv", f"image\tprompt\tnegative_prompt\na.png\t{FOX}\tblurry\n"),
        ("anything.csv", f'a.png,"{FOX}"\n'),
        ("captions.csv", f"a.png;{FOX}\n"),
        ("captions.csv", f'positivePrompt,imagePath\r\n"{FOX}",./a.png\r\n'),
        ("captions.csv", f'file,prompt\na.png,"a red fox,\nin snow"\nb.png,"{FOX}"\n'),
        ("captions.txt", f'image,caption\na.png,"{FOX}"\na.png,another\n'),
        ("captions.csv", f'image,Beschreibung\na.png,"{FOX}"\n'),
        ("captions.csv", f'file,text\n/home/ann/shots/a.png,"{FOX}"\n'),
        ("captions.csv", f'file,text\nC:\\Users\\Ann\\a.png,"{FOX}"\n'),
        ("captions.csv", f'file,text\nhttps://example.org/x/A.PNG,"{FOX}"\n'),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_table_of_cells_is_read(tmp_path: Path, name: str, text: str, encoding: str) -> None:
    images(tmp_path, "a.png")
    (tmp_path / name).write_bytes(text.encode(encoding))
    assert " ".join(told(tmp_path)["a.png"].split()) == FOX


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("inside", ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c", "\r"])
def test_a_line_of_json_ends_at_a_line_feed_alone(tmp_path: Path, ending: str, inside: str) -> None:
    images(tmp_path, "a.png", "b.png")
    rows = [{"file_name": name, "text": f"{name}{inside}fox"} for name in ("a.png", "b.png")]
    lines = [json.dumps(row, ensure_ascii=False) + ending for row in rows]
    (tmp_path / "metadata.jsonl").write_bytes("".join(lines).encode("utf-8-sig"))
    assert {name: text.split(name)[1][-3:] for name, text in told(tmp_path).items()} == {
        "a.png": "fox",
        "b.png": "fox",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("metadata.json", [{"file_name": "a.png", "prompt": FOX}]),
        ("dataset.json", {"version": 1, "data": [{"image": "a.png", "caption": FOX}]}),
        ("meta_cap.json", {"a": {"caption": FOX, "train_resolution": [512, 512]}}),
        ("prompts.json", {"a.png": FOX}),
        ("part-000001.json", {"a.png": {"p": FOX, "se": 7, "c": 7.0, "sa": "k_euler"}}),
        ("pairs.json", [{"prompt": FOX, "generations": ["a.png", "b.png"], "ranking": [1, 2]}]),
        ("votes.json", [{"prompt": FOX, "chosen": "a.png", "rejected": "b.png"}]),
        ("captions.json", {"images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "c"}],
                           "annotations": [{"id": 1, "image_id": 1, "caption": FOX}]}),
    ],
)  # fmt: skip
def test_a_table_that_is_one_piece_of_json_is_read(tmp_path: Path, name: str, value: Any) -> None:
    images(tmp_path, "a.png", "b.png")
    (tmp_path / name).write_text(json.dumps(value), "utf-8")
    prompts = told(tmp_path)
    assert prompts["a.png"] == FOX and set(prompts.values()) == {FOX}


def test_a_negative_prompt_a_score_or_a_model_is_never_the_prompt(tmp_path: Path) -> None:
    images(tmp_path, "a.png")
    row = {"file_name": "a.png", "negative_prompt": "ugly hands", "prompt_id": "p 7",
           "model": "some fine model", "text_score": "0.7"}  # fmt: skip
    (tmp_path / "metadata.jsonl").write_text(json.dumps(row), "utf-8")
    assert told(tmp_path) == {}


def test_a_path_of_another_machine_means_the_one_image_that_is_called_so() -> None:
    here = [Path(f"/in/{name}") for name in ("x/a.png", "y/a.png", "x/b.png", "c.png", "y/c.png")]
    rows = [
        CaptionRow("/in", "/data/y/a.png", "a dog"),
        CaptionRow("/in", "/data/b.png", "a hen"),
        CaptionRow("/in", "/data/c.png", "nobody knows which"),
        CaptionRow("/in", "c.png", "a yak"),
        CaptionRow("/in", "d.png", "not here"),
    ]
    told, unclear = match_rows(rows, here)
    assert {path.as_posix(): text for path, text in told.items()} == {
        "/in/y/a.png": "a dog", "/in/x/b.png": "a hen",
        "/in/c.png": "a yak", "/in/y/c.png": "nobody knows which",
    }  # fmt: skip
    assert unclear == set()


def test_moved_images_of_one_name_are_told_apart_by_their_folders_or_not_at_all() -> None:
    here = [Path(f"/in/{n:05}/samples/0.png") for n in range(500)]
    rows = [CaptionRow("/in", f"/old/out/{n:05}/samples/0.png", f"prompt {n}") for n in range(500)]
    told, unclear = match_rows(rows, here)
    assert told == {path: f"prompt {n}" for n, path in enumerate(here)} and unclear == set()
    told, unclear = match_rows([row._replace(name=f"/old/x{row.name[9:]}") for row in rows], here)
    assert (told, unclear) == ({}, set(here))


def test_images_that_rows_differ_about_are_left_out_rather_than_named_after_their_folder(
    tmp_path: Path,
) -> None:
    images(tmp_path, "a red fox/1.png", "a dog/1.png", "a hen/2.png")
    rows = "file,text\n/old/1.png,a cat\n/old/here/2.png,a yak\n/old/there/2.png,an ox\n"
    (tmp_path / "captions.csv").write_text(rows, "utf-8")
    here = found(tmp_path)
    assert here.table_prompts == {}
    for path in here.images:
        with pytest.raises(SkippedFile, match="tables of prompts name several images so"):
            read_header(path, here)


def test_json_beside_an_image_is_no_table_and_other_json_says_nothing(tmp_path: Path) -> None:
    images(tmp_path, "a.png", "b.png")
    for name in ("a.json", "a.png.json", "a.info.json"):
        (tmp_path / name).write_text('[{"file": "b.png", "prompt": "a dog"}]', "utf-8")
    (tmp_path / "settings.json").write_text('{"prompt": "a fox", "image": "out"}', "utf-8")
    (tmp_path / "broken.json").write_text("{", "utf-8")
    here = found(tmp_path)
    assert (here.table_prompts, here.undecided, dict(here.skipped.counts)) == ({}, set(), {})


def test_a_broken_table_leaves_its_images_out(tmp_path: Path) -> None:
    images(tmp_path, "a red fox/a.png")
    (tmp_path / "a red fox" / "metadata.json").write_text('[{"file_name": "a.png"', "utf-8")
    here = found(tmp_path)
    assert dict(here.skipped.counts) == {"a table of prompts: is no JSON": 1}
    with pytest.raises(SkippedFile, match="cannot be read"):
        read_header(here.images[0], here)
