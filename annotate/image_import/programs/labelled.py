"""Texts in which each part has its name: `Prompt: a red fox`, `Seed: 1`, on lines or on one line.

Scripts, services and people write them into comments and descriptions.
"""

import re

from annotate.image_import.programs.prompt_marks import caption
from annotate.image_import.programs.reader import MAX_TEXT_LENGTH, Fields, FoundPrompt

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
NAMED = re.compile(r"\s{0,9}[A-Za-z][\w ]{0,30}[:=]")
MAX_BEFORE = 40
"""Lines that may stand before the prompt."""
NEXT = re.compile(
    r"[\s,;.|](?:negative[ _]prompts?|neg|negative|seed|steps|sampler|scheduler|cfg|cfg[ _]scale|"
    r"guidance|guidance[ _]scale|model|size|width|height|strength|style) ?[:=] ?",
    re.IGNORECASE,
)


def read(fields: Fields) -> FoundPrompt | None:
    """Return the part of a text that is called the prompt."""
    for text in (fields[name][:MAX_TEXT_LENGTH] for name in FIELDS if name in fields):
        if LABEL.match(_from_the_prompt(text)) and (words := caption(unlabelled(text))):
            return FoundPrompt(words, unlabelled(text), PROGRAM)
    return None


def unlabelled(text: str) -> str:
    """Return the words of a prompt without its name before them and what is named after them."""
    text = _from_the_prompt(text)
    label = LABEL.match(text)
    if label is None:
        return text
    words = text[label.end() :]
    ends = [found.start() for found in (NEXT_LINE.search(words, 1), NEXT.search(words)) if found]
    return words[: min(ends, default=len(words))].strip(" \t\r\n,;|")


def _from_the_prompt(text: str) -> str:
    """Return a text from the line on that is called the prompt, where all before it have names."""
    start = 0
    for line in text.split("\n", MAX_BEFORE)[:MAX_BEFORE]:
        if LABEL.match(line):
            return text[start:]
        if line.strip() and not NAMED.match(line):
            break
        start += len(line) + 1
    return text
