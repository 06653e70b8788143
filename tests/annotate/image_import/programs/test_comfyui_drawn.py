"""The positive prompt of a ComfyUI graph as it is drawn, and of both forms in one file."""

import json
from typing import Any

import pytest
from comfy_graphs import Nodes, drawn, of_text, prompt_of_graph, subgraph

from annotate.image_import.programs import comfyui
from annotate.image_import.programs.reader import NoPrompt

LOADER = "MODEL CLIP VAE"
LINE: Nodes = {
    "1 CheckpointLoaderSimple": {"=": ["sd_xl_base_1.0.safetensors"], ">": LOADER},
    "2 CLIPTextEncode": {"clip": "@1.1", "=": ["worst quality, and a longer text than any"],
                         ">": "CONDITIONING"},
    "3 KSampler": {"model": "@1", "positive": "@9", "negative": "@2", "latent_image": "@4",
                   "=": [1, "randomize", 20, 7, "euler", "normal", 1], ">": "LATENT"},
    "4 EmptyLatentImage": {"=": [64, 64, 1], ">": "LATENT"},
    "5 VAEDecode": {"samples": "@3", "vae": "@1.2", ">": "IMAGE"},
    "6 SaveImage": {"images": "@5", "=": ["my images of foxes"], ">": ""},
}  # fmt: skip
ENCODER = {"9 CLIPTextEncode": {"clip": "@1.1", "text": "@8", "=": ["stale"], ">": "CONDITIONING"}}
TEXT = {"8 PrimitiveStringMultiline": {"=": ["a fox"], ">": "STRING"}}


def case(name: str, text: str, nodes: Nodes, **more: Any) -> Any:
    return pytest.param(drawn(LINE | nodes, **more), text, id=name)


def encoder(values: Any, **more: Any) -> dict[str, Any]:
    return {"clip": "@1.1", "=": values, ">": "CONDITIONING"} | more


GENERATE = subgraph(
    "aaaa-1", "text negative_text model",
    {"7 CLIPTextEncode": {"text": "@-10.0", "=": {"text": "what stood here at first"},
                          ">": "CONDITIONING"},
     "8 CLIPTextEncode": {"text": "@-10.1", "=": {"text": ""}, ">": "CONDITIONING"},
     "9 KSampler": {"positive": "@7", "negative": "@8", "model": "@-10.2", ">": "LATENT"}},
    "@9")  # fmt: skip
OUTER = subgraph(
    "bbbb-2", "prompt", {"5 aaaa-1": {"text": "@-10.0", "=": {"text": "", "negative_text": "x"},
                                      ">": "LATENT"}}, "@5")  # fmt: skip
