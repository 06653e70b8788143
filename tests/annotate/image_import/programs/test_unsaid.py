"""What stands where a prompt could and is none is never taken for one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from image_files_made import save_png, scene
from image_headers import header_of
from metadata_files import with_xmp, xmp

from annotate.image_import.captions.columns import CaptionColumns
from annotate.image_import.captions.sidecar import sidecar
from annotate.image_import.decode import read_header
from annotate.image_import.folder import find_images
from annotate.image_import.metadata import read_fields
from annotate.image_import.programs import description, iptc_caption
from annotate.image_import.programs.reader import NoPrompt
from storage.safe_files import SkippedFile

FOX = "a red fox in snow"
SETTINGS = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512"


NEGATIVES = (
    "反向提示词:", "負面提示詞：", "ネガティブプロンプト:", "Negative prompt：", "Neg:",
    "negative_prompt:", "Negativer Prompt:", "Prompt négatif :", "Prompt negativo:",
    "Negative-prompt:", "**Negative:**",
)  # fmt: skip


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return save_png(tmp_path / "0001.png", scene(1, (32, 32)))


def beside(image: Path, name: str, text: str) -> str | None:
    (image.parent / name).write_text(text)
    found = sidecar(image, image.parent)
    return found and found.text


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345",
        "https://example.org/a-red-fox.png",
        "I'm sorry, but I can't assist with that request.",
        "As an AI language model, I do not see images.",
        "person 0.98 12 44 80 90\nfox 0.77 1 2 3 4",
        "undefined",
        "Error: rate limit exceeded",
        'Traceback (most recent call last):\n  File "x.py", line 3\nValueError: no',
        "1\n00:00:01,000 --> 00:00:02,000\nHello there",
        "aesthetic: 5.6\nquality: 0.8",
        "Make: Canon\nModel: EOS 5D\nISO: 100\nFNumber: 2.8",
        "0001.png",
        "{'prompt': 'a red fox', 'negative_prompt': 'ugly'}",
    ],
)
def test_a_text_of_a_machine_is_no_caption(image: Path, text: str) -> None:
    with pytest.raises(SkippedFile, match="holds no prompt"):
        beside(image, "0001.txt", text)
    assert read_fields({"prompt": text}) is None


@pytest.mark.parametrize(
    "text",
    [
        f"Here is a caption for the image:\n\n{FOX}",
        f"Sure! Here's the detailed description of this image: {FOX}",
        f"prompt: {FOX}\nnegative_prompt: blurry\nseed: 1",
        f"Model: sdxl\nSeed: 4\nPrompt: {FOX}\nNegative prompt: blurry",
    ],
)
def test_of_a_text_with_more_around_it_the_description_is_kept(image: Path, text: str) -> None:
    assert beside(image, "0001.txt", text) == FOX


@pytest.mark.parametrize("name", ["negative.txt", "neg.txt", "uncond.caption", "negative.json"])
def test_a_file_that_is_called_negative_is_never_the_prompt(image: Path, name: str) -> None:
    text = json.dumps({"prompt": "ugly, blurry"}) if name.endswith("json") else "ugly, blurry"
    (image.parent / f"0001.{name}").write_text(text)
    found = find_images(image.parent, image.parent / "studio")
    with pytest.raises(SkippedFile):
        read_header(image, found)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"system_prompt": "You write captions", "caption": FOX}, FOX),
        ({"caption_prompt": "Describe this image briefly", "generated_caption": FOX}, FOX),
        ({"system_prompt": "You write captions for images", "model": "x"}, ""),
        ({"user_prompt": "Describe this image", "response": FOX}, ""),
        ({"prompt": "What is in the image?", "answer": FOX}, ""),
    ],
)
def test_what_a_model_was_asked_for_a_caption_is_no_prompt(
    image: Path, row: dict[str, Any], text: str
) -> None:
    assert CaptionColumns().text_of(row) == text
    assert (beside(image, "0001.json", json.dumps(row)) or "") == text


@pytest.mark.parametrize("column", ["user", "comment", "remarks", "annotator", "reason"])
def test_words_about_something_else_in_a_table_are_no_prompt(column: str) -> None:
    row = {"image": "a.png", "rating": "5", column: "hands are broken again"}
    assert CaptionColumns().only_text_of(row) == ""
    assert CaptionColumns().only_text_of(row | {"sentence": FOX}) == FOX


@pytest.mark.parametrize(
    "name",
    [
        "反向提示词:",
        "負面提示詞：",
        "ネガティブプロンプト:",
        "Negative prompt：",
        "negative_prompt:",
    ],
)
def test_the_negative_prompt_is_known_in_other_words(name: str) -> None:
    found = read_fields({"parameters": f"{FOX}\n{name} ugly\n{SETTINGS}"})
    assert found is not None and found.text == FOX


def test_a_node_that_is_titled_negative_is_none_of_several_unnamed_inputs() -> None:
    nodes = {
        "p": ("CLIPTextEncode", {"text": FOX}),
        "n": ("CLIPTextEncode", {"text": "ugly"}),
    }
    graph = {
        number: {"class_type": kind, "inputs": inputs} for number, (kind, inputs) in nodes.items()
    }
    graph["n"]["_meta"] = {"title": "Negative"}
    linked = {"cond1": ["p", 0], "cond2": ["n", 0], "steps": 20}
    graph["s"] = {"class_type": "StrangeSampler", "inputs": linked}
    found = read_fields({"prompt": json.dumps(graph)})
    assert found is not None and found.text == FOX


@pytest.mark.parametrize(
    "packet",
    [
        xmp(f"<e:AIPromptInformation xmlns:e='x'>{FOX}</e:AIPromptInformation>"),
        xmp("", f"xmlns:e='x' e:AIPromptInformation='{FOX}'"),
    ],
)
def test_the_place_that_iptc_has_for_prompts_is_read(image: Path, packet: bytes) -> None:
    image.write_bytes(with_xmp("PNG", packet))
    head = header_of(image, image.parent, {})
    assert (head.prompt, head.source) == (FOX, iptc_caption.PROGRAM)


@pytest.mark.parametrize(
    "text",
    [
        "filter: 0; fileterIntensity: 0.0; filterMask: 0; captureOrientation: 0; sceneMode: 8;",
        "touch: (-1.0, -1.0); modelMode: portrait; beauty level 3",
        "Hasselblad X1D II 50C",
        "<Digimax S500 / Kenox S500 / Digimax Cyber 530>",
        "Filename: IMG_2031",
        "ISO 100 f/2.8 1/250s exposure bias 0",
        "Shot with Huawei Pro mode",
        "Photo editing by Snapseed",
    ],
)
def test_what_a_camera_writes_is_no_caption(text: str) -> None:
    for place in ("exif:usercomment", "exif:imagedescription"):
        assert description.read({place: text}) is None
    assert description.read({"exif:imagedescription": "Our dog in the garden"}) is not None


def taken(image: Path) -> str | None:
    """The prompt of an image as an import of its folder takes it."""
    found = find_images(image.parent, image.parent / "studio")
    try:
        return read_header(image, found).prompt
    except SkippedFile:
        return None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("negative/0001.txt", "ugly, blurry"),
        ("negative_prompts.csv", '0001.png,"ugly, blurry"\n'),
        ("negative.csv", "file,prompt\n0001.png,bad hands here\n"),
        ("negatives.json", '{"0001.png": "ugly, blurry"}'),
        ("votes.csv", "left,right,winner,voter,why\n0001.png,b.png,left,Jane Doe,sharper face\n"),
        ("labels.csv", "filename,label\n0001.png,cat standing\n"),
        ("errors.csv", "image,error\n0001.png,timeout after ten seconds\n"),
    ],
)
def test_tables_and_folders_of_other_texts_are_no_prompts(
    image: Path, name: str, text: str
) -> None:
    (image.parent / name).parent.mkdir(exist_ok=True)
    (image.parent / name).write_text(text)
    assert taken(image) is None
    (image.parent / "captions").mkdir()
    (image.parent / "captions" / "0001.txt").write_text(FOX)
    assert taken(image) == FOX


@pytest.mark.parametrize(
    "text",
    [
        f"**Prompt:** {FOX}\n**Negative prompt:** ugly\n**Seed:** 1",
        json.dumps(f"{FOX}\nNegative prompt: ugly\n{SETTINGS}"),
        f"{FOX}<br>Negative prompt: ugly<br>{SETTINGS}",
        f"{FOX}\\nNegative prompt: ugly\\n{SETTINGS}",
    ],
)
def test_ends_of_lines_that_were_written_as_letters_end_the_prompt(text: str) -> None:
    found = read_fields({"parameters": text})
    assert found is not None and found.text == FOX


@pytest.mark.parametrize(
    ("kind", "inputs", "text"),
    [
        ("Words", {"a": "a red fox", "b": ["t", 0], "c": "snow", "separator": " "}, FOX),
        ("Words", {"a": "a red fox", "b": ["t", 0], "c": "snow"}, None),
        ("TextSwitch", {"choice": "B", "A": "a toad", "B": FOX, "C": "a dog"}, FOX),
    ],
)
def test_inputs_that_only_count_are_parts_or_choices(
    kind: str, inputs: dict[str, Any], text: str | None
) -> None:
    graph = {
        "t": {"class_type": "StringConstant", "inputs": {"string": "in"}},
        "w": {"class_type": kind, "inputs": inputs},
        "p": {"class_type": "CLIPTextEncode", "inputs": {"text": ["w", 0]}},
        "s": {"class_type": "KSampler", "inputs": {"positive": ["p", 0], "steps": 20}},
    }
    if text is None:
        with pytest.raises(NoPrompt):
            read_fields({"prompt": json.dumps(graph)})
        return
    found = read_fields({"prompt": json.dumps(graph)})
    assert found is not None and found.text == text


@pytest.mark.parametrize(
    "text",
    [
        'a sign that says "Error: 404"',
        "1girl, solo, :d, 3d",
        "a negative image of a fox",
        "sorry, a sad fox with a sign",
        "I cannot stop running, a man in the rain",
        "warning sign: falling rocks on a road",
        "https://example.org is written on a wall",
        "2.5d render, 1:1",
        "a red fox **bold** poster",
    ],
)
def test_a_caption_that_only_sounds_like_a_machine_is_kept(image: Path, text: str) -> None:
    assert beside(image, "0001.txt", text) == text


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("image,sentence", f"0001.png,{FOX}"),
        ("file,Beschreibung", f"0001.png,{FOX}"),
        ("image,title,rating", f"0001.png,{FOX},5"),
        ("image,prompt,comment", f"0001.png,{FOX},bad hands here"),
        ("image,prompt,response", f"0001.png,{FOX},ok"),
        ("image_0,image_1,prompt,label", f"0001.png,b.png,{FOX},1"),
        ("caption_prompt_used,image,caption", f"describe it,0001.png,{FOX}"),
        ("user,image,prompt", f"jane doe,0001.png,{FOX}"),
    ],
)
def test_a_prompt_beside_columns_about_something_else_is_kept(
    image: Path, head: str, row: str
) -> None:
    (image.parent / "data.csv").write_text(f"{head}\n{row}\n")
    assert taken(image) == FOX
