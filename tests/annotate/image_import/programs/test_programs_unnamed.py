"""Metadata of programs that nobody has named is read by its structure, wherever it stands."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.image_import.metadata import read_fields
from annotate.image_import.programs import description
from annotate.image_import.programs.reader import NoPrompt

HEN = "a hen at dawn"
SETTINGS = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 64x64"
GRAPH = {
    "3": {"class_type": "KSampler", "inputs": {"positive": ["6", 0], "negative": ["7", 0]}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": HEN}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "fog"}},
}


def words(layout: dict[str, Any]) -> str | None:
    fields = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in layout.items()
    }
    prompt = read_fields(fields) or description.read(fields)
    return prompt and prompt.text


@pytest.mark.parametrize(
    "layout",
    [
        {"nmkdiffusion": {"prompt": HEN, "promptNeg": "fog", "steps": 30}},
        {"exif:usercomment": {"input": {"prompt": HEN, "seed": 1}, "model": "x"}},
        {"exif:usercomment": {"a": {"b": {"negative": {"prompt": "fog"}, "prompt": HEN}}}},
        {"parameters": [{"prompt": HEN, "seed": 1}]},
        {"parameters": {"prompt_data": {"prompt": HEN}}},
        {"parameters": {"prompt": ["a hen", "at dawn"]}},
        {"parameters": {"positive": {"text": HEN}, "negative": {"text": "fog"}}},
        {"parameters": {"prompt": {"positive": HEN, "negative": "fog"}}},
        {"exif:usercomment": {"revised_prompt": HEN, "model": "m"}},
        {"exif:usercomment": {"negativePrompt": "fog", "promptStrength": "0.5", "prompt": HEN}},
        {"invokeai_metadata": {"metadata": {"positive_prompt": HEN}}},
        {"sd-metadata": {"images": [{"prompt": [{"prompt": HEN}]}]}},
        {"exif:usercomment": {"prompt": GRAPH, "workflow": {"nodes": [], "links": []}}},
        {"alpha:pnginfo": {"prompt": json.dumps(GRAPH)}},
        {"exif:usercomment": GRAPH},
        {"prompt": "{broken", "parameters": f"{HEN}\nNegative prompt: fog\n{SETTINGS}"},
    ],
)  # fmt: skip
def test_json_is_opened_wherever_it_stands(layout: dict[str, Any]) -> None:
    assert (words(layout) or "").replace("hen, at", "hen at") == HEN


@pytest.mark.parametrize(
    "text",
    [
        f"Prompt: {HEN}\nNegative Prompt: fog\nSeed: 1\nSteps: 20",
        f"Prompt: {HEN}\nSeed: 1\nStable Diffusion model: m\nNegative Prompt: fog",
        f"prompt: {HEN}, seed: 12345, steps: 30",
        f"positive prompt = {HEN} | negative prompt = fog",
        f"parameters: {HEN}\nNegative prompt: fog\n{SETTINGS}",
        f"/imagine {HEN}",
        f"/imagine prompt: {HEN}",
    ],
)
@pytest.mark.parametrize("name", ["exif:usercomment", "description", "exif:imagedescription"])
def test_a_text_that_names_its_parts_gives_the_one_called_the_prompt(name: str, text: str) -> None:
    assert words({name: text}) == HEN


@pytest.mark.parametrize(
    "layout",
    [
        {"exif:usercomment": {"sensor_type": "rear", "mirror": False}, "exif:make": "Xiaomi"},
        {"exif:usercomment": {"model": "Pixel", "width": 4000, "height": 3000}},
        {"exif:imagedescription": "Exif_JPEG_PICTURE"},
        {"exif:imagedescription": "Minolta Digital Camera"},
        {"iptc:caption": "Photo by Ada Doe on Unsplash"},
        {"exif:imagedescription": "saved again by gimp", "exif:software": "GIMP 3.0"},
    ],
)
def test_what_has_nothing_to_do_with_a_prompt_is_left_alone(layout: dict[str, Any]) -> None:
    assert words(layout) is None


@pytest.mark.parametrize(
    "layout",
    [
        {"exif:usercomment": {"negative": {"prompt": "fog"}, "seed": 1, "steps": 20}},
        {"exif:usercomment": {"hires": {"prompt": "fine feathers"}, "seed": 1, "steps": 20}},
        {"parameters": {"negative_prompt": "fog", "prompt_strength": "high"}},
        {"software": "NovelAI", "comment": {"req_type": "bg-removal"}},
    ],
)
def test_what_is_not_the_prompt_of_the_image_is_never_taken_for_it(layout: dict[str, Any]) -> None:
    with pytest.raises(NoPrompt):
        words(layout)


KEYS = ["prompt", "sui_image_params", "v4_prompt", "caption", "char_captions", "uc", "c", "nodes",
        "edges", "inputs", "class_type", "extraMetadata", "full_prompt", "positive"]  # fmt: skip
FIELDS = ["parameters", "exif:usercomment", "comment", "prompt", "invokeai_metadata", "sd-metadata",
          "invokeai_graph", "generation_data", "alpha:pnginfo", "description", "dream"]  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("a:,{[(<|\n\0 1.-", max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=3))
def test_whatever_stands_there_gives_a_prompt_or_none_or_a_reason(layout: dict[str, Any]) -> None:
    try:
        found = words(layout)
    except NoPrompt as why:
        assert str(why)
    else:
        assert found is None or found.strip()
