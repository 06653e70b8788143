"""Each program's layouts give what was asked for, and without a prompt they say whose they are."""

import json

import pytest
from program_layouts import (
    ALL,
    DRAWN,
    EASY,
    FOCUS,
    HEN,
    JOB,
    LIST,
    SETTINGS,
    Layout,
    swarm,
)

from annotate.image_import.metadata import read_fields
from annotate.image_import.programs import a1111, description
from annotate.image_import.programs.reader import NoPrompt


def read(layout: Layout) -> tuple[str, str] | None:
    """The prompt and who wrote it; values that are no texts stand as JSON in their field."""
    fields = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in layout.items()
    }
    prompt = read_fields(fields) or description.read(fields)
    return (prompt.text, prompt.source) if prompt else None


@pytest.mark.parametrize(("layout", "words", "source"), ALL)
def test_each_layout_gives_its_prompt_and_its_program(
    layout: Layout, words: str, source: str
) -> None:
    assert read(layout) == (words, source)


@pytest.mark.parametrize(
    ("layout", "program"),
    [
        ({"parameters": f"Negative prompt: fog\n{SETTINGS}"}, "AUTOMATIC1111"),
        ({"parameters": SETTINGS}, "AUTOMATIC1111"),
        ({"parameters": f"<lora:a:1>\n{SETTINGS}"}, "AUTOMATIC1111"),
        ({"exif:usercomment": f"unknown\nNegative prompt: unknown\n{SETTINGS}"}, "AUTOMATIC1111"),
        ({"parameters": swarm("")}, "SwarmUI"),
        ({"parameters": swarm("<segment:face> red")}, "SwarmUI"),
        ({"parameters": '{"sui_image_params": {"prompt": "a he'}, "SwarmUI"),
        ({"software": "NovelAI", "comment": {"uc": "fog"}}, "NovelAI"),
        ({"description": f"--v 6 {JOB}"}, "Midjourney"),
        ({"description": f"https://s.mj.run/x {JOB}"}, "Midjourney"),
        ({"xmp:usercomment": DRAWN | {"c": " "}}, "Draw Things"),
        ({"parameters": FOCUS | {"prompt": ""}}, "Fooocus"),
        ({"invokeai_metadata": "{"}, "InvokeAI"),
        ({"invokeai_metadata": {"negative_prompt": "fog"}}, "InvokeAI"),
        ({"dream": '"[fog]" -s 5'}, "InvokeAI"),
        (EASY | {"prompt": ""}, "Easy Diffusion"),
        ({"iptc:caption": LIST.format("")}, "Mochi Diffusion"),
        ({"generation_data": {"negativePrompt": "fog"}}, "Tensor.Art"),
        ({"parameters": {"a": 1}}, "unknown program"),
        ({"exif:usercomment": {"negative_prompt": "fog", "seed": 1}}, "unknown program"),
    ],
)  # fmt: skip
def test_metadata_without_a_prompt_is_told_with_the_program(layout: Layout, program: str) -> None:
    with pytest.raises(NoPrompt, match=program):
        read(layout)


@pytest.mark.parametrize(
    "text",
    [
        "OLYMPUS DIGITAL CAMERA", "SONY DSC", "Created with GIMP", "Made with Google AI",
        "File written by Adobe Photoshop 5.2", "Screenshot", "Screen Shot 2024-01-01 at 10.00",
        "IMG_2031.jpg", "a_hen.png", "dav", "0a1b2c3d-1111-2222-3333-444455556666", "", "   ",
        "© 2024 Ada Lovelace", "Copyright Ada", "https://example.org/a/hen", "Untitled", "12 34",
        "Signature: AbCdEf0123456789AbCdEf0123456789AbCdEf0123456789==", '{"sensor": "rear"}',
        "<x:xmpmeta a hen>", "Processed with VSCO with a6 preset", "Lavc58.91.100",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["exif:imagedescription", "description", "xmp:description"])
def test_what_cameras_and_editors_write_is_no_prompt(name: str, text: str) -> None:
    assert read({name: text}) is None


@pytest.mark.parametrize("name", ["comment", "jpeg:comment", "software", "title", "exif:artist"])
def test_only_a_description_is_a_description(name: str) -> None:
    assert read({name: HEN}) is None


def test_the_name_of_a_program_or_a_person_is_no_description() -> None:
    assert (
        read({"exif:imagedescription": "Ada the Painter", "exif:artist": "Ada the Painter"}) is None
    )


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ({"parameters": swarm(""), "exif:usercomment": f"{HEN}\n{SETTINGS}"}, HEN),
        ({"parameters": SETTINGS, "description": f"{HEN} {JOB}"}, HEN),
        ({"invokeai_metadata": "{", "parameters": f"{HEN}\n{SETTINGS}"}, HEN),
    ],
)
def test_what_one_program_does_not_tell_another_may(layout: Layout, words: str) -> None:
    assert (read(layout) or ("", ""))[0] == words


@pytest.mark.parametrize("text", ["a hen (old)", "a hen (old)\n", "\n\na hen (old)"])
def test_a_text_file_without_settings_is_a_persons(text: str) -> None:
    prompt = a1111.read_text(text)
    assert prompt is not None and prompt.text == "a hen (old)"


def test_a_text_file_with_settings_is_read_as_parameters() -> None:
    prompt = a1111.read_text(f"a hen (old)\nNegative prompt: fog\n{SETTINGS}")
    assert prompt is not None and prompt.text == "a hen old"
    assert a1111.read_text(f"Negative prompt: fog\n{SETTINGS}") is None


def test_the_written_text_is_kept_beside_the_one_that_is_shown() -> None:
    prompt = read_fields({"parameters": f"(hen:1.2) <lora:a:1>\n{SETTINGS}"})
    assert prompt is not None and (prompt.text, prompt.written) == ("hen", "(hen:1.2) <lora:a:1>")
