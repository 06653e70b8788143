"""The values of a drawn node by the names of its inputs.

Newer files name every input. Older ones have no more than the values in a row: then the names of
widely used nodes are known, and of other nodes a value counts that reads like a text.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from annotate.image_import.programs.comfyui.graph import items, mapping, word
from annotate.image_import.programs.comfyui.names import is_negative, is_prose, is_text

MUTED = 2
JOINING = ("concat", "join", "combin", "append", "merge")
UNTOLD = "?"
"""The name of what was typed at a node beside its links, and is not known."""
AFTER_SEED = ("fixed", "randomize", "increment", "decrement")
WORDLESS = ("enable disable none true false yes no default auto fixed randomize").split()
TEXTUAL = ("STRING", "TEXT", "PROMPT", "CONDITIONING", "*", "PIPE", "EMBED")
ROWS = {
    "CLIPTextEncode": "text",
    "CLIPTextEncodeSDXL": "width height crop_w crop_h target_width target_height text_g text_l",
    "CLIPTextEncodeSDXLRefiner": "ascore width height text",
    "CLIPTextEncodeFlux": "clip_l t5xxl guidance",
    "CLIPTextEncodeSD3": "clip_l clip_g t5xxl empty_padding",
    "CLIPTextEncodeHunyuanDiT": "bert mt5xl",
    "CLIPTextEncodeHiDream": "clip_l clip_g t5xxl llama",
    "CLIPTextEncodeLumina2": "system_prompt user_prompt",
    "PrimitiveNode": "value",
    "PrimitiveString": "value",
    "PrimitiveStringMultiline": "value",
    "StringConcatenate": "string_a string_b delimiter",
    "StringReplace": "string find replace",
    "StringTrim": "string mode",
    "StringSubstring": "string start end",
    "CaseConverter": "string mode",
    "RegexReplace": "string regex_pattern replace case_insensitive multiline dotall count",
    "KSampler": "seed steps cfg sampler_name scheduler denoise",
    "KSamplerAdvanced": "add_noise noise_seed steps cfg sampler_name scheduler start_at_step",
    "ConditioningAverage": "conditioning_to_strength",
    "BasicScheduler": "scheduler steps denoise",
    "SDXLPromptStyler": "text_positive text_negative style",
    "ImpactWildcardProcessor": "wildcard_text populated_text mode seed",
    "ImpactWildcardEncode": "wildcard_text populated_text mode lora wildcard seed",
    "ImpactSwitch": "select sel_mode",
    "CR Text Concatenate": "text1 text2 separator",
    "CR Combine Prompt": "part1 part2 part3 part4 separator",
    "StringFunction|pysssss": "action tidy_tags text_a text_b text_c",
    "ttN concat": "text1 text2 text3 delimiter",
    "easy promptConcat": "prompt1 prompt2 separator",
    "easy positive": "positive",
    "easy fullLoader": "ckpt_name config_name vae_name clip_skip lora_name lora_model_strength "
    "lora_clip_strength resolution empty_latent_width empty_latent_height positive "
    "positive_token_normalization positive_weight_interpretation negative",
    "easy a1111Loader": "ckpt_name vae_name clip_skip lora_name lora_model_strength "
    "lora_clip_strength resolution empty_latent_width empty_latent_height positive negative",
    "easy comfyLoader": "ckpt_name vae_name clip_skip lora_name lora_model_strength "
    "lora_clip_strength resolution empty_latent_width empty_latent_height positive negative",
    "WanVideoTextEncode": "positive_prompt negative_prompt",
    "Text Concatenate": "delimiter clean_whitespace text_a text_b text_c text_d",
    "JoinStrings": "delimiter",
    "JoinStringMulti": "inputcount delimiter",
    "Efficient Loader": "ckpt_name vae_name clip_skip lora_name lora_model_strength "
    "lora_clip_strength positive negative",
}


def named_values(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the typed values of a drawn node by name."""
    given = raw.get("widgets_values")
    if isinstance(given, dict):
        return {word(name): value for name, value in given.items()}
    values = items(given)
    inlets = [inlet for inlet in map(mapping, items(raw.get("inputs"))) if inlet.get("widget")]
    names = [word(inlet.get("name")) for inlet in inlets]
    if found := _aligned(names, values):
        return found
    row = ROWS.get(word(raw.get("type")), "").split()
    if row:
        return _aligned(row, values, cut=True) or {}
    linked = [word(inlet.get("name")) for inlet in inlets if inlet.get("link") is not None]
    if "replac" in word(raw.get("type")).lower():
        return _aligned([*linked[:1], "string", "find", "replace"][-3:], values, cut=True) or {}
    if not linked:
        return _guessed(raw, values)
    # Some of these texts were typed before the links were made, and nobody can tell which.
    joins = any(part in word(raw.get("type")).lower() for part in JOINING)
    texts = [value for value in values if is_prose(value) or (joins and _is_worded(value))]
    return {UNTOLD: True} if len(texts) + joins > len(linked) and texts else {}


def _is_worded(value: Any) -> bool:
    """Return whether a value has words in it, as opposed to a mere separator of texts."""
    return is_text(value) and value.lower() not in WORDLESS and any(c.isalpha() for c in value)


def texts_in(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Return every text among a node's values, also in lists of lists."""
    waiting: list[Any] = [raw.get("widgets_values")]
    found: list[str] = []
    while waiting and len(found) < 20:
        value = waiting.pop()
        if isinstance(value, list | dict):
            waiting += reversed(list(value.values()) if isinstance(value, dict) else value)
        elif is_text(value):
            found.append(value)
    return tuple(found)


def _aligned(names: list[str], values: list[Any], cut: bool = False) -> dict[str, Any] | None:
    """Return values by name, without controls of the seed; None if names and values do not fit."""
    found: dict[str, Any] = {}
    remaining = iter(names)
    after_number = False
    for value in values:
        if after_number and value in AFTER_SEED:
            after_number = False
            continue
        after_number = isinstance(value, int) and not isinstance(value, bool)
        name = next(remaining, None)
        if name is None:
            return found if cut else None
        found[name] = value

    return found if cut or (found and next(remaining, None) is None) else None


def _guessed(raw: Mapping[str, Any], values: list[Any]) -> dict[str, Any]:
    """Return the values of an unknown node that read like texts, if it outputs texts."""
    outlets = [mapping(outlet) for outlet in items(raw.get("outputs"))]
    types = " ".join(word(outlet.get("type")) for outlet in outlets)
    if outlets and not any(part in types for part in TEXTUAL):
        return {}
    if (
        "PIPE" in types
        or "EMBED" in types
        or any(is_negative(word(outlet.get("name"))) for outlet in outlets)
    ):
        # A prompt that was left empty keeps its place, or the negative one would be taken for it.
        sides = ["" if value == "" else value if is_prose(value) else None for value in values]
        pairs = [pair for pair in pairwise(sides) if None not in pair]
        texts = list(pairs[0]) if pairs else [side for side in sides if side]
        return dict(zip(("positive", "negative"), texts, strict=False))
    texts = [value for value in values if is_text(value) and value.lower() not in WORDLESS]
    texts = [value for value in texts if is_prose(value)] or (texts if len(texts) == 1 else [])
    numbers = {f"number_{n}": v for n, v in enumerate(values) if isinstance(v, int | float)}
    return {f"text_{n + 1}": text for n, text in enumerate(texts)} | numbers
