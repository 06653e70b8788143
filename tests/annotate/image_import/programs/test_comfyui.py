"""The positive prompt of a ComfyUI graph as it was sent, whatever nodes it goes through."""

import json
from typing import Any

import pytest
from comfy_graphs import LINE, SAMPLER, Nodes, of_conditioning, of_text, prompt_of_graph, sent

from annotate.image_import.programs import comfyui
from annotate.image_import.programs.reader import NoPrompt

LLM = {"o OllamaGenerate": {"prompt": "Expand: a castle", "model": "llama3"}}
A, B = {"text": "a castle", "clip": "@m.1"}, {"text": "a dragon", "clip": "@m.1"}
TWO = {"a CLIPTextEncode": A, "b CLIPTextEncode": B}


def case(name: str, text: str, nodes: Nodes) -> Any:
    return pytest.param(nodes, text, id=name)


@pytest.mark.parametrize(
    ("nodes", "text"),
    [
        case("string concatenate", "masterpiece, a fox", {
            "t StringConcatenate": {"string_a": "masterpiece", "string_b": "@u", "delimiter": ", "},
            "u PrimitiveString": {"value": "a fox"}}),
        case("concatenate typed and linked in any order", "one, two three", {
            "t StringConcatenate": {"string_b": "@u", "delimiter": ", ", "string_a": "one"},
            "u StringConcatenate": {"delimiter": " ", "string_b": "three", "string_a": "two"}}),
        case("string replace", "a red fox", {
            "t StringReplace": {"string": "a COLOR fox", "find": "COLOR", "replace": "@u"},
            "u PrimitiveStringMultiline": {"value": "red"}}),
        case("trim and case", "A RED FOX", {
            "t CaseConverter": {"string": "@u", "mode": "UPPERCASE"},
            "u StringTrim": {"string": "  a red fox ", "mode": "Both"}}),
        case("substring", "red fox", {
            "t StringSubstring": {"string": "a red fox", "start": 2, "end": 9}}),
        case("regex that is a plain text", "a red fox", {
            "t RegexReplace": {"string": "a blue fox", "regex_pattern": "blue", "replace": "red"}}),
        case("was concatenate", "a fox | in snow", {
            "t Text Concatenate": {"delimiter": " | ", "clean_whitespace": "true", "text_a": "@u",
                                   "text_c": "@v"},
            "u Text Multiline": {"text": "a fox"}, "v Text String": {"text": "in snow"}}),
        case("was string by output", "in snow", {
            "t Text Concatenate": {"delimiter": "", "text_a": "@u.1"},
            "u Text String": {"text": "a fox", "text_b": "in snow", "text_c": ""}}),
        case("was find and replace", "a red fox", {
            "t Text Find and Replace": {"text": "a blue fox", "find": "blue", "replace": "red"}}),
        case("was input switch", "in snow", {
            "t Text Input Switch": {"text_a": "@u", "text_b": "@v", "boolean": "@w"},
            "u Text Multiline": {"text": "a fox"}, "v Text Multiline": {"text": "in snow"},
            "w Logic Boolean": {"boolean": False}}),
        case("pysssss string function", "a fox, in snow", {
            "t StringFunction|pysssss": {"action": "append", "tidy_tags": "yes", "text_a": "a fox",
                                         "text_b": "in snow", "text_c": ""}}),
        case("pysssss string function replaces", "a red fox", {
            "t StringFunction|pysssss": {"action": "replace", "tidy_tags": "no", "text_b": "blue",
                                         "text_a": "a blue fox", "text_c": "red"}}),
        case("kj join strings", "one two", {
            "t JoinStrings": {"delimiter": " ", "string1": "@u", "string2": "@v"},
            "u StringConstant": {"string": "one"}, "v StringConstantMultiline": {
                "string": "two", "strip_newlines": True}}),
        case("kj join many", "1, 2, 10", {
            "t JoinStringMulti": {"inputcount": 10, "string_10": "10", "string_1": "1",
                                  "delimiter": ", ", "return_list": False, "string_2": "2"}}),
        case("kj something to string", "photo of a fox, sharp", {
            "t SomethingToString": {"input": "@u", "prefix": "photo of ", "suffix": ", sharp"},
            "u StringConstant": {"string": "a fox"}}),
        case("kj lazy switch", "in snow", {
            "t LazySwitchKJ": {"switch": True, "on_false": "@u", "on_true": "@v"},
            "u StringConstant": {"string": "a fox"}, "v StringConstant": {"string": "in snow"}}),
        case("comfyroll concatenate", "a fox. in snow", {
            "t CR Text Concatenate": {"text1": "@u", "text2": "in snow", "separator": ". "},
            "u CR Text": {"text": "a fox"}}),
        case("comfyroll replace", "a red fox in snow", {
            "t CR Text Replace": {"text": "a blue fox in rain", "find1": "blue", "replace1": "red",
                                  "find2": "rain", "replace2": "snow", "find3": "",
                                  "replace3": ""}}),
        case("comfyroll switch", "in snow", {
            "t CR Text Input Switch": {"Input": 2, "text1": "a fox", "text2": "in snow"}}),
        case("comfyroll list of one line", "best, a fox, sharp", {
            "t CR Prompt List": {"prepend_text": "best", "multiline_text": "a fox",
                                 "append_text": "sharp", "start_index": 0, "max_rows": 10}}),
        case("easy positive, styles and concat", "a fox, in snow", {
            "t easy promptConcat": {"prompt1": "@u", "prompt2": "@v", "separator": ", "},
            "u easy positive": {"positive": "a fox"},
            "v easy stylesSelector": {"styles": "fooocus_styles", "positive": "in snow",
                                      "negative": "blurry", "select_styles": "sai-cinematic"}}),
        case("easy prompt", "a fox", {
            "t easy prompt": {"text": "a fox", "prefix": "Select the prefix add to the text",
                              "subject": "👤Select the subject add to the text"}}),
        case("easy if else by a number", "in snow", {
            "t easy ifElse": {"boolean": "@b", "on_true": "@u", "on_false": "@v"},
            "b easy boolean": {"value": False}, "u easy string": {"value": "a fox"},
            "v easy string": {"value": "in snow"}}),
        case("easy index switch", "in snow", {
            "t easy textIndexSwitch": {"index": 1, "text0": "a fox", "text1": "in snow"}}),
        case("easy wildcards without any", "a fox", {
            "t easy wildcards": {"text": "a fox", "Select to add LoRA": "Select the LoRA to add",
                                 "seed": 3, "multiline_mode": False}}),
        case("impact switch", "in snow", {
            "t ImpactSwitch": {"select": 2, "sel_mode": False, "input1": "@u", "input2": "@v"},
            "u Text Multiline": {"text": "a fox"}, "v Text Multiline": {"text": "in snow"}}),
        case("impact branch", "a fox", {
            "t ImpactConditionalBranch": {"cond": True, "tt_value": "@u", "ff_value": "@v"},
            "u Text Multiline": {"text": "a fox"}, "v Text Multiline": {"text": "in snow"}}),
        case("impact wildcards", "a red fox", {
            "t ImpactWildcardProcessor": {"wildcard_text": "a {red|blue} fox", "seed": 1,
                                          "populated_text": "a red fox", "mode": "populate"}}),
        case("dynamic prompts without choices", "a fox", {
            "t DPRandomGenerator": {"text": "a fox", "seed": 1, "autorefresh": "No"}}),
        case("rgthree any switch", "a fox", {
            "t Any Switch (rgthree)": {"any_01": "@gone", "any_02": "@u", "any_03": "@v"},
            "u Text Multiline": {"text": "a fox"}, "v Text Multiline": {"text": "in snow"}}),
        case("tiny terra concat", "a fox, in snow, sharp", {
            "t ttN concat": {"text1": "a fox", "text2": "@u", "text3": "sharp", "delimiter": ", "},
            "u ttN text": {"text": "in snow"}}),
        case("essentials condition", "in snow", {
            "t SimpleCondition+": {"evaluate": False, "on_true": "@u", "on_false": "@v"},
            "u ttN text": {"text": "a fox"}, "v ttN text": {"text": "in snow"}}),
        case("sdxl styler", "a castle on a hill", {
            "t SDXLPromptStyler": {"text_positive": "a castle on a hill", "text_negative": "blurry",
                                   "style": "sai-cinematic", "log_prompt": "No"}}),
        case("show text after a text", "a fox", {
            "t ShowText|pysssss": {"text": "@u", "text_0": "what was shown the time before"},
            "u PrimitiveString": {"value": "a fox"}}),
        case("show text after a model", "A grand castle", {
            "t ShowText|pysssss": {"text": "@o", "text_0": "A grand castle"}} | LLM),
        case("shown beside the encoder", "A grand castle", {
            "p CLIPTextEncode": {"text": "@o", "clip": "@m.1"},
            "t easy showAnything": {"anything": "@o", "text": "A grand castle"}} | LLM),
        case("a node nobody knows", "a fox", {
            "t Fancy Prompt Builder": {"the_text": "a fox", "sampler_name": "euler", "style": "",
                                       "file": "x.txt", "enabled": "enable"}}),
        case("parts that nobody knows", "a red fox, in deep snow", {
            "t Scene Maker": {"subject": "a red fox", "place": "in deep snow", "mood": "calm"}}),
    ],
)  # fmt: skip
def test_the_text_of_an_encoder_is_followed(nodes: Nodes, text: str) -> None:
    assert prompt_of_graph(of_text(nodes)) == text