SAVED: Nodes = {"2 VAEDecode": {"samples": "@1", ">": "IMAGE"}, "3 SaveImage": {"images": "@2"}}
GROUP = {
    "nodes": [
        {"type": "CLIPTextEncode", "widgets_values": ["old"],
         "inputs": [{"name": "clip", "type": "CLIP"}], "outputs": [{"type": "CONDITIONING"}]},
        {"type": "CLIPTextEncode", "widgets_values": ["older"],
         "inputs": [{"name": "clip", "type": "CLIP"}], "outputs": [{"type": "CONDITIONING"}]},
        {"type": "KSampler", "widgets_values": [1, "fixed", 20],
         "inputs": [{"name": "positive", "type": "CONDITIONING"},
                    {"name": "negative", "type": "CONDITIONING"}],
         "outputs": [{"type": "LATENT"}]}],
    "links": [[0, 0, 2, 0, 1, "CONDITIONING"], [1, 0, 2, 1, 2, "CONDITIONING"]],
    "external": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("graph", "text"),
    [
        case("values in a row", "a fox", {"9 CLIPTextEncode": encoder(["a fox"])}),
        case("values by name", "a fox", {"9 CLIPTextEncode": encoder({"text": "a fox"})}),
        case("text that came by a link", "a fox", ENCODER | TEXT),
        case("sdxl encoder", "a fox, photo", {"9 CLIPTextEncodeSDXL": encoder(
            [64, 64, 0, 0, 64, 64, "a fox", "photo"])}),
        case("primitive", "a fox", ENCODER | {"8 PrimitiveNode": {"=": ["a fox"], ">": "STRING"}}),
        case("reroutes", "a fox", ENCODER | {
            "8 Reroute": {"": "@10", ">": "*"}, "10 Reroute": {"": "@11", ">": "*"},
            "11 PrimitiveString": {"=": ["a fox"], ">": "STRING"}}),
        case("set and get", "a fox", {
            "9 GetNode": {"=": ["good"], ">": "CONDITIONING"},
            "10 SetNode": {"CONDITIONING": "@12", "=": ["good"], ">": "*"},
            "11 SetNode": {"CONDITIONING": "@2", "=": ["bad"], ">": "*"},
            "12 CLIPTextEncode": encoder(["a fox"])}),
        case("bypassed", "a fox", {
            "9 ConditioningConcat": {"conditioning_to": "@10", "conditioning_from": "@11",
                                     "mode": 4, ">": "CONDITIONING"},
            "10 CLIPTextEncode": encoder(["a fox"]), "11 CLIPTextEncode": encoder(["a dog"])}),
        case("bypassed with several kinds", "a fox", {
            "9 ControlNetApplyAdvanced": {"negative": "@2", "image": "@5", "positive": "@10",
                                          "mode": 4, ">": "positive:CONDITIONING"},
            "2 CLIPTextEncode": encoder(["bad"], **{">": "NEGATIVE"}),
            "10 CLIPTextEncode": encoder(["a fox"])}),
        case("muted", "a fox", {
            "9 ConditioningCombine": {"conditioning_1": "@10", "conditioning_2": "@11",
                                      ">": "CONDITIONING"},
            "10 CLIPTextEncode": encoder(["a fox"]),
            "11 CLIPTextEncode": encoder(["a dog"], mode=2)}),
        case("muted sampler beside", "a fox", {
            "9 CLIPTextEncode": encoder(["a fox"]), "10 CLIPTextEncode": encoder(["a dog"]),
            "11 KSampler": {"positive": "@10", "mode": 2, ">": "LATENT"},
            "12 SaveImage": {"images": "@11", "mode": 2}}),
        case("loaders whose rows are known", "a fox", {
            "9 Efficient Loader": {
                "=": ["x.safetensors", "Baked VAE", -1, "None", 1, 1, "a fox", "bad", "none"],
                ">": "MODEL CONDITIONING+ CONDITIONING- LATENT"},
            "3 KSampler (Efficient)": {"positive": "@9.1", "negative": "@9.2", ">": "LATENT"}}),
        case("a loader with a size among its words", "a fox", {
            "9 easy fullLoader": {
                "=": ["x.safetensors", "Default", "Baked VAE", -2, "None", 1, 1, "512 x 512", 512,
                      512, "a fox", "none", "comfy", "bad and worse", "none", "comfy", 1],
                ">": "pipe:PIPE_LINE"},
            "3 easy fullkSampler": {"pipe": "@9", ">": "pipe:PIPE_LINE image:IMAGE"}}),
        case("shown, in a drawing alone", "A grand castle", ENCODER | {
            "8 ShowText|pysssss": {"text": "@10", "=": [["A grand castle"]], ">": "STRING"},
            "10 OllamaGenerate": {"=": ["Expand: a castle"], ">": "STRING"}}),
        case("text without spaces", "红色的狐狸", ENCODER | {
            "8 Some Text": {"=": ["红色的狐狸", 1, True], ">": "STRING"}}),
        case("notes", "a fox", {
            "9 CLIPTextEncode": encoder(["a fox"]), "10 Note": {"=": ["a note of a dog"]},
            "11 MarkdownNote": {"=": ["a note"]}}),
        case("loader with outputs that are named", "a fox in snow", {
            "9 Unknown Loader": {"=": ["x.safetensors", "Baked VAE", 1, "a fox in snow",
                                       "blurry and bad"], ">": "CONDITIONING+ CONDITIONING-"}}),
        case("empty prompt beside a negative one", "a fox", {
            "9 ConditioningCombine": {"conditioning_1": "@10", "conditioning_2": "@11",
                                      ">": "CONDITIONING"},
            "10 Unknown Loader": {"=": ["x.pt", "", "blurry and bad"], ">": "MODEL PIPE_LINE"},
            "11 CLIPTextEncode": encoder(["a fox"])}),
        case("styler whose row nobody knows", "a fox in snow", ENCODER | {
            "8 Some Styler": {"=": ["a fox in snow", "blurry, bad", "cinematic"],
                              ">": "positive:STRING negative:STRING"}}),
        case("output by its name", "in snow", ENCODER | {
            "9 CLIPTextEncode": encoder([""], text="@8.2"),
            "8 Three Texts": {"=": {"one": 1, "text_a": "a fox", "text_b": "in snow"},
                              ">": "text_a:STRING one:INT text_b:STRING"}}),
        case("image shown and mode of a switch", "a fox", ENCODER | {
            "8 CR Text Input Switch": {"text1": "@10", "text2": "@11", "=": {"Input": 1},
                                       ">": "STRING"},
            "10 Text Multiline": {"=": ["a fox"], ">": "STRING"},
            "11 Text Multiline": {"=": ["a dog"], ">": "STRING"}}),
    ],
)  # fmt: skip
def test_a_drawn_graph_tells_its_prompt(graph: dict[str, Any], text: str) -> None:
    assert prompt_of_graph(graph) == text


