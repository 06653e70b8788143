"""Roles of a node's inputs and outputs by their names: text, conditioning, negative, or none.

The last word of a name says what it is ("style_prompt" is a prompt, "prompt_style" a style); what
follows it only tells it from others of its kind ("text_b", "string_2", "prompt_positive").
"""

import re
from typing import Any, Literal, TypeGuard

from annotate.image_import.programs.reader import MAX_TEXT_LENGTH

Role = Literal[
    "negative", "positive", "conditioning", "pipe", "text", "delimiter", "aside", "other"
]

WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[+-]")
MAX_NAME_LENGTH = 100

NEGATIVE = ("neg", "uncond", "负", "負", "反向", "反面", "ネガ")
OTHER_TEXTS = ("提示", "正面", "正向", "文本", "プロンプト", "ポジ")
"""Parts of names that packs from China and Japan give to texts."""
ENCODERS = frozenset("clip_l clip_g clip_h t5 t5xxl bert mt5xl llama gemma".split())
"""Inputs that are named after the text encoder that reads them."""
POSITIVE = frozenset("positive pos +".split())
CONDITIONING = frozenset("conditioning conditionings cond conds guider embeds".split())
PIPE = frozenset("pipe ctx context bus tuple sampler".split())
TEXTS = frozenset(
    "text texts prompt prompts string strings str caption captions tag tags wildcard wildcards "
    "value part content line lines words sentence description phrase keywords populated".split()
)
DELIMITERS = frozenset("delimiter delimeter delim separator seperator sep joiner glue join".split())
ASIDE = frozenset(
    "model models clip vae image images latent latents samples pixels mask masks control "
    "controlnet net upscale seed noise sigmas lora loras vision ipadapter width height bbox segm "
    "sam detector "
    "file filename path folder dir directory url font color system instruction instructions "
    "template ckpt scheduler steps cfg denoise token key audio video frames batch script "
    "log blacklist exclude banned restrict".split()
)
QUALIFIERS = POSITIVE | frozenset(
    "in input opt optional main base list multiline raw to from global local with out output "
    "pre app prefix suffix prepend append new old default extra other first second third".split()
)


def words(name: str) -> list[str]:
    """Return the words of a name in small letters: of "text_gA2" text, g, a and 2."""
    return [word.lower() for word in WORD.findall(name[:MAX_NAME_LENGTH])]


def head(name: str) -> str:
    """Return the word that says what a name is; an empty text where all only qualify."""
    return _head(words(name))


def stem(name: str) -> str:
    """Return a name without the number or letter at its end."""
    parts = words(name)
    return " ".join(parts[:-1] if len(parts) > 1 and _counts(parts[-1]) else parts)


def ordinal(name: str) -> int | None:
    """Return which of its kind a name is: 2 for "text_2" and "text_b"; None where it is no such."""
    last = words(name)[-1:]
    if not last or not _counts(last[0]):
        return None
    return int(last[0][:6]) if last[0].isdecimal() else ord(last[0]) - ord("a") + 1


def role(name: str) -> Role:
    """Return the role of an input or output by its name."""
    parts = words(name)
    last = _head(parts)
    if is_negative(name):
        return "negative"
    if name.lower() in ENCODERS or any(part in name[:MAX_NAME_LENGTH] for part in OTHER_TEXTS):
        return "text"
    if not DELIMITERS.isdisjoint(parts):
        return "delimiter"
    if not ASIDE.isdisjoint(parts):
        return "aside"
    if not POSITIVE.isdisjoint(parts):
        return "positive" if last in TEXTS | CONDITIONING | PIPE | {""} else "other"
    if last in CONDITIONING:
        return "conditioning"
    if last in PIPE:
        return "pipe"

    return "text" if last in TEXTS else "other"


def is_negative(name: str) -> bool:
    """Return whether a name is that of a negative prompt."""
    lower = name[:MAX_NAME_LENGTH].lower()
    return lower.endswith("-") or any(part in lower for part in NEGATIVE)


def is_text(value: Any) -> TypeGuard[str]:
    """Return whether a value can be a text that a person wrote: not empty, and no file name."""
    return isinstance(value, str) and bool(value.strip()) and not _names_file(value)


def is_prose(value: Any) -> TypeGuard[str]:
    """Return whether the value of an unknown input reads like a text."""
    if not is_text(value):
        return False
    some = value[:MAX_TEXT_LENGTH]
    worded = sum(any(c.isalpha() for c in word) for word in some.split())
    # Chinese and Japanese have no spaces between words.
    return worded > 1 or sum(c.isalpha() and not c.isascii() for c in some) > 3


def _names_file(value: str) -> bool:
    end = value[-16:].lower().rpartition(".")[2]
    return len(value) < 300 and end in (
        "safetensors ckpt pt pth bin gguf onnx sft png jpg jpeg webp txt json yaml csv".split()
    )


def _head(parts: list[str]) -> str:
    for part in reversed(parts):
        if part not in QUALIFIERS and not _counts(part):
            return part
    return ""


def _counts(word: str) -> bool:
    return word.isdecimal() or (len(word) == 1 and "a" <= word <= "z")