@pytest.mark.parametrize(
    ("nodes", "text"),
    [
        case("combine", "a castle, a dragon", TWO | {
            "p ConditioningCombine": {"conditioning_1": "@a", "conditioning_2": "@b"}}),
        case("concat", "a castle, a dragon", TWO | {
            "p ConditioningConcat": {"conditioning_to": "@a", "conditioning_from": "@b"}}),
        case("average", "a castle, a dragon", TWO | {
            "p ConditioningAverage": {"conditioning_to_strength": 0.5, "conditioning_from": "@b",
                                      "conditioning_to": "@a"}}),
        case("average with nothing of one", "a castle", TWO | {
            "p ConditioningAverage": {"conditioning_to_strength": 1.0, "conditioning_to": "@a",
                                      "conditioning_from": "@b"}}),
        case("areas", "a castle, a dragon", TWO | {
            "p ConditioningCombine": {"conditioning_1": "@c", "conditioning_2": "@e"},
            "c ConditioningSetArea": {"width": 64, "height": 64, "conditioning": "@a"},
            "e ConditioningSetMask": {"conditioning": "@b", "mask": "@q", "strength": 1.0}}),
        case("time ranges and flux guidance", "a castle, a dragon", TWO | {
            "p FluxGuidance": {"guidance": 3.5, "conditioning": "@c"},
            "c ConditioningCombine": {"conditioning_1": "@e", "conditioning_2": "@f"},
            "e ConditioningSetTimestepRange": {"conditioning": "@a", "start": 0.0, "end": 0.5},
            "f ConditioningSetTimestepRange": {"conditioning": "@b", "start": 0.5, "end": 1.0}}),
        case("control net", "a castle", TWO | {
            "p ControlNetApplyAdvanced": {"positive": "@a", "negative": "@n", "image": "@i",
                                          "control_net": "@q", "strength": 1.0}}),
        case("unclip", "a castle", TWO | {
            "p unCLIPConditioning": {"conditioning": "@a", "clip_vision_output": "@q"}}),
        case("many at once", "a castle, a dragon", TWO | {
            "p ConditioningMultiCombine": {"inputcount": 2, "conditioning_1": "@a",
                                           "conditioning_2": "@b", "operation": "combine"}}),
        case("masks and both sides", "a castle, a dragon", TWO | {
            "p ConditioningSetMaskAndCombine": {
                "positive_1": "@a", "negative_1": "@n", "positive_2": "@b", "negative_2": "@n",
                "mask_1": "@q", "mask_2": "@q", "set_cond_area": "default"}}),
        case("sdxl, twice the same", "a castle", {
            "p CLIPTextEncodeSDXL": {"text_g": "a castle", "text_l": "a castle", "width": 64}}),
        case("sdxl, two texts", "a castle, gothic", {
            "p CLIPTextEncodeSDXL": {"text_l": "gothic", "text_g": "a castle", "width": 64}}),
        case("flux, one text in the other", "a castle on a hill", {
            "p CLIPTextEncodeFlux": {"clip_l": "a castle", "t5xxl": "a castle on a hill"}}),
        case("sd3", "a castle", {"p CLIPTextEncodeSD3": {
            "clip_l": "a castle", "clip_g": "a castle", "t5xxl": "", "empty_padding": "none"}}),
        case("hunyuan", "a castle", {"p CLIPTextEncodeHunyuanDiT": {
            "clip": "@m.1", "bert": "a castle", "mt5xl": "a castle"}}),
        case("lumina with a system's prompt", "a castle", {"p CLIPTextEncodeLumina2": {
            "system_prompt": "superior", "user_prompt": "a castle", "clip": "@m.1"}}),
        case("qwen with an image", "make it night", {"p TextEncodeQwenImageEdit": {
            "clip": "@m.1", "prompt": "make it night", "vae": "@m.2", "image": "@i"}}),
        case("impact wildcard encode", "a red fox", {"p ImpactWildcardEncode": {
            "model": "@m", "clip": "@m.1", "wildcard_text": "a {red|blue} fox",
            "populated_text": "a red fox", "mode": "populate", "seed": 1}}),
        case("conditioning switch", "a dragon", TWO | {"p CR Conditioning Input Switch": {
            "Input": 2, "conditioning1": "@a", "conditioning2": "@b"}}),
        case("kj pass through", "a castle", TWO | {
            "p CondPassThrough": {"positive": "@a", "negative": "@n"}}),
        case("efficient loader", "a castle", {"p Efficient Loader": {
            "ckpt_name": "x.safetensors", "vae_name": "Baked VAE", "lora_name": "None",
            "positive": "a castle", "negative": "blurry", "token_normalization": "none"}}),
        case("tiny terra conditioning", "best, a castle", {"p ttN conditioning": {
            "model": "@m", "clip": "@m.1", "loras": "None", "positive": "a castle",
            "negative": "x", "prepend_positive": "best", "prepend_negative": "y",
            "positive_token_normalization": "none", "positive_weight_interpretation": "comfy"}}),
        case("power prompt", "a castle", {"p Power Prompt (rgthree)": {
            "prompt": "a castle", "opt_model": "@m", "opt_clip": "@m.1",
            "insert_lora": "CHOOSE", "insert_embedding": "CHOOSE"}}),
        case("context", "a castle", TWO | {
            "p Context (rgthree)": {"base_ctx": "@c", "model": "@m"},
            "c Context Switch (rgthree)": {"ctx_01": "@gone", "ctx_02": "@e"},
            "e Context (rgthree)": {"positive": "@a", "negative": "@n"}}),
        case("zeroed out", "a castle", TWO | {
            "p ConditioningCombine": {"conditioning_1": "@a", "conditioning_2": "@z"},
            "z ConditioningZeroOut": {"conditioning": "@b"}}),
    ],
)  # fmt: skip
def test_the_conditioning_of_a_sampler_is_followed(nodes: Nodes, text: str) -> None:
    assert prompt_of_graph(of_conditioning(nodes)) == text


