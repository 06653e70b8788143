"""Programs that nobody named: a prompt under a key that says so, in text chunks or in JSON.

Services and scripts write `prompt`, `positive_prompt` or `positivePrompt`. Tensor.Art puts JSON
under `generation_data`, Stability Matrix under `parameters-json`.
"""

import re

from annotate.material.programs import a1111
from annotate.material.programs.layers import looks_json
from annotate.material.programs.marks import caption, shown
from annotate.material.programs.reader import (
    LONGEST_TEXT,
    Fields,
    NoPrompt,
    Prompt,
    json_object,
)

PROGRAM = "another program"
SERVICES = {"generation_data": "Tensor.Art", "parameters-json": "Stability Matrix"}
PROMPTS = ("prompt", "positiveprompt", "positive", "promptpositive", "textprompt", "inputprompt",
           "userprompt", "originalprompt", "imageprompt")  # fmt: skip
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


def read_services(fields: Fields) -> Prompt | None:
    """Return the prompt in the JSON that a service puts under its own name; raises NoPrompt."""
    for name, service in SERVICES.items():
        if name not in fields:
            continue
        values = {_key(key): value for key, value in json_object(fields[name]).items()}
        told = (values.get(key) for key in PROMPTS)
        for text in (text for text in told if isinstance(text, str)):
            if words := shown(text):
                return Prompt(words, text[:LONGEST_TEXT].strip(), service)
        raise NoPrompt(f"{service} metadata without a prompt")
    return None


def read(fields: Fields) -> Prompt | None:
    """Return a prompt under a key that says so, or a whole text in a place for parameters.

    Raises NoPrompt for JSON in such a place, and for settings without a prompt.
    """
    keys = {_key(name): name for name in reversed(list(fields))}
    for name in (keys[key] for key in PROMPTS if key in keys):
        if not looks_json(fields[name]) and (prompt := _prompt(fields[name])):
            return prompt
    for text in (fields[name] for name in WHOLE if name in fields):
        if looks_json(text):
            raise NoPrompt(_reason(text))
        if a1111.parts_of(text[:LONGEST_TEXT]) is None and (prompt := _prompt(text)):
            return prompt
    if len(SETTINGS.intersection(keys)) >= FEWEST_SETTINGS:
        raise NoPrompt("metadata of an unknown program without a prompt")
    return None


def _prompt(text: str) -> Prompt | None:
    words = caption(text)
    told = SAYS.search(words)
    return Prompt(words, text[:LONGEST_TEXT].strip(), PROGRAM) if told else None


def _reason(text: str) -> str:
    """Say whose JSON it is that no reader could read."""
    program = next((name for sign, name in SIGNS.items() if sign in text), "an unknown program")
    return f"metadata of {program} that cannot be read"


def _key(name: str) -> str:
    return LETTERS.sub("", name[:60].lower())
