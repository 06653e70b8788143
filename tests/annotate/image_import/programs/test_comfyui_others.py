"""Graphs of nodes that nobody thought of at first, and what is never a prompt."""

import json
from typing import Any

import pytest
from comfy_graphs import (
    LINE,
    SAMPLER,
    Nodes,
    drawn,
    of_conditioning,
    of_text,
    prompt_of_graph,
    sent,
)
from hypothesis import given, settings
from hypothesis import strategies as some

from annotate.image_import.programs import comfyui
from annotate.image_import.programs.reader import NoPrompt

A, B = {"text": "a castle", "clip": "@m.1"}, {"text": "a dragon", "clip": "@m.1"}
FOX, SNOW = {"text": "a fox"}, {"text": "snow"}


def case(name: str, text: str, graph: dict[str, Any]) -> Any:
    return pytest.param(graph, text, id=name)


def whole(nodes: Nodes) -> dict[str, Any]:
    return sent(LINE | nodes)


@pytest.mark.parametrize(
    ("graph", "text"),
    [
        case("inspire basic pipe", "a red fox", whole({
            "1 MakeBasicPipe //Inspire": {
                "ckpt_name": "x.safetensors", "positive_wildcard_text": "a {red|blue} fox",
                "negative_wildcard_text": "bad", "positive_populated_text": "a red fox",
                "negative_populated_text": "bad", "wildcard_mode": "populate", "seed": 1},
            "k KSamplerPipe //Inspire": {"basic_pipe": "@1", "latent_image": "@l"}})),
        case("inspire zip", "a fox", of_text({
            "t UnzipPrompt //Inspire": {"zipped_prompt": "@u"},
            "u ZipPrompt //Inspire": {"positive": "a fox", "negative": "bad", "name_opt": "one"}})),
        case("inspire region", "a castle, a dragon", of_conditioning({
            "p ConditioningCombine": {"conditioning_1": "@a", "conditioning_2": "@r"},
            "a CLIPTextEncode": A, "r RegionalConditioningSimple //Inspire": {
                "clip": "@m.1", "mask": "@q", "strength": 1.0, "prompt": "a dragon"}})),
        case("mikey", "a fox", of_text({"t PromptWithStyle": {
            "positive_prompt": "a fox", "negative_prompt": "bad", "style": "none",
            "seed": 3}}, "@t.1")),
        case("mikey keeps its result", "a red fox", of_text({"t TextPreserve": {
            "text": "a {red|blue} fox", "result_text": "a red fox"}})),
        case("format with numbers", "a fox in snow, again a fox", of_text({
            "t PromptUtilitiesFormatString": {"prompt": "[1] in [2], again [1]", "arg1": "@u",
                                              "arg2": "@v"},
            "u Text Multiline": FOX, "v Text Multiline": SNOW})),
        case("template with names", "a fox in snow", of_text({
            "t Apply Text Template (mtb)": {"template": "{who} in {where}", "who": "@u",
                                            "where": "@v"},
            "u Text Multiline": FOX, "v Text Multiline": SNOW})),
        case("join of arguments", "a fox. snow", of_text({
            "t PromptUtilitiesJoinStringList": {"separator": ". ", "arg1": "@u", "arg2": "@v"},
            "u Text Multiline": FOX, "v Text Multiline": SNOW})),
        case("jps, a comma by name", "a fox, snow", of_text({
            "t Text Concatenate (JPS)": {"delimiter": "comma", "text1": "@u", "text2": "@v"},
            "u Text Multiline": FOX, "v Text Multiline": SNOW})),
        case("fizz, two without a delimiter", "a fox in snow", of_text({
            "t ConcatStringSingle": {"string_a": "a fox", "string_b": " in snow"}})),
        case("prompt control", "a fox", of_conditioning({
            "p PCLazyTextEncode": {"clip": "@m.1", "text": "a fox"}})),
        case("trigger words", "fluffy, a fox", of_conditioning({"p Prompt (LoraManager)": {
            "text": "a fox", "clip": "@m.1", "trigger_words1": "fluffy", "seed": 0}})),
        case("pipe of anything", "a fox", of_text({
            "t Text to Text": {"text": "@q.2"},
            "q Pipe from any [Crystools]": {"CPipeAny": "@r"},
            "r Pipe to/edit any [Crystools]": {"any_1": "@v", "any_2": "@u"},
            "u Text Multiline": FOX, "v Text Multiline": SNOW})),
        case("crystools list and switch", "a fox and snow", of_text({
            "t List of strings [Crystools]": {"string_1": "@s", "string_2": "snow",
                                              "delimiter": " and "},
            "s Switch string [Crystools]": {"on_true": "a fox", "on_false": "x",
                                            "boolean": True}})),
        case("searge muxer", "a dragon", of_conditioning({
            "p SeargeConditioningMuxer2": {"input0": "@a", "input1": "@b", "input_selector": 1},
            "a CLIPTextEncode": A, "b CLIPTextEncode": B})),
        case("searge encoder", "a fox, photo", of_conditioning({"p SeargeSDXLPromptEncoder": {
            "base_clip": "@m", "refiner_clip": "@m", "pos_g": "a fox", "pos_l": "photo",
            "pos_r": "sharp", "neg_g": "bad", "neg_l": "bad", "neg_r": "bad"}})),
        case("mtb replace", "a red fox", of_text({"t String Replace (mtb)": {
            "string": "a blue fox", "old": "blue", "new": "red", "use_regex": False}})),
        case("art venture pipe", "a fox", of_text({
            "t AV_ParametersPipeToPrompts": {"pipe": "@u"},
            "u AV_PromptsToParametersPipe": {"positive": "a fox", "negative": "bad"}})),
        case("wan video", "a fox", whole({
            "1 WanVideoTextEncode": {"t5": "@q", "positive_prompt": "a fox",
                                     "negative_prompt": "bad"},
            "k WanVideoSampler": {"model": "@m", "text_embeds": "@1", "image_embeds": "@q"}})),
        case("smz", "a fox", of_conditioning({"p smZ CLIPTextEncode": {
            "text": "a fox", "clip": "@m.1", "parser": "A1111", "text_g": "", "text_l": ""}})),
        case("chibi, both sides", "a fox", of_conditioning({"p ConditionTextPrompts": {
            "clip": "@m.1", "positive": "a fox", "negative": "bad"}})),
        case("chibi, one output each", "snow", of_conditioning({
            "p ConditionTextMulti": {"clip": "@m.1", "first": "@u", "second": "@v"},
            "u Text Multiline": FOX, "v Text Multiline": SNOW}, "@p.1")),
        case("chibi, a link before what is typed", "a fox", of_text({
            "t Textbox": {"text": "typed", "passthrough": "@u"}, "u Text Multiline": FOX})),
        case("zeroed out at the end", "a castle", of_conditioning({
            "p ConditioningZeroOutCombine": {"conditioning": "@a", "zero_out_end": 0.5},
            "a CLIPTextEncode": A})),
        case("logic if", "snow", of_text({
            "t If ANY execute A else B": {"ANY": "@b", "IF_TRUE": "@u", "IF_FALSE": "@v"},
            "b Bool": {"value": False}, "u Text Multiline": FOX, "v Text Multiline": SNOW})),
        case("layer style if and join", "a fox, snow", of_text({
            "t LayerUtility: TextJoin": {"text_1": "@w", "text_2": "@v"},
            "w LayerUtility: If ": {"if_condition": 1, "when_TRUE": "@u", "when_FALSE": "@v"},
            "u Text Multiline": FOX, "v Text Multiline": SNOW})),
        case("hunyuan", "a fox", of_conditioning({"p HYDiTTextEncode": {
            "text": "a fox", "text_t5": "a fox", "CLIP": "@m.1", "T5": "@q"}})),
        case("hunyuan video", "a fox", whole({
            "1 HyVideoTextEncode": {"text_encoders": "@q", "prompt": "a fox",
                                    "prompt_template": "video"},
            "k HyVideoSampler": {"model": "@m", "hyvid_embeds": "@1", "steps": 30}})),
        case("sdxl power prompt", "a fox, photo", of_conditioning({
            "p SDXL Power Prompt - Positive (rgthree)": {
                "prompt_g": "a fox", "prompt_l": "photo", "opt_clip": "@m.1",
                "insert_lora": "CHOOSE"}})),
        case("derfuu", "a red fox snow", of_text({
            "t DF_Text_Concatenate": {"Prepend": "@w", "Append": "@v", "Delimiter": " "},
            "w DF_String_Replace": {"Text": "a blue fox", "Pattern": "blue",
                                    "Replace_With": "red", "Mode": "Strict"},
            "v Text Multiline": SNOW})),
        case("a pack named after models", "a fox, snow", of_text({
            "t VLMTextJoin": {"text_a": "@w", "text_b": "@v", "separator": "comma",
                              "custom_separator": "", "trim_parts": True},
            "w VLMTextClean": {"text": "a fox", "unicode_normalization": "NFC",
                               "max_characters": 0}, "v Text Multiline": SNOW})),
        case("named in chinese", "a fox", of_conditioning({"p 提示词编码": {
            "负面提示词": "bad", "正面提示词": "a fox", "clip": "@m.1"}})),
        case("lines of an encoder with a number", "a fox\nin snow", of_conditioning({
            "p Other TextEncode": {"text": "a fox\nin snow", "index": 1, "clip": "@m.1"}})),
        case("both forms in one object", "a fox", {"prompt": of_text({
            "t Text Multiline": FOX}), "workflow": {"nodes": [], "links": []}}),
        case("pairs of conditioning", "a castle, a dragon", of_conditioning({
            "p PairConditioningSetPropertiesAndCombine": {
                "positive": "@a", "negative": "@n", "positive_NEW": "@c", "negative_NEW": "@n"},
            "c PairConditioningSetProperties": {"positive_NEW": "@b", "negative_NEW": "@n"},
            "a CLIPTextEncode": A, "b CLIPTextEncode": B})),
        case("a default beside it", "a castle, a dragon", of_conditioning({
            "p ConditioningSetDefaultCombine": {"cond": "@a", "cond_DEFAULT": "@c"},
            "c ConditioningSetPropertiesAndCombine": {"cond": "@a", "cond_NEW": "@b"},
            "a CLIPTextEncode": A, "b CLIPTextEncode": B})),
        case("perp-neg", "a castle", whole({
            "k SamplerCustomAdvanced": {"guider": "@g", "sigmas": "@q", "latent_image": "@l"},
            "g PerpNegGuider": {"model": "@m", "positive": "@a", "negative": "@n",
                                "empty_conditioning": "@e"},
            "a CLIPTextEncode": A, "e CLIPTextEncode": {"text": "", "clip": "@m.1"}})),
        case("cascade", "a castle", whole({
            "k KSampler": SAMPLER | {"positive": "@p", "negative": "@n"},
            "p StableCascade_StageB_Conditioning": {"conditioning": "@a", "stage_c": "@c"},
            "c KSampler": SAMPLER | {"positive": "@a", "negative": "@n"}, "a CLIPTextEncode": A})),
        case("a list that is joined later", "a fox | snow", of_text({
            "t ImpactStringListToString": {"join_with": " | ", "string_list": "@w"},
            "w ImpactMakeAnyList": {"value1": "@u", "value2": "@v"},
            "u Text Multiline": FOX, "v Text Multiline": SNOW})),
        case("a number in a text", "a fox, 7", of_text({
            "t StringConcatenate": {"string_a": "a fox", "string_b": "@u", "delimiter": ", "},
            "u Number to String": {"number": "@v"}, "v PrimitiveInt": {"value": 7}})),
        case("line by its number", "a dog", of_text({"t StringSelector": {
            "strings": "a fox\na dog\na hen", "multiline": False, "select": 1}})),
    ],
)  # fmt: skip
def test_nodes_that_were_not_thought_of_are_read(graph: dict[str, Any], text: str) -> None:
    assert prompt_of_graph(graph) == text


