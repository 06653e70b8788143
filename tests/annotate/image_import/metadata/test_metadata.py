"""The prompt is found wherever a program or a person wrote it."""

import json
from pathlib import Path

import pytest
from comfy_graphs import prompt_of_graph
from image_files_made import (
    A1111,
    comfy_graph,
    comfy_workflow,
    save_png,
    scene,
    user_comment,
)
from image_headers import header_of
from PIL import Image, PngImagePlugin

from annotate.image_import.captions.file_names import prompt_of_name
from annotate.image_import.captions.sidecar import sidecar
from annotate.image_import.captions.tables import CaptionTables
from annotate.image_import.containers.encodings import comment_of
from annotate.image_import.fields import fields_of
from annotate.image_import.metadata import prompt_in
from annotate.image_import.programs.prompt_marks import shown
from annotate.image_import.programs.reader import NoPrompt
from storage.safe_files import SkippedFile

FOX = "a red fox, (fluffy:1.2)"


def found(path: Path) -> str | None:
    with Image.open(path) as image:
        prompt = prompt_in(fields_of(image))
        return prompt and prompt.text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("parameters", A1111.format(prompt=FOX, seed=1)),
        ("parameters", f"{FOX}\nSteps: 20, Sampler: Euler a, Seed: 7"),
        ("parameters", json.dumps({"prompt": FOX, "seed": 7})),
        ("prompt", json.dumps(comfy_graph(FOX, 1))),
        ("workflow", json.dumps(comfy_workflow(FOX))),
        ("invokeai_metadata", json.dumps({"positive_prompt": FOX, "negative_prompt": "blurry"})),
        ("sd-metadata", json.dumps({"image": {"prompt": [{"prompt": FOX, "weight": 1.0}]}})),
        ("sd-metadata", json.dumps({"image": {"prompt": f"{FOX} [blurry, text]"}})),
        ("dream", f'"{FOX} [blurry]" -s 50 -S 1234 -W 512 -H 512 -C 7.5 -A k_lms'),
        ("Dream", f'"{FOX}" -s 50 -S 1234'),
    ],
)
def test_a_png_of_each_program_gives_its_positive_prompt(
    tmp_path: Path, name: str, text: str
) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text(name, text)
    scene(1).save(tmp_path / "a.png", pnginfo=info)
    prompt = found(tmp_path / "a.png")
    assert prompt is not None and shown(prompt) == shown(FOX)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize("order", ["utf-16-be", "utf-16-le"])
@pytest.mark.parametrize("prompt", [FOX, "ein süßer Fuchs, 狐"])
def test_exif_gives_the_prompt_in_either_order_of_bytes(
    tmp_path: Path, kind: str, order: str, prompt: str
) -> None:
    exif = user_comment(A1111.format(prompt=prompt, seed=1), order)
    scene(1).save(tmp_path / "a", kind, exif=exif)
    assert found(tmp_path / "a") == shown(prompt)


def test_an_ascii_comment_and_a_graph_in_exif_are_read(tmp_path: Path) -> None:
    assert comment_of(b"ASCII\x00\x00\x00a fox") == "a fox"
    exif = Image.Exif()
    exif[0x0110] = "prompt:" + json.dumps(comfy_graph(FOX, 1))
    scene(1).save(tmp_path / "a.webp", exif=exif)
    assert found(tmp_path / "a.webp") == shown(FOX)


def test_sdxl_encoders_guiders_and_texts_from_other_nodes_are_followed() -> None:
    graph = {
        "1": {"class_type": "SamplerCustomAdvanced", "inputs": {"guider": ["2", 0]}},
        "2": {"class_type": "BasicGuider", "inputs": {"model": ["9", 0], "conditioning": ["3", 0]}},
        "3": {"class_type": "CLIPTextEncodeSDXL", "inputs": {"text_g": ["4", 0]}},
        "4": {"class_type": "PrimitiveString", "inputs": {"value": FOX}},
    }  # fmt: skip
    assert prompt_of_graph(graph) == FOX


