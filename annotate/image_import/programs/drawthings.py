"""Draw Things: JSON in which `c` is the prompt and `uc` the negative one.

In XMP's and EXIF's UserComment or PNG's `Comment`. The description has the same as text: the
prompt, the negative prompt on a line that begins with a hyphen, then the settings.
"""

import re

from annotate.image_import.programs.prompt_marks import shown
from annotate.image_import.programs.reader import MAX_TEXT_LENGTH, Fields, FoundPrompt, NoPrompt

PROGRAM = "Draw Things"
NAMED_IN = ("software", "exif:software", "xmp:creatortool")
FIELDS = ("description", "exif:imagedescription", "xmp:description", "iptc:caption")
SIDES = ("uc", "v2", "seed_mode", "scale", "seed")
REST = re.compile(r"^(?:-|Steps: \d)", re.MULTILINE)
GUIDED = re.compile(r"^Steps: \d{1,4}, [^\n]{0,80}Guidance Scale: ", re.MULTILINE)


def read(fields: Fields) -> FoundPrompt | None:
    """Return the prompt in Draw Things' metadata; raises NoPrompt where it has none."""
    if "c" in fields and any(name in fields for name in SIDES):
        if prompt := _prompt(fields["c"]):
            return prompt
        raise NoPrompt(f"{PROGRAM} metadata without a prompt")

    named = any(PROGRAM in fields.get(name, "") for name in NAMED_IN)
    for text in (fields[name][:MAX_TEXT_LENGTH] for name in FIELDS if name in fields):
        if (named or GUIDED.search(text)) and (end := REST.search(text)):
            return _prompt(text[: end.start()])
    return None


def _prompt(text: str) -> FoundPrompt | None:
    words = shown(text)
    return FoundPrompt(words, text.strip(), PROGRAM) if words else None