@pytest.mark.parametrize(
    "nodes",
    [
        {"t OneButtonPrompt": {"insanitylevel": 5, "artist": "all", "custom_subject": "",
                               "prompt_prefix": "photo of", "prompt_suffix": "", "seed": 3}},
        {"t CreatePromptVariant": {"prompt_input": "a fox", "insanitylevel": 5, "seed": 3}},
        {"t LLMPromptGenerator": {"prompt": "write of a fox", "model": "@q", "max_tokens": 9}},
        {"t UnzipPrompt //Inspire": {"zipped_prompt": "@u"},
         "u LoadPromptsFromFile //Inspire": {"prompt_file": "example/prompt2.txt"}},
        {"p CLIPTextEncodeBLIP": {"text": "a photo of BLIP_TEXT", "image": "@i", "clip": "@m.1"}},
        {"d NanoBanana": {"prompt": "@o", "images": "@i"}, "s SaveImage": {"images": "@d"},
         "o ChatNode": {"prompt": "write of a fox", "seed": 1}, "k KSamplerSelect": {}},
        {"p GoogleTranslateCLIPTextEncodeNode": {"text": "лиса", "clip": "@m.1",
                                                 "from_translate": "ru"}},
    ],
    ids=["by chance", "varied", "by a language model", "from a file", "described",
         "for a service", "translated"],
)  # fmt: skip
def test_what_is_made_of_an_order_is_not_told(nodes: Nodes) -> None:
    with pytest.raises(NoPrompt, match="when it runs"):
        comfyui.read({"prompt": json.dumps(of_text(nodes))})