@pytest.mark.parametrize(
    "graph",
    [
        {"1": {"class_type": "KSampler", "inputs": {"positive": ["1", 0]}}},
        {"1": {"class_type": "KSampler", "inputs": {"positive": ["99", 0]}}},
        {"1": 7, "2": {"inputs": 3}},
        {"nodes": 3, "links": "x"},
        [],
        {},
    ],
)
def test_a_graph_without_an_end_gives_nothing(graph: object) -> None:
    assert prompt_of_graph(graph) is None


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"image": 3}', "\x00"])
@pytest.mark.parametrize("name", ["prompt", "workflow", "invokeai_metadata", "sd_metadata"])
def test_broken_metadata_gives_no_prompt(tmp_path: Path, name: str, text: str) -> None:
    path = save_png(tmp_path / "a.png", scene(1), **{name: text})
    try:
        assert found(path) is None
    except NoPrompt as why:
        assert "metadata" in str(why) or name in ("prompt", "workflow")


def test_text_files_and_tables_beside_images_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a fox\nNegative prompt: x\nSteps: 3", "utf-8")
    (tmp_path / "b.png.caption").write_text("a dog", "utf-8-sig")
    assert [sidecar(tmp_path / name, tmp_path).text for name in ("a.png", "b.png")] == [
        "a fox",
        "a dog",
    ]
    assert sidecar(tmp_path / "c.png", tmp_path) is None
    rows = [{"file_name": "d.png", "text": "a hen"}, {"file_name": "x/e.png", "prompt": "a yak"}]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "metadata.jsonl").write_text(lines + "{broken\n", "utf-8")
    (tmp_path / "captions.csv").write_text('f.png,"a cow, ""big"""\n', "utf-8")
    tables = CaptionTables(tmp_path)
    assert tables.read(tmp_path / "metadata.jsonl") == {"d.png": "a hen", "x/e.png": "a yak"}
    assert tables.read(tmp_path / "captions.csv") == {"f.png": 'a cow, "big"'}
    (tmp_path / "captions.csv").write_text("prompt,file\na cat,g.png\n", "utf-8")
    assert tables.read(tmp_path / "captions.csv") == {"g.png": "a cat"}


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("00012-1234567-a red fox.png", "a red fox"),
        ("a_red_fox_003.png", "a red fox"),
        ("a red fox (2).png", "a red fox"),
        ("red fox/7.png", "red fox"),
        ("20 cats/IMG_1.jpg", "20 cats"),
        ("IMG_2031.jpg", None),
        ("ComfyUI_00001_.png", None),
        ("d41d8cd98f00b204e9800998ecf8427e.png", None),
        ("0001.png", None),
        ("outputs/0001.png", None),
    ],
)
def test_names_of_subfolders_and_files_speak_where_nothing_else_does(
    tmp_path: Path, name: str, prompt: str | None
) -> None:
    told = prompt_of_name(tmp_path / name, tmp_path)
    assert (told and told.text) == prompt


def test_what_is_in_the_file_goes_before_what_lies_beside_it(tmp_path: Path) -> None:
    path = save_png(tmp_path / "fox" / "a.png", scene(1), parameters="from the file")
    (tmp_path / "fox" / "a.txt").write_text("from the text", "utf-8")
    told = {path: "from the table"}
    assert header_of(path, tmp_path, told).prompt == "from the file"
    scene(1).save(path)
    assert header_of(path, tmp_path, told).prompt == "from the text"
    (tmp_path / "fox" / "a.txt").unlink()
    assert header_of(path, tmp_path, told).prompt == "from the table"
    assert header_of(path, tmp_path, {}).prompt == "fox"


@pytest.mark.parametrize(
    ("text", "reason"), [("x" * 3000, "too long"), ("<lora:a:1>\nSteps: 3", "without a prompt")]
)
def test_a_prompt_that_cannot_be_used_leaves_its_image_out(
    tmp_path: Path, text: str, reason: str
) -> None:
    path = save_png(tmp_path / "1.png", scene(1), parameters=text)
    with pytest.raises(SkippedFile, match=reason):
        header_of(path, tmp_path, {})


def test_control_characters_in_a_prompt_are_taken_out(tmp_path: Path) -> None:
    path = save_png(tmp_path / "1.png", scene(1), parameters="a\tred\n\x07fox")
    assert header_of(path, tmp_path, {}).prompt == "a red fox"
