"""InvokeAI: `invokeai_metadata`, and before it `sd-metadata` and the command line in `dream`."""

import re
from collections.abc import Mapping
from typing import Any

from annotate.material.programs.reader import LONGEST_TEXT, Fields, Prompt, json_object, plain

PROGRAM = "InvokeAI"
DREAM = re.compile(r'^\s*"(.*)"\s+-')
"""A prompt in quotes, then options."""
UNWANTED = re.compile(r"\[[^\[\]]*\]")
"""How the older InvokeAI wrote a negative prompt into the prompt."""


def read(fields: Fields) -> Prompt | None:
    """Return the prompt of the newest of its three forms."""
    forms = {"invokeai_metadata": _newest, "sd-metadata": _older, "dream": _oldest}
    found = (plain(form(fields[name]), PROGRAM) for name, form in forms.items() if name in fields)
    return next(filter(None, found), None)


def _newest(text: str) -> Any:
    """Version 3 and later."""
    return json_object(text).get("positive_prompt")


def _older(text: str) -> str | None:
    """Versions 1 and 2: a text, or texts with weights."""
    image = json_object(text).get("image")
    prompt = image.get("prompt") if isinstance(image, Mapping) else None
    if isinstance(prompt, list):
        parts = [part.get("prompt") for part in prompt if isinstance(part, Mapping)]
        prompt = " ".join(part for part in parts if isinstance(part, str))
    return _without_unwanted(prompt)


def _oldest(text: str) -> str | None:
    quoted = DREAM.match(text[:LONGEST_TEXT])
    return _without_unwanted(quoted[1] if quoted else None)


def _without_unwanted(value: Any) -> str | None:
    return UNWANTED.sub(" ", value[:LONGEST_TEXT]) if isinstance(value, str) else None