@pytest.mark.parametrize(
    ("nodes", "text"),
    [
        ({"1 aaaa-1": {"=": {"text": "a fox", "negative_text": "blurry"}, ">": "LATENT"}}, "a fox"),
        ({"1 aaaa-1": {"text": "@4", "=": ["", "x"], ">": "LATENT"},
          "4 PrimitiveString": {"=": ["a fox"], ">": "STRING"}}, "a fox"),
        ({"1 aaaa-1": {"=": ["a fox", None], ">": "LATENT", "properties": {
            "proxyWidgets": [["-1", "text"], ["9", "seed"]]}}}, "a fox"),
        ({"1 aaaa-1": {"=": ["a fox"], ">": "LATENT", "properties": {
            "proxyWidgets": [["7", "text"]]}}}, "a fox"),
        ({"1 aaaa-1": {">": "LATENT"}}, "what stood here at first"),
        ({"1 bbbb-2": {"=": {"prompt": "a fox"}, ">": "LATENT"}}, "a fox"),
    ],
    ids=["typed outside", "linked outside", "listed", "listed inside", "typed inside", "nested"],
)  # fmt: skip
def test_a_subgraph_is_looked_into(nodes: Nodes, text: str) -> None:
    definitions = {"subgraphs": [GENERATE, OUTER]}
    assert prompt_of_graph(drawn(nodes | SAVED, definitions=definitions)) == text


ENHANCE = subgraph("dddd-4", "text", {
    "1 OllamaGenerate": {"prompt": "@-10.0", "=": ["x"], ">": "STRING"}}, "@1")  # fmt: skip
ADD = subgraph("eeee-5", "text", {
    "1 StringTrim": {"string": "@-10.0", "=": {"string": "old", "mode": "Both"}, ">": "STRING"},
    "2 StringConcatenate": {"string_a": "@1", ">": "STRING", "=": {
        "string_a": "", "string_b": "in snow", "delimiter": ", "}}}, "@2")  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "mode", "text"),
    [("dddd-4", 4, "a fox"), ("dddd-4", 0, None), ("eeee-5", 0, "a fox, in snow"),
     ("eeee-5", 4, "a fox")],
    ids=["writer bypassed", "writer", "adds", "adding bypassed"],
)  # fmt: skip
def test_a_text_goes_through_a_subgraph(kind: str, mode: int, text: str | None) -> None:
    nodes = ENCODER | {
        f"8 {kind}": {"text": "@10", "mode": mode, ">": "STRING"},
        "10 PrimitiveString": {"=": ["a fox"], ">": "STRING"},
    }
    graph = drawn(LINE | nodes, definitions={"subgraphs": [ENHANCE, ADD]})
    if text is None:
        with pytest.raises(NoPrompt, match="made by OllamaGenerate"):
            comfyui.read({"workflow": json.dumps(graph)})
    else:
        assert prompt_of_graph(graph) == text


def test_links_that_are_made_everywhere_are_followed() -> None:
    link = {"downstream": 3, "downstream_slot": 3, "upstream": "9", "upstream_slot": 0}
    nodes = {
        "8 CLIPTextEncode": encoder(["a dog"]), "9 CLIPTextEncode": encoder(["a fox"]),
        "3 KSampler": {"model": "@1", "negative": "@2", "latent_image": "@4", ">": "LATENT"},
    }  # fmt: skip
    graph = drawn(LINE | nodes, extra={"ue_links": [link]})
    sampler = next(node for node in graph["nodes"] if node["id"] == 3)
    sampler["inputs"].append({"name": "positive", "type": "CONDITIONING", "link": None})
    assert prompt_of_graph(graph) == "a fox"