@pytest.mark.parametrize(
    ("nodes", "text"),
    [
        case("easy full loader", "a castle", {
            "1 easy fullLoader": {"ckpt_name": "x.safetensors", "positive": "a castle",
                                  "negative": "blurry", "positive_token_normalization": "none"},
            "2 easy fullkSampler": {"pipe": "@1", "steps": 20, "image_output": "Save"}}),
        case("easy pipes", "a castle", TWO | {
            "1 easy a1111Loader": {"positive": "not this", "negative": "blurry"},
            "2 easy pipeIn": {"pipe": "@1", "pos": "@a", "neg": "@n"},
            "3 easy preSampling": {"pipe": "@2", "steps": 20, "denoise": 1.0},
            "4 easy kSampler": {"pipe": "@3", "image_output": "Hide"},
            "5 easy pipeOut": {"pipe": "@4"}, "6 SaveImage": {"images": "@5.7"}}),
        case("basic pipe", "a castle", TWO | {
            "1 ToBasicPipe": {"model": "@m", "clip": "@m.1", "positive": "@a", "negative": "@n"},
            "2 ImpactKSamplerBasicPipe": {"basic_pipe": "@1", "latent_image": "@l"},
            "3 VAEDecode": {"samples": "@2.1"}, "4 SaveImage": {"images": "@3"}}),
        case("efficient sdxl", "a castle", {
            "1 Eff. Loader SDXL": {"base_ckpt_name": "x.safetensors", "positive": "a castle",
                                   "negative": "blurry", "positive_ascore": 6.0},
            "2 KSampler SDXL (Eff.)": {"sdxl_tuple": "@1", "latent_image": "@1.1"},
            "3 SaveImage": {"images": "@2.3"}}),
        case("regions", "a castle, a dragon", TWO | {
            "1 KSamplerAdvancedProvider": {"basic_pipe": "@2"},
            "2 ToBasicPipe": {"positive": "@a", "negative": "@n"},
            "3 KSamplerAdvancedProvider": {"basic_pipe": "@4"},
            "4 ToBasicPipe": {"positive": "@b", "negative": "@n"},
            "5 RegionalPrompt": {"mask": "@q", "advanced_sampler": "@3"},
            "6 RegionalSampler": {"base_sampler": "@1", "regional_prompts": "@5", "samples": "@l"},
            "7 VAEDecode": {"samples": "@6"}, "8 SaveImage": {"images": "@7"}}),
        case("guider", "a castle", TWO | {
            "1 SamplerCustomAdvanced": {"guider": "@2", "sampler": "@q", "sigmas": "@q"},
            "2 CFGGuider": {"model": "@m", "positive": "@a", "negative": "@n", "cfg": 3.0},
            "3 VAEDecode": {"samples": "@1"}, "4 SaveImage": {"images": "@3"}}),
        case("two conditionings in a guider", "a castle, a dragon", TWO | {
            "1 SamplerCustomAdvanced": {"guider": "@2"},
            "2 DualCFGGuider": {"cond1": "@a", "cond2": "@b", "negative": "@n"},
            "3 SaveImage": {"images": "@1"}}),
        case("refined by a face's prompt", "a castle", TWO | {
            "k KSampler": SAMPLER | {"positive": "@a", "negative": "@n"},
            "f FaceDetailer": {"image": "@d", "positive": "@b", "negative": "@n", "denoise": 0.5},
            "s SaveImage": {"images": "@f"}}),
        case("second pass with another prompt", "a castle", TWO | {
            "k KSampler": SAMPLER | {"positive": "@a", "negative": "@n"},
            "u LatentUpscale": {"samples": "@k"},
            "h KSampler": SAMPLER | {"positive": "@b", "negative": "@n", "denoise": 0.4,
                                     "latent_image": "@u"},
            "d VAEDecode": {"samples": "@h"}}),
        case("refiner that goes on", "a castle", TWO | {
            "k KSamplerAdvanced": {"positive": "@a", "negative": "@n", "start_at_step": 0},
            "h KSamplerAdvanced": {"positive": "@b", "negative": "@n", "start_at_step": 20,
                                   "latent_image": "@k"},
            "d VAEDecode": {"samples": "@h"}}),
        case("another sampler that is only looked at", "a castle", TWO | {
            "k KSampler": SAMPLER | {"positive": "@a", "negative": "@n"},
            "h KSampler": SAMPLER | {"positive": "@b", "negative": "@n"},
            "v PreviewImage": {"images": "@h"}}),
        case("an image by a service", "a castle", {
            "d OpenAIDalle3": {"prompt": "a castle", "seed": 1, "quality": "hd"}}),
    ],
)  # fmt: skip
def test_the_sampler_of_the_saved_image_is_found(nodes: Nodes, text: str) -> None:
    assert prompt_of_graph(sent(LINE | nodes)) == text


