"""What lies beside an image says its prompt, whoever wrote it and in whatever encoding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_files_made import A1111, comfy_graph, comfy_workflow, save_png, scene
from image_headers import header_of

from annotate.image_import.captions import origins
from annotate.image_import.captions.file_names import FOLDER_NAMES
from annotate.image_import.captions.origins import TABLES, comparable, without_invisible
from annotate.image_import.captions.sidecar import JSON_FILES, TEXT_FILES, sidecar
from annotate.image_import.captions.text_encodings import decoded
from annotate.image_import.decode import ImageHeader
from annotate.image_import.programs.reader import Fields, FoundPrompt, NoPrompt
from storage.safe_files import SkippedFile

FOX = "a red fox in snow"
GRAPH = json.dumps(comfy_graph(FOX, 1))
A_TEXT = A1111.format(prompt=FOX, seed=1)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return save_png(tmp_path / "a wrong name" / "a.png", scene(1, (32, 32)))


def head(image: Path, **more: Any) -> ImageHeader:
    return header_of(image, image.parent.parent, more.get("told", {}))


@pytest.mark.parametrize("name", ["a.txt", "a.png.txt", "a.caption"])
@pytest.mark.parametrize(
    "text", [FOX, f"{FOX}\n", "a red\r\nfox  in\u00a0snow", A_TEXT, json.dumps({"prompt": FOX})]
)
def test_a_text_file_holds_a_caption_or_what_a_program_wrote(
    image: Path, name: str, text: str
) -> None:
    (image.parent / name).write_text(text, "utf-8", newline="")
    assert (head(image).prompt, head(image).source) == (FOX, TEXT_FILES)


@pytest.mark.parametrize("name", ["a.json", "a.png.json", "a.info.json", "a.png.info.json"])
@pytest.mark.parametrize(
    "value",
    [
        {"prompt": FOX, "negative_prompt": "blurry", "seed": 7},
        {"caption": FOX, "tags": "fox, snow"},
        {"parameters": A_TEXT},
        {"meta": {"prompt": FOX, "negativePrompt": "blurry"}, "id": 7},
        {"meta": {"parameters": A_TEXT}},
        {"prompt": json.loads(GRAPH), "workflow": comfy_workflow(FOX)},
        json.loads(GRAPH),
        comfy_workflow(FOX),
        {"description": FOX, "author": {"name": "ann", "text": "hello you"}},
    ],
    ids=["keys", "tags", "a1111", "within", "a1111 within", "comfy", "graph", "drawn", "text"],
)
def test_json_beside_an_image_is_read_as_its_own(image: Path, name: str, value: Any) -> None:
    (image.parent / name).write_text(json.dumps(value), "utf-8")
    assert (head(image).prompt, head(image).source) == (FOX, JSON_FILES)


@pytest.mark.parametrize("tags", [["fox", "red hair", "snow"], ["1girl", "solo"]])
def test_a_list_of_tags_is_one_prompt(image: Path, tags: list[str]) -> None:
    (image.parent / "a.json").write_text(json.dumps({"tags": tags}), "utf-8")
    assert head(image).prompt == ", ".join(tags)


def test_json_about_other_things_says_nothing(image: Path) -> None:
    (image.parent / "a.json").write_text('{"negative_prompt": "blurry", "rating": 3}', "utf-8")
    assert head(image).source == FOLDER_NAMES


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"", "its text file is empty"),
        ("a.txt", b" \r\n\t\xef\xbb\xbf", "its text file is empty"),
        ("a.txt", b"Negative prompt: blurry\nSteps: 3", "its text file holds no prompt"),
        ("a.txt", b'{"prompt": "a red fox", "seed"', "its text file: is broken JSON"),
        ("a.txt", "рыжая лиса".encode("cp1251"), "encoding that cannot be told"),
        ("a.json", b'{"prompt": "a fo', "its JSON file: is no JSON"),
        ("a.json", b"[" * 100_000, "its JSON file: is no JSON"),
        ("a.json", b"", "its JSON file: is empty"),
    ],
)
def test_a_file_beside_that_says_nothing_never_lets_a_name_pass_for_the_prompt(
    image: Path, name: str, content: bytes, reason: str
) -> None:
    (image.parent / name).write_bytes(content)
    with pytest.raises(SkippedFile, match=reason):
        head(image)
    assert head(image, told={image: FOX}).source == TABLES


def test_metadata_that_cannot_be_read_leaves_the_word_to_persons_alone(
    image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(_: Fields) -> FoundPrompt:
        raise NoPrompt("a graph that ends nowhere")

    monkeypatch.setattr(origins, "prompt_in", unreadable)
    with pytest.raises(SkippedFile, match="a graph that ends nowhere"):
        head(image)
    assert head(image, told={image: FOX}).prompt == FOX
    (image.parent / "a.txt").write_text(FOX, "utf-8")
    assert head(image).source == TEXT_FILES


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1"],
)
@pytest.mark.parametrize("text", ["a red fox", "ein süßer Fuchs, naïve café"])
def test_a_text_file_of_any_encoding_is_read_by_what_it_holds(encoding: str, text: str) -> None:
    assert decoded(text.encode(encoding)) == text


def test_a_row_in_another_encoding_costs_no_other() -> None:
    content = "a.png,狐\n".encode() + "b.png,süß\n".encode("cp1252")
    assert decoded(content) == "a.png,狐\nb.png,süß\n"


@given(st.binary(max_size=200))
def test_any_bytes_are_a_text_or_a_reason(content: bytes) -> None:
    try:
        assert isinstance(decoded(content), str)
    except SkippedFile as skip:
        assert "encoding" in str(skip)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffcafé at night",
        "cafe\u0301 at night",
        "café\u200b at\u00a0 night\u2060",
        "café\u00ad at\u2003night\u200e",
        "caf\u200dé at night",
        "café at\nnight",
        "Café at Night",
    ],
)
def test_a_prompt_that_looks_the_same_is_the_same(image: Path, text: str) -> None:
    (image.parent / "a.txt").write_text(text, "utf-8")
    assert comparable(head(image).prompt) == "café at night"
    assert head(image).prompt in ("café at night", "Café at Night")


@pytest.mark.parametrize("text", ["👩\u200d🚀 in space", "می\u200cخواهم", "ＡＢＣ", "naïve", "ﬁne"])
def test_a_prompt_keeps_what_is_part_of_its_words(text: str) -> None:
    assert without_invisible(text) == text


def test_what_was_written_stays_as_it_was_found(image: Path) -> None:
    (image.parent / "a.txt").write_text(A_TEXT.replace(FOX, "a\ufeff red\nfox"), "utf-8")
    assert head(image).prompt == "a red fox"
    assert head(image).spelled == "a\ufeff red fox"
    assert head(image).written == "a\ufeff red\nfox <lora:fluffy_v3:0.8>"
    assert sidecar(image, image.parent) is not None
