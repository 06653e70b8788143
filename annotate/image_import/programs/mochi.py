"""Mochi Diffusion: IPTC's caption, `Include in Image: ...; Exclude from Image: ...; Model: ...`."""

import re

from annotate.image_import.programs.prompt_marks import one_line
from annotate.image_import.programs.reader import MAX_TEXT_LENGTH, Fields, FoundPrompt, NoPrompt

PROGRAM = "Mochi Diffusion"
FIELDS = ("iptc:caption", "xmp:description", "exif:imagedescription", "description")
SIGN = "Include in Image:"
NEXT = re.compile(r"; (?:Exclude from Image|[A-Z][A-Za-z ]{1,24}): ?")


def read(fields: Fields) -> FoundPrompt | None:
    """Return what was to be in the image; raises NoPrompt for nothing."""
    for text in (fields[name][:MAX_TEXT_LENGTH] for name in FIELDS if name in fields):
        if not text.lstrip().startswith(SIGN):
            continue
        following = NEXT.search(text)
        end = following.start() if following else len(text)
        written = text[text.index(SIGN) + len(SIGN) : end].strip()
        if words := one_line(written):
            return FoundPrompt(words, written, PROGRAM)
        raise NoPrompt(f"{PROGRAM} metadata without a prompt")
    return None
