"""Texts in the place of a prompt that are none: output of machines, and errors."""

import re
from collections.abc import Mapping

from annotate.image_import.programs.reader import MAX_TEXT_LENGTH

NOTHING = frozenset(("unknown", "undefined", "none", "null", "nan", "n/a", "[object object]"))
"""What stands in place of a prompt that a program could not tell."""
ADDRESS = re.compile(r"(?:https?|file|ftp|data)://?\S+", re.IGNORECASE)
MARKUP = re.compile(
    r"<(?:!doctype|html|\?xml|svg|prompt)\b|version https://git-lfs|traceback \(most recent|"
    r"(?:\w{1,30} )?(?:\w{1,30}error|error|exception|warning) ?: |webvtt|"
    r"\d{1,6}\s{1,3}\d\d:\d\d:\d\d[,.]\d{3} -->",
    re.IGNORECASE,
)
"""A page or a message of an error, what Git keeps in place of a large file, subtitles."""
FILE = re.compile(r"[^\n]{0,200}\.(?:png|jpe?g|webp|gif|tiff?|bmp|heic|avif)", re.IGNORECASE)
VALUE = re.compile(r"\s{0,9}[A-Za-z][\w .\-]{0,40}[:=]\s{0,3}(-?[\d.]{1,20}%?\s{0,9}$)?")
"""A line that gives something a value, and whether that is a number."""
FEWEST_VALUES = 3
CAPTIONS = re.compile(
    r"\s{0,9}(?:\w{1,20} )?(?:prompt|caption|description|subject|text|tags)s?\b", re.I
)
SORRY = re.compile(
    r"(?:i['\u2019]?m sorry|i am sorry|sorry|i apologi[sz]e|unfortunately)\b[,.]? (?:but )?"
    r"(?:i|as an ai)\b|i (?:cannot|can['\u2019]?t|am unable to|am not able to) "
    r"(?:assist|help|describe|provide|identify|see|view|fulfil)|as an ai\b",
    re.IGNORECASE,
)
"""How a model that describes images begins to say that it will not."""
BOX = re.compile(r"[\w\-]{0,40}(?:[ ,\t]{1,3}-?\d{1,9}(?:\.\d{1,9})?){4,12}[ \t]{0,3}")
"""A line of a detector: a name and the numbers of a box."""
MAX_BOXES = 200
PYTHON = re.compile(r"[\[\s]{0,9}\{\s{0,9}'")
"""How an object of Python begins that was written as text."""
PREAMBLE = re.compile(
    r"(?:(?:sure|certainly|of course)\b[,.!]? {0,3})?here(?:['\u2019]s| is| are) (?:a|an|the|your) "
    r"[^\n:]{0,60}\b(?:caption|prompt|description)s?\b[^\n:]{0,60}:\s{1,9}",
    re.IGNORECASE,
)
"""What such a model says before it describes an image."""
ANSWERS = frozenset("response responses answer answers completion reply".split())
WORD = re.compile(r"[a-z]+")


def is_unsaid(text: str) -> bool:
    """Return whether a text is no prompt, by its content."""
    text = text[:MAX_TEXT_LENGTH].strip()
    refused = MARKUP.match(text) or SORRY.match(text) or PYTHON.match(text)
    if refused or text.lower() in NOTHING or ADDRESS.fullmatch(text):
        return True
    if FILE.fullmatch(text):
        return True
    lines = text.split("\n", MAX_BOXES)[:MAX_BOXES]
    return bool(text) and (all(BOX.fullmatch(line.strip()) for line in lines) or _are_values(lines))


def _are_values(lines: list[str]) -> bool:
    """Return whether lines are named numbers, or at least three named values of any kind."""
    found = [VALUE.match(line) for line in lines if line.strip()]
    values = [value for value in found if value is not None]
    if len(values) < len(found) or any(map(CAPTIONS.match, lines)):
        return False
    return len(values) >= FEWEST_VALUES or all(value[1] for value in values)


def without_preamble(text: str) -> str:
    """Return a description without what a model said before it."""
    preamble = PREAMBLE.match(text)
    return text[preamble.end() :] if preamble else text


def is_answered(row: Mapping[str, str]) -> bool:
    """Return whether named texts are a question and its answer: then the prompt is a task."""
    answers = (text for key, text in row.items() if ANSWERS & set(WORD.findall(key[:60].lower())))
    return any(len(text[:MAX_TEXT_LENGTH].split()) > 1 for text in answers)