@pytest.mark.parametrize(
    ("nodes", "maker"),
    [
        case("a language model", "OllamaGenerate", {"t Text Multiline": {"text": "@o"}} | LLM),
        case("a captioner", "Florence2Run", {"t Florence2Run": {
            "image": "@i", "florence2_model": "@q", "text_input": "what is it"}}),
        case("by what it is told", "MyWriter", {"t MyWriter": {
            "text": "write of a castle", "temperature": 0.7, "max_new_tokens": 100}}),
        case("half of it", "OllamaGenerate", {"t StringConcatenate": {
            "string_a": "a castle", "string_b": "@o", "delimiter": ", "}} | LLM),
        case("dice", "DPRandomGenerator", {"t DPRandomGenerator": {
            "text": "a {red|blue} fox", "seed": 1, "autorefresh": "No"}}),
        case("wildcards", "easy wildcards", {"t easy wildcards": {"text": "a __color__ fox",
                                                                  "seed": 1}}),
        case("one of many lines", "CR Prompt List", {"t CR Prompt List": {
            "prepend_text": "", "multiline_text": "a fox\na dog", "append_text": "",
            "start_index": 0, "max_rows": 2}}),
        case("a file", "Load Text File", {"t Load Text File": {"file_path": "prompts.txt"}}),
        case("an expression", "RegexReplace", {"t RegexReplace": {
            "string": "a fox", "regex_pattern": "(a+)+$", "replace": ""}}),
        case("a switch that nobody can read", "ImpactSwitch", {
            "t ImpactSwitch": {"select": "@r", "input1": "@u", "input2": "@v"},
            "r ImpactRandomInt": {"min_value": 1, "max_value": 2},
            "u Text Multiline": {"text": "a fox"}, "v Text Multiline": {"text": "in snow"}}),
    ],
)  # fmt: skip
def test_a_text_that_is_made_when_it_runs_is_no_prompt(nodes: Nodes, maker: str) -> None:
    with pytest.raises(NoPrompt, match=f"made by {maker} when it runs"):
        comfyui.read({"prompt": json.dumps(of_text(nodes))})
