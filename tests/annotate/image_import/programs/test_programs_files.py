"""What programs wrote is found in whole files, as an import looks at them."""

import json
from pathlib import Path

import pytest
from image_files_made import save_png, scene
from image_headers import header_of
from PIL import Image, PngImagePlugin

from annotate.image_import.decode import ImageHeader
from annotate.image_import.programs.reader import NoPrompt
from storage.safe_files import SkippedFile

FOX = "a red fox in snow"
SETTINGS = "Negative prompt: (fog:1.4)\nSteps: 25, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 1"
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:exif="http://ns.adobe.com/exif/1.0/"><exif:UserComment><rdf:Alt>'
    '<rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt></exif:UserComment></rdf:Description>'
    "</rdf:RDF></x:xmpmeta>"
)


def seen(path: Path) -> ImageHeader:
    return header_of(path, path.parent, {})


@pytest.mark.parametrize(
    ("texts", "source"),
    [
        ({"parameters": json.dumps({"sui_image_params": {"prompt": FOX}})}, "SwarmUI"),
        ({"Description": FOX, "Software": "NovelAI",
          "Comment": json.dumps({"prompt": FOX, "uc": "fog"})}, "NovelAI"),
        ({"Description": f"{FOX} Job ID: 0a1b2c3d-1111-2222", "Author": "ada"}, "Midjourney"),
        ({"XML:com.adobe.xmp": XMP.format(json.dumps({"c": FOX, "uc": "fog", "seed": 1}))},
         "Draw Things"),
        ({"prompt": FOX, "negative_prompt": "fog", "seed": "1",
          "use_stable_diffusion_model": "sd"}, "Easy Diffusion"),
        ({"parameters": f"({FOX}:1.2) <lora:a:1>,\n{SETTINGS}"}, "AUTOMATIC1111"),
        ({"invokeai_metadata": json.dumps({"positive_prompt": FOX})}, "InvokeAI"),
        ({"Description": FOX}, "the image's description"),
    ],
)  # fmt: skip
def test_a_png_gives_its_prompt_and_not_its_name(
    tmp_path: Path, texts: dict[str, str], source: str
) -> None:
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        (info.add_itxt if name.startswith("XML") else info.add_text)(name, text)
    scene(1).save(tmp_path / "another name.png", pnginfo=info)
    head = seen(tmp_path / "another name.png")
    assert (head.prompt, head.source) == (FOX, source)


@pytest.mark.parametrize("kind", ["jpg", "webp"])
@pytest.mark.parametrize(
    ("text", "prompt", "source"),
    [
        (f"{FOX} --ar 2:3 Job ID: 1234", f"{FOX} --ar 2:3", "Midjourney"),
        (FOX, FOX, "the image's description"),
    ],
)
def test_exif_gives_a_description(
    tmp_path: Path, kind: str, text: str, prompt: str, source: str
) -> None:
    exif = Image.Exif()
    exif[0x010E] = text
    scene(1).save(tmp_path / f"a.{kind}", exif=exif)
    head = seen(tmp_path / f"a.{kind}")
    assert (head.prompt, head.source) == (prompt, source)


def test_a_text_file_and_a_table_go_before_a_caption_in_the_image(tmp_path: Path) -> None:
    path = save_png(tmp_path / "a.png", scene(1), Description="a caption of somebody")
    assert header_of(path, tmp_path, {path: "from the table"}).prompt == "from the table"
    (tmp_path / "a.txt").write_text("from the text", "utf-8")
    assert header_of(path, tmp_path, {path: "from the table"}).prompt == "from the text"


@pytest.mark.parametrize("text", [SETTINGS, '{"sui_image_params": {"prompt": ""}}', '{"a": 1}'])
def test_a_name_never_stands_for_a_prompt_that_a_program_did_not_write(
    tmp_path: Path, text: str
) -> None:
    path = save_png(tmp_path / "a red fox.png", scene(1), parameters=text)
    with pytest.raises(NoPrompt, match="metadata"):
        seen(path)


def test_a_camera_leaves_an_image_to_its_name(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x010F] = "OLYMPUS DIGITAL CAMERA", "OLYMPUS"
    scene(1).save(tmp_path / "a red fox.jpg", exif=exif)
    assert seen(tmp_path / "a red fox.jpg").prompt == "a red fox"
    scene(1).save(tmp_path / "0001.jpg", exif=exif)
    with pytest.raises(SkippedFile, match="no prompt found"):
        seen(tmp_path / "0001.jpg")


@pytest.mark.parametrize("text", ["{bird} (hen:1.2)", f"{{bird}} (hen:1.2)\n{SETTINGS}"])
def test_a_text_file_that_begins_with_a_brace_is_no_json(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.txt").write_text(text, "utf-8")
    assert seen(save_png(tmp_path / "a.png", scene(1))).prompt == "{bird} hen"
