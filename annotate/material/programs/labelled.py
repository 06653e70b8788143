"""Texts in which each part has its name: `Prompt: a red fox`, `Seed: 1`, on lines or on one line.

Scripts, services and people write them into comments and descriptions.
"""

import re

from annotate.material.programs.marks import caption
from annotate.material.programs.reader import LONGEST_TEXT, Fields, Prompt

PROGRAM = "another program"
FIELDS = ("exif:usercomment", "xmp:usercomment", "comment", "jpeg:comment", "exif:xpcomment",
          "exif:imagedescription", "description", "xmp:description", "iptc:caption",
          "parameters")  # fmt: skip
LABEL = re.compile(
    r"\s*(?:(?:/imagine\s{0,9}|parameters ?: ?)(?:(?:positive )?prompts? ?[:=])?|"
    r"(?:positive |text |image )?prompts?\s{0,9}[:=])\s*",
    re.IGNORECASE,
)
NEXT_LINE = re.compile(r"^[A-Z][\w ]{0,30}: ?", re.MULTILINE)
NEXT = re.compile(
    r"[\s,;.|](?:negative prompt|neg|seed|steps|sampler|scheduler|cfg|cfg scale|guidance|"
    r"guidance scale|model|size|width|height|strength|style) ?[:=] ?",
    re.IGNORECASE,
)


def read(fields: Fields) -> Prompt | None:
    """Return the part of a text that is called the prompt."""
    for text in (fields[name][:LONGEST_TEXT] for name in FIELDS if name in fields):
        if LABEL.match(text) and (words := caption(unlabelled(text))):
            return Prompt(words, unlabelled(text), PROGRAM)
    return None


def unlabelled(text: str) -> str:
    """Return the words of a prompt without its name before them and what is named after them."""
    label = LABEL.match(text)
    if label is None:
        return text
    words = text[label.end() :]
    ends = [found.start() for found in (NEXT_LINE.search(words, 1), NEXT.search(words)) if found]
    return words[: min(ends, default=len(words))].strip(" \t\r\n,;|")