BAD = "worst quality, lowres"
SIDES = ("positive", "negative")


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(
    kind=some.sampled_from(["Fancy Loader", "Show Both", "Text Concat", "Prompt Styler", "X Pipe"]),
    name=some.sampled_from(["negative", "text_neg", "negative_prompt", "neg_g", "NEG", "uncond"]),
    before=some.booleans(),
    text=some.sampled_from(["a fox", "", None]),
    as_text=some.booleans(),
)  # fmt: skip
def test_a_negative_input_is_never_a_prompt(
    kind: str, name: str, before: bool, text: str | None, as_text: bool
) -> None:
    good = {} if text is None else {"positive": text}
    node: dict[str, Any] = {name: BAD} | good if before else good | {name: BAD}
    nodes = {f"t {kind}": node}
    graph = of_text(nodes) if as_text else of_conditioning(nodes, "@t")
    try:
        assert prompt_of_graph(graph) in ("a fox", None)
    except NoPrompt as skip:
        assert BAD not in str(skip)


@pytest.mark.parametrize("name", ["positive", "guider", "conditioning"])
def test_without_its_positive_link_a_graph_tells_nothing(name: str) -> None:
    nodes: Nodes = {
        "k KSampler": SAMPLER | {"negative": "@n"},
        "n CLIPTextEncode": {"text": BAD, "clip": "@m.1"},
    }
    assert prompt_of_graph(whole(nodes)) is None
    nodes["k KSampler"] |= {name: "@gone"}
    assert prompt_of_graph(whole(nodes)) is None