@pytest.mark.parametrize(
    ("kind", "text"), [("CR Text Concatenate", "a fox, in snow"), ("My Concat", None)]
)
def test_of_a_row_that_is_half_linked_all_is_told_or_nothing(kind: str, text: str | None) -> None:
    nodes = ENCODER | {
        f"8 {kind}": {"text1": "@10", "=": ["", "in snow", ", "], ">": "STRING"},
        "10 CR Text": {"=": ["a fox"], ">": "STRING"},
    }
    graph = drawn(LINE | nodes)
    joining = next(node for node in graph["nodes"] if node["id"] == 8)
    joining["inputs"][0]["widget"] = {"name": "text1"}
    if text is None:
        with pytest.raises(NoPrompt, match="made by My Concat"):
            comfyui.read({"workflow": json.dumps(graph)})
    else:
        assert prompt_of_graph(graph) == text


def test_a_group_of_nodes_has_the_values_that_were_typed_at_it() -> None:
    group = {"1 workflow>my group": {"=": ["a fox", "blurry", 7, "fixed", 20], ">": "LATENT"}}
    extra = {"groupNodes": {"my group": GROUP}}
    assert prompt_of_graph(drawn(group | SAVED, extra=extra)) == "a fox"


def test_subgraphs_within_themselves_come_to_an_end() -> None:
    endless = subgraph("cccc-3", "a", {"1 cccc-3": {"a": "@-10.0"}, "2 cccc-3": {}}, "@1")
    with pytest.raises(NoPrompt, match="too large"):
        prompt_of_graph(drawn({"1 cccc-3": {}} | SAVED, definitions={"subgraphs": [endless]}))


def test_what_was_drawn_tells_which_text_was_shown_when_the_graph_ran() -> None:
    llm: Nodes = {"o OllamaGenerate": {"prompt": "Expand: a castle", "model": "llama3"}}
    graph = of_text({"t ShowText|pysssss": {"text": "@o", "text_0": "of the run before"}} | llm)
    shown = drawn({"t ShowText|pysssss": {"text": "@o", "=": [["A grand castle"]], ">": "STRING"},
                   "o OllamaGenerate": {"=": ["Expand: a castle"], ">": "STRING"}})  # fmt: skip
    fields = {"prompt": json.dumps(graph), "workflow": json.dumps(shown)}
    prompt = comfyui.read(fields)
    assert prompt is not None and prompt.text == "A grand castle"


def test_an_output_that_the_drawing_calls_negative_is_never_followed() -> None:
    graph = of_text({"t Two Texts": {"first": "a long negative one", "text": "x"}}, text="@t.1")
    named = drawn({"t Two Texts": {"=": ["a long negative one", "x"],
                                   ">": "positive:STRING negative:STRING"}})  # fmt: skip
    with pytest.raises(NoPrompt, match="without a prompt"):
        comfyui.read({"prompt": json.dumps(graph), "workflow": json.dumps(named)})


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"prompt": '{"3": {"class_type": "KSampler", "inputs": {"see'}, "cannot be read"),
        ({"workflow": '{"nodes": ['}, "cannot be read"),
        ({"prompt": json.dumps({"1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
                                "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}}})},
         "without a prompt"),
        ({"prompt": json.dumps(of_text({"t PrimitiveString": {"value": " "}}))}, "without a"),
    ],
    ids=["cut off", "drawn and cut off", "no sampler", "empty"],
)  # fmt: skip
def test_a_graph_that_tells_no_prompt_is_named(fields: dict[str, str], reason: str) -> None:
    with pytest.raises(NoPrompt, match=f"ComfyUI graph .*{reason}"):
        comfyui.read(fields)


@pytest.mark.parametrize("text", ["a fox", "{red|blue} fox", "[]", "", "7"])
def test_a_prompt_that_is_a_plain_text_is_another_programs(text: str) -> None:
    assert comfyui.read({"prompt": text}) is None


def test_numbers_that_json_does_not_know_are_read() -> None:
    text = json.dumps(of_text({"t PrimitiveString": {"value": "a fox", "x": float("nan")}}))
    prompt = comfyui.read({"prompt": text})
    assert "NaN" in text and prompt is not None and prompt.text == "a fox"


def test_choices_that_were_made_when_it_ran_are_not_known_from_the_drawing_alone() -> None:
    graph = drawn(LINE | {"9 CLIPTextEncode": encoder(["a {red|blue} fox"])})
    with pytest.raises(NoPrompt, match="made by CLIPTextEncode when it runs"):
        comfyui.read({"workflow": json.dumps(graph)})


def test_marks_are_kept_in_what_is_written_and_left_out_of_what_is_shown() -> None:
    graph = of_text({"t PrimitiveString": {"value": "a (red:1.2) fox \\(animal\\)"}})
    prompt = comfyui.read({"prompt": json.dumps(graph)})
    assert prompt is not None and prompt.text == "a red fox (animal)"
    assert prompt.written == "a (red:1.2) fox \\(animal\\)"
