"""Programs that nobody named: a prompt under a key that says so, in text chunks or in JSON.

Services and scripts write `prompt`, `positive_prompt` or `positivePrompt`. Tensor.Art puts JSON
under `generation_data`, Stability Matrix under `parameters-json`.
"""

import re
from collections.abc import Iterator

from annotate.image_import.programs import a1111
from annotate.image_import.programs.layers import looks_json
from annotate.image_import.programs.prompt_marks import caption, shown
from annotate.image_import.programs.reader import (
    MAX_TEXT_LENGTH,
    Fields,
    FoundPrompt,
    NoPrompt,
    json_object,
)
from annotate.image_import.programs.unsaid import is_answered, is_unsaid

PROGRAM = "another program"
SERVICES = {"generation_data": "Tensor.Art", "parameters-json": "Stability Matrix"}
PROMPTS = ("prompt", "prompts", "positiveprompt", "positive")
"""Keys that say so, without what is no letter; the best first."""
ABOUT = re.compile(
    r"^neg|neg$|negative|uncond|exclude|template|hires|refiner|system|caption|instruct|strength|length|weight|style|"
    r"hash|seed|model|count|token|lora|mask|face|version|type|date|time|language|schedule|edit|id$"
)
"""Makes of a prompt's key another one."""
HELD = ("positive", "prompt", "text", "content", "value")
"""Where an object that stands for a prompt has its text."""
SETTINGS = frozenset(
    ("seed", "steps", "sampler", "samplername", "cfg", "cfgscale", "guidancescale", "scheduler",
     "numinferencesteps", "negativeprompt", "loras")
)  # fmt: skip
FEWEST_SETTINGS = 2
WHOLE = ("parameters", "alpha:pnginfo")
"""Fields that only image programs write."""
SIGNS = {"sui_image_params": "SwarmUI", "class_type": "ComfyUI", "v4_prompt": "NovelAI",
         "full_prompt": "Fooocus", "base_model": "Fooocus"}  # fmt: skip
SAYS = re.compile(r"[^\W_]")
LETTERS = re.compile(r"[^a-z]+")


def read_services(fields: Fields) -> FoundPrompt | None:
    """Return the prompt in the JSON that a service puts under its own name; raises NoPrompt."""
    for name, service in SERVICES.items():
        if name not in fields:
            continue
        values = json_object(fields[name].strip("\x00"))
        for text in _told({key: text for key, text in values.items() if isinstance(text, str)}):
            if words := shown(text):
                return FoundPrompt(words, text[:MAX_TEXT_LENGTH].strip(), service)
        raise NoPrompt(f"{service} metadata without a prompt")
    return None


def read(fields: Fields) -> FoundPrompt | None:
    """Return a prompt under a key that says so, or a whole text in a place for parameters.

    Raises NoPrompt for JSON in such a place, and for settings without a prompt.
    """
    for text in _told(fields):
        if prompt := _prompt(text):
            return prompt
    for text in (fields[name] for name in WHOLE if name in fields):
        if looks_json(text):
            raise NoPrompt(_reason(text))
        if a1111.parts_of(text[:MAX_TEXT_LENGTH]) is None and (prompt := _prompt(text)):
            return prompt
    if len(SETTINGS.intersection(map(_key, fields))) >= FEWEST_SETTINGS:
        raise NoPrompt("metadata of an unknown program without a prompt")
    return None


def _told(fields: Fields) -> Iterator[str]:
    """Return the texts under keys that say that they are prompts, the best first."""
    ranks: dict[str, tuple[int, int]] = {}
    for name in () if is_answered(fields) else fields:
        key = _key(name)
        if key in PROMPTS or ("prompt" in key and ":" not in name and not ABOUT.search(key)):
            ranks[name] = (PROMPTS.index(key) if key in PROMPTS else len(PROMPTS), len(key))
    for name in sorted(ranks, key=lambda name: ranks[name]):
        yield _joined(fields[name])


def _joined(text: str) -> str:
    """Return a text, or the texts of a list, or an object's text, which stand as JSON."""
    if not looks_json(text):
        return text
    value = json_object(f'{{"all": {text}}}').get("all")
    values = [value.get(name) for name in HELD] if isinstance(value, dict) else value
    texts = [text for text in values if isinstance(text, str)] if isinstance(values, list) else []
    return ", ".join(texts[:1] if isinstance(value, dict) else texts)


def _prompt(text: str) -> FoundPrompt | None:
    words = caption(text)
    is_prompt = SAYS.search(words) and not is_unsaid(text)
    return FoundPrompt(words, text[:MAX_TEXT_LENGTH].strip(), PROGRAM) if is_prompt else None


def _reason(text: str) -> str:
    """Say whose JSON it is that no reader could read."""
    program = next((name for sign, name in SIGNS.items() if sign in text), "an unknown program")
    return f"metadata of {program} that cannot be read"


def _key(name: str) -> str:
    return LETTERS.sub("", name[:60].lower())
