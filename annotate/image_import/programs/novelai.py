"""NovelAI: `Comment` is JSON with `prompt` and, since version 4, `v4_prompt` by characters.

`Description` is the prompt, `Software` or `Source` names the program. WebP has all of it as one
JSON object in EXIF's UserComment, and the lowest bits of the alpha repeat it.
"""

import re
from typing import Any

from annotate.image_import.programs.layers import looks_json
from annotate.image_import.programs.prompt_marks import JOINT, joined
from annotate.image_import.programs.reader import (
    MAX_TEXT_LENGTH,
    Fields,
    FoundPrompt,
    NoPrompt,
    json_object,
)

PROGRAM = "NovelAI"
NAMED_IN = ("software", "source", "title", "exif:software", "xmp:creatortool")
SIDES = ("uc", "scale")
OWN = ("uncond_scale", "noise_schedule", "request_type", "signed_hash", "sm_dyn")
MAX_WEIGHT = 20
WEIGHT_BACKWARDS = re.compile(r"([\d.]+-?)")
NUMBER = re.compile(r"-?(?:\d+(?:\.\d*)?|\.\d+)")
EMPHASIS = str.maketrans("", "", "{}[]")


def read(fields: Fields) -> FoundPrompt | None:
    """Return the prompt in NovelAI's metadata; raises NoPrompt where it has none."""
    named = any(PROGRAM.lower() in fields.get(name, "").lower() for name in NAMED_IN)
    sides = [name for name in SIDES if name in fields]
    own = "v4_prompt" in fields or len(sides) > 1
    own = own or (bool(sides) and any(name in fields for name in OWN))
    if not named and not own:
        return None

    comment: Any = json_object(fields["comment"]) if "comment" in fields else fields
    texts = (_of_version_4(comment), comment.get("prompt"), fields.get("description"))
    written = next(filter(None, map(_text, texts)), "")
    if words := spoken(written):
        return FoundPrompt(words, written.replace(JOINT, "\n"), PROGRAM)
    raise NoPrompt(f"{PROGRAM} metadata without a prompt")


def spoken(text: str) -> str:
    """Return a prompt without {strong}, [weak], 1.3::weighted:: and the unwanted -1::this::."""
    kept, weight = [], 1.0
    parts = text[:MAX_TEXT_LENGTH].split("::")
    for index, part in enumerate(parts):
        words, following = _weighed(part) if index + 1 < len(parts) else (part, 1.0)
        kept += [words] if weight > 0 else []
        weight = following
    return joined("".join(kept).translate(EMPHASIS).replace("|", JOINT))


def _weighed(part: str) -> tuple[str, float]:
    """Return the words before two colons, and the weight that a number there gives to the next."""
    found = WEIGHT_BACKWARDS.match(part[::-1])
    number = found[1][::-1] if found else ""
    if not NUMBER.fullmatch(number[:12]) or abs(float(number[:12])) > MAX_WEIGHT:
        return part, 1.0
    return part[: len(part) - len(number)], float(number[:12])


def _of_version_4(comment: Any) -> str:
    """Return the caption of the whole image, then that of each character."""
    prompt = comment.get("v4_prompt")
    prompt = json_object(prompt) if isinstance(prompt, str) else prompt
    captions = prompt.get("caption") if isinstance(prompt, dict) else None
    if not isinstance(captions, dict):
        return ""
    characters = captions.get("char_captions")
    each = [one.get("char_caption") for one in _items(characters) if isinstance(one, dict)]
    return JOINT.join(filter(None, map(_text, (captions.get("base_caption"), *each))))


def _items(value: Any) -> list[Any]:
    return value[:100] if isinstance(value, list) else []


def _text(value: Any) -> str:
    is_text = isinstance(value, str) and not looks_json(value)
    return value[:MAX_TEXT_LENGTH].strip() if is_text else ""
