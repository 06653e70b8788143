"""What is said of an image elsewhere than beside it is found where it can be about no other."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from image_files_made import save_png, scene

from annotate.image_import.decode import read_header
from annotate.image_import.folder import find_images
from storage.safe_files import SkippedFile

FOX, DOG = "a red fox in snow", "a dog, asleep"
PAGE = """<!DOCTYPE html><html><head><title>Log</title></head><body>
<div id="{0}"><table><tr><td><a href="{0}"><img src='{0}' loading='lazy'></a><div>{0}</div></td>
<td><table><tr><td class='label'>Prompt</td><td class='value'>{1} &amp; co</td></tr>
<tr><td class='label'>Negative Prompt</td><td class='value'>blurry</td></tr>
<tr><td class='label'>Seed</td><td class='value'>7</td></tr></table></td></tr></table></div>
"""
XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt><rdf:li xml:lang="x-default"
>{}</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"""


def write(root: Path, files: dict[str, str]) -> Path:
    for number, (name, text) in enumerate(files.items()):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".png"):
            save_png(root / name, scene(number, (32, 32)))
        else:
            (root / name).write_text(text, "utf-8")
    return root


def prompts(root: Path) -> list[str | None]:
    """The prompts of all images in the order of their names."""
    found = find_images(root, Path("/nowhere"))
    told: list[str | None] = []
    for path in found.images:
        try:
            head = read_header(path, found)
            told.append(head.prompt)
        except SkippedFile:
            told.append(None)
    return told


@pytest.mark.parametrize(
    "files",
    [
        {"images/1.png": "", "images/2.png": "", "captions/1.txt": FOX, "captions/2.txt": DOG},
        {"train/img/1.png": "", "train/txt/1.txt": FOX, "val/img/1.png": "", "val/txt/1.txt": DOG},
        {"img/1.png": "", "img/2.png": "", "json/1.json": json.dumps({"caption": FOX}),
         "json/2.json": json.dumps({"caption": DOG})},
        {"0/samples/0.png": "", "1/samples/0.png": "",
         "0/metadata.jsonl": json.dumps({"include": [{"class": "fox"}], "prompt": FOX}),
         "1/metadata.jsonl": json.dumps({"include": [{"class": "dog"}], "prompt": DOG})},
        {"0/a.png": "", "1/a.png": "", "0/prompt.txt": f"{FOX}\n", "1/caption.txt": DOG},
        {"0/a.png": "", "0/prompt.txt": f"{FOX}\nNegative prompt: x\nSteps: 7, Sampler: Euler",
         "1/b.png": "", "1/metadata.json": json.dumps({"prompt": DOG, "seed": 7})},
        {"a.png": "", "b.png": "", "a.swarm.json": json.dumps({"prompt": FOX}),
         "b.metadata.json": json.dumps({"prompt": DOG})},
        {"a.png": "", "b.png": "", "list.txt": f"a.png#0\t{FOX}\na.png#1\tanother\nb.png#0\t{DOG}"},
        {"a.png": "", "b.png": "", "t.tsv": f'file\tprompt\na.png\t"{FOX}\nb.png\t{DOG}"\n'},
        {"x/a.png": "", "x/b.png": "",
         "t.jsonl": "".join(json.dumps({"image": {"bytes": None, "path": f"x/{name}.png"},
                                        "text": text}) + "\n"
                            for name, text in (("a", FOX), ("b", DOG)))},
        {"a.png": "", "b.png": "", "t.csv": f'file,prompt\na.jpg,{FOX}\nold/b.webp,"{DOG}"\n'},
        {"a.png": "", "b.png": "", "captions.json": json.dumps({"captions": {"a.png": FOX,
                                                                             "b.png": DOG}})},
        {"a.png": "", "b.png": "",
         "t.csv": f"sep=;\r\n\r\nfile;prompt\r\na.png;{FOX}\nb.png;{DOG}"},
        {"a b.png": "", "c.png": "",
         "t.csv": f'file,prompt\n/old/a%20b.png,{FOX}\nC.PNG,"{DOG}"\n'},
        {"a.png": "", "b.png": "", "captions.txt": f"a.png: {FOX}\nb.png: {DOG}\n"},
        {"a.png": "", "b.png": "", "t.csv": f"file,prompt,seed\na.png,{FOX},7\nb.png,{DOG},8\n"},
        {"a.png": "", "b.png": "", "t.csv": f"text,file\n{FOX},a.png\n{DOG},b.png\n"},
        {"a.png": "", "b.png": "", "t.csv": f"a.png,{FOX}\nb.png,{DOG}\n"},
        {"a.png": "", "b.png": "", "t.csv": f"a.png|{FOX}|A Red Fox\nb.png|{DOG}|A Dog\n"},
        {"a.png": "", "b.png": "",
         "metadata.json": "".join(json.dumps({"file_name": f"{name}.png", "text": text}) + "\n"
                                  for name, text in (("a", FOX), ("b", DOG)))},
        {"f/a.png": "", "f/b.png": "", "f/a.xmp": XMP.format(FOX), "f/b.png.xmp": XMP.format(DOG)},
        {"f/a.png": "", "f/b.png": "", "f/a.yaml": f"seed: 7\nprompt: {FOX}\nsteps: 30\n",
         "f/b.yml": "caption: >-\n  a dog,\n  asleep\nnegative_prompt: blurry\n"},
    ],
    ids=["folders", "splits", "json", "rows alone", "one text", "one program's text", "endings",
         "numbered", "quotes", "objects", "converted", "within", "sep", "encoded", "colons",
         "cut by commas", "cut before", "cut without a head", "columns without a head",
         "lines as json", "xmp", "yaml"],
)  # fmt: skip
def test_a_text_about_an_image_is_found_wherever_it_lies(
    tmp_path: Path, files: dict[str, str]
) -> None:
    told = [prompt and prompt.strip('"') for prompt in prompts(write(tmp_path, files))]
    assert told == [FOX, DOG]


