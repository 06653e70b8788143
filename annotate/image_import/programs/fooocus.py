"""Fooocus and its forks: JSON with `prompt`, and what styles made of it in `full_prompt`.

In PNG under `parameters` with `fooocus_scheme`, in JPEG and WebP in EXIF's UserComment. The scheme
`a1111` writes AUTOMATIC1111's text, with what the person wrote as `Raw prompt`. RuinedFooocus
writes `Prompt` and `software`; Fooocus-MRE JSON with `real_prompt` into the comment.
"""

import json
import re

from annotate.image_import.programs import a1111
from annotate.image_import.programs.layers import looks_json
from annotate.image_import.programs.prompt_marks import shown
from annotate.image_import.programs.reader import (
    MAX_TEXT_LENGTH,
    Fields,
    FoundPrompt,
    NoPrompt,
    json_object,
)

PROGRAM = "Fooocus"
RUINED = "RuinedFooocus"
OWN = ("full_prompt", "real_prompt", "adm_guidance", "positive_prompt_strength", "sharpness")
RAW = re.compile(r'Raw prompt: ("(?:[^"\\]|\\.)*"|[^,]*)')
CHOSEN = re.compile(r"__[\w/-]{1,99}__|\[\[")
"""What Fooocus puts another word for: a wildcard, a list."""
VERSION = re.compile(r"Version: \w*Fooocus\b")


def read(fields: Fields) -> FoundPrompt | None:
    """Return what a person wrote for Fooocus; raises NoPrompt where nothing stands there."""
    software = fields.get("software", "")
    if "prompt" in fields and (RUINED in software or any(name in fields for name in OWN)):
        source = RUINED if RUINED in software else PROGRAM
        written = fields["prompt"][:MAX_TEXT_LENGTH].strip()
        if CHOSEN.search(written):
            written = _made(fields.get("full_prompt", "")) or written
        if words := shown(written):
            return FoundPrompt(words, written, source)
        raise NoPrompt(f"{source} metadata without a prompt")
    texts = (fields[name] for name in ("parameters", "exif:usercomment") if name in fields)
    return next(filter(None, (_of_text(text, fields) for text in texts)), None)


def _of_text(text: str, fields: Fields) -> FoundPrompt | None:
    """Read the scheme a1111."""
    parts = None if looks_json(text) else a1111.parts_of(text[:MAX_TEXT_LENGTH])
    if parts is None or not ("fooocus_scheme" in fields or VERSION.search(parts.settings)):
        return None
    raw = RAW.search(parts.settings)
    written = _unquoted(raw[1]) if raw else ""
    if words := shown(written):
        return FoundPrompt(words, written, PROGRAM)
    return a1111.prompt_of(parts, PROGRAM)


def _made(text: str) -> str:
    """Return the first of the prompts that a person's was made into."""
    made = json_object(f'{{"all": {text}}}').get("all")
    return made[0] if isinstance(made, list) and made and isinstance(made[0], str) else ""


def _unquoted(text: str) -> str:
    try:
        value = json.loads(text) if text.startswith('"') else text
    except ValueError:
        return text.strip('"')
    return value if isinstance(value, str) else text
