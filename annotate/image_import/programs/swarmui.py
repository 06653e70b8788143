"""SwarmUI and StableSwarmUI: JSON with `sui_image_params`, in it `prompt`.

In PNG under `parameters`, in JPEG and WebP in EXIF's UserComment (older versions: EXIF's Model).
`prompt` has its own tags in angle brackets; those that choose at random are filled in before.
"""

import re
from collections.abc import Iterable

from annotate.image_import.programs.prompt_marks import shown
from annotate.image_import.programs.reader import (
    MAX_TEXT_LENGTH,
    Fields,
    FoundPrompt,
    NoPrompt,
    json_object,
)

PROGRAM = "SwarmUI"
SIGN = "sui_image_params"
APART = " BREAK "
TOKENS = re.compile(r"[<>]|[^<>]+")
TAG = re.compile(r"([a-z]+)(?:\[([^\]]*)\])?(?:\s*:(.*)|\s*//.*)?", re.IGNORECASE | re.DOTALL)
STAGES = ("segment", "refiner", "video", "videoswap", "extend", "pixeldecoder")
"""Their text is for a part of the image, or for what is made of it afterwards."""
PLACED = ("base", "region", "object")
"""Their text is in the image, somewhere."""


def read(fields: Fields) -> FoundPrompt | None:
    """Return the prompt of SwarmUI's parameters; raises NoPrompt where they have none."""
    if SIGN not in fields:
        return None
    prompt = json_object(fields[SIGN]).get("prompt")
    written = prompt[:MAX_TEXT_LENGTH].strip() if isinstance(prompt, str) else ""
    if words := shown(without_tags(written)):
        return FoundPrompt(words, written, PROGRAM)
    raise NoPrompt(f"{PROGRAM} metadata without a prompt")


def without_tags(text: str) -> str:
    """Return a prompt with its tags replaced by what they mean, alternation in square brackets."""
    opened: list[list[str]] = [[]]
    parts, kept = [], True
    for token in TOKENS.findall(text):
        if token == "<":
            opened.append([])
        elif token == ">" and len(opened) > 1:
            content = "".join(opened.pop())
            stage = _stage(content) if len(opened) == 1 else ""
            if stage:
                parts += ["".join(opened[0])] if kept else []
                opened, kept = [[]], stage in PLACED
            else:
                opened[-1].append(_meaning(content))
        else:
            opened[-1].append(token)

    remainder = "<".join("".join(pieces) for pieces in opened)
    return APART.join([*parts, remainder] if kept else parts)


def _stage(content: str) -> str:
    """Return the name of a tag that begins a new part of the prompt; empty for other tags."""
    name = content[: MAX_TEXT_LENGTH if ":" in content else 40].partition(":")[0]
    name = name.partition("//")[0].partition("[")[0].strip().lower()
    return name if name in (*STAGES, *PLACED) or "//cid=" in content else ""


def _meaning(content: str) -> str:
    """Return what a tag puts in its place: nothing for LoRAs, presets and unresolved choices."""
    tag = TAG.fullmatch(content)
    if tag is None:
        return f"<{content}>"

    name, before, data = tag[1].lower(), tag[2] or "", tag[3]
    if name in ("alternate", "alt"):
        return f"[{'|'.join(_split(data or ''))}]"
    if name == "fromto":
        return f"[{':'.join(_split(data or ''))}:{before}]"
    if name in ("setvar", "setmacro"):
        return "" if before.lower().replace(" ", "").endswith(",false") else data or ""
    if name == "repeat":
        return data or ""
    return APART if name == "break" else ""


def _split(data: str) -> Iterable[str]:
    """Return the entries of a list, by the rarest of its separators."""
    separator = next((mark for mark in ("||", "|") if mark in data), ",")
    return (entry.strip() for entry in data.split(separator))