def test_a_table_in_a_form_that_is_not_read_is_told_and_no_name_passes_for_its_prompts(
    tmp_path: Path,
) -> None:
    write(tmp_path, {"a red fox/1.png": "", "a red fox/metadata.parquet": "PAR1"})
    assert prompts(tmp_path) == [None]
    skipped = find_images(tmp_path, Path("/nowhere")).skipped
    assert list(skipped.counts) == [
        "a table of prompts: in a form that is not read; save it as CSV or JSON"
    ]


def test_a_page_that_logs_images_gives_their_prompts(tmp_path: Path) -> None:
    page = PAGE.format("1.png", FOX) + PAGE.format("2.png", DOG)
    write(tmp_path, {"1.png": "", "2.png": "", "log.html": page})
    assert prompts(tmp_path) == [f"{FOX} & co", f"{DOG} & co"]


def test_a_table_has_names_as_another_system_writes_them(tmp_path: Path) -> None:
    write(
        tmp_path,
        {unicodedata.normalize("NFD", "süß.png"): "", "t.csv": f"file,prompt\nsüß.png,{FOX}"},
    )
    assert prompts(tmp_path) == [FOX]


@pytest.mark.parametrize(
    "files",
    [
        {"a/1.png": "", "b/1.png": "", "captions/1.txt": FOX},
        {"images/1.png": "", "x/1.txt": FOX, "y/1.txt": DOG},
        {"images/1.png": "", "labels/1.txt": "0 0.5 0.5 0.1 0.1"},
        {"1.png": "", "1.txt": "0 0.5 0.5 0.1 0.1\n7 0.2 0.3 0.1 0.1"},
        {"1.png": "", "prompts.txt": f"{FOX}\n{DOG}\n"},
        {"1.png": "", "notes.txt": FOX},
        {"1.png": "", "metadata.json": json.dumps({"title": "Foxes", "description": "500 foxes"})},
        {"1.png": "", "settings.json": json.dumps({"prompt": FOX})},
        {"1.png": "", "index.html": "<p>Prompt: a fox</p><img src='1.png'>"},
    ],
    ids=["two images", "two texts", "boxes", "own boxes", "many prompts", "notes", "a data set",
         "settings", "a page"],
)  # fmt: skip
def test_a_text_that_may_be_about_something_else_is_no_prompt(
    tmp_path: Path, files: dict[str, str]
) -> None:
    assert set(prompts(write(tmp_path, files))) == {None}


@pytest.mark.parametrize(
    "piece",
    ["<td>", "<td", "<img src='a.png'>", "<img src=", "</td>", "<", "&amp;", "src=", "<br",
     "<td>Prompt</td>", "Prompt"],
)  # fmt: skip
@pytest.mark.parametrize(
    "name", ["log.html", "metadata.json", "captions.txt", "t.tsv", "1.yaml", "1.xmp"]
)
def test_a_table_of_nothing_but_marks_is_read_in_no_time(
    tmp_path: Path, name: str, piece: str
) -> None:
    write(tmp_path, {"1.png": "", name: piece * 50_000})
    assert prompts(tmp_path) == [None]