def test_several_saved_images_of_several_prompts_are_not_told_apart() -> None:
    nodes: Nodes = {
        "a CLIPTextEncode": A, "b CLIPTextEncode": B,
        "k KSampler": SAMPLER | {"positive": "@a", "negative": "@n"},
        "j KSampler": SAMPLER | {"positive": "@b", "negative": "@n"},
        "z SaveImage": {"images": "@j"},
    }  # fmt: skip
    with pytest.raises(NoPrompt, match="images of several prompts"):
        comfyui.read({"prompt": json.dumps(whole(nodes))})


@pytest.mark.parametrize(
    ("values", "outputs"),
    [
        (
            ["x.pt", "a fox in snow", "bad and worse"],
            "MODEL positive:CONDITIONING negative:CONDITIONING",
        ),
        (["x.pt", "a fox in snow", "bad and worse"], "PIPE_LINE"),
        (["a fox in snow", "bad and worse", True], "WANVIDEOTEXTEMBEDS"),
    ],
)
def test_of_a_row_of_values_the_negative_one_is_left_out(values: list[Any], outputs: str) -> None:
    graph = drawn({
        "1 Unknown": {"=": values, ">": outputs},
        "2 KSampler": {"positive": "@1.1" if "positive" in outputs else "@1", ">": "LATENT"},
        "3 SaveImage": {"images": "@2", "=": ["images of foxes"]},
    })  # fmt: skip
    assert prompt_of_graph(graph) == "a fox in snow"
