"""InvokeAI: `invokeai_metadata`, and before it `sd-metadata` and the command line in `dream`.

`invokeai_graph` and `invokeai_workflow` are there too; images of workflows may have nothing else.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from annotate.image_import.programs.invokeai_graph import prompt_of_nodes
from annotate.image_import.programs.invokeai_marks import spoken
from annotate.image_import.programs.layers import looks_json
from annotate.image_import.programs.reader import (
    MAX_TEXT_LENGTH,
    Fields,
    FoundPrompt,
    NoPrompt,
    json_object,
)

PROGRAM = "InvokeAI"
QUOTED = re.compile(r'[\w.>: ]{0,40}"((?:[^"\\]|\\.)*)"')
OPTION = re.compile(r"\s--?[A-Za-z]")
"""What follows the prompt on the command line."""
UNWANTED = re.compile(r"\[[^\[\]]*\]")
"""How the older InvokeAI wrote a negative prompt into the prompt."""


def read(fields: Fields) -> FoundPrompt | None:
    """Return the prompt of the newest of its forms; raises NoPrompt where none has one."""
    forms: Mapping[str, Callable[[str], str]] = {
        "invokeai_metadata": _newest,
        "invokeai_graph": lambda text: prompt_of_nodes(json_object(text)),
        "invokeai_workflow": lambda text: prompt_of_nodes(json_object(text)),
        "sd-metadata": _older,
        "sd_metadata": _older,
        "dream": _oldest,
    }
    present = [name for name in forms if name in fields]
    for name in present:
        written = forms[name](fields[name])[:MAX_TEXT_LENGTH].strip()
        if words := spoken(written):
            return FoundPrompt(words, written, PROGRAM)

    if present:
        raise NoPrompt(f"{PROGRAM} metadata without a prompt")
    return None


def _newest(text: str) -> str:
    """Return the prompt of version 3 and later; with SDXL a style prompt may be separate."""
    values = json_object(text)
    prompt, style = (_text(values.get(f"positive_{kind}")) for kind in ("prompt", "style_prompt"))
    return prompt if style in prompt else ", ".join(filter(None, (prompt, style)))


def _older(text: str) -> str:
    """Return the prompt of versions 1 and 2: a text, or texts with weights."""
    value = json_object(text)
    image = value.get("image") or next(iter(_items(value.get("images"))), None)
    prompt = image.get("prompt") if isinstance(image, Mapping) else None
    if isinstance(prompt, list):
        parts = [part for part in prompt if isinstance(part, Mapping)]
        prompt = " ".join(_text(part.get("prompt")) for part in parts if _is_wanted(part))
    return UNWANTED.sub(" ", _text(prompt))


def _oldest(text: str) -> str:
    """Return the prompt of a command line: in quotes, or up to the first option."""
    text = text[:MAX_TEXT_LENGTH]
    quoted = QUOTED.match(text)
    end = OPTION.search(text)
    prompt = quoted[1] if quoted else text[: end.start()] if end else ""
    return "" if looks_json(text) else UNWANTED.sub(" ", prompt)


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_wanted(part: Mapping[str, Any]) -> bool:
    weight = part.get("weight", 1)
    return isinstance(weight, int | float) and weight > 0


def _text(value: Any) -> str:
    return value[:MAX_TEXT_LENGTH].strip() if isinstance(value, str) else ""
