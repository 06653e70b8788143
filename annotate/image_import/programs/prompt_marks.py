"""Marks that programs read in a prompt, and that are no words of it: weights, LoRA tags, schedules.

What is left is what the text encoder was given, and what people can read. The marks are those of
AUTOMATIC1111 and Forge, which ComfyUI, SwarmUI, Fooocus and others took over in part.
"""

import re
from dataclasses import dataclass, field

from annotate.image_import.programs.reader import MAX_TEXT_LENGTH

STEPS = 20
"""Where a text does not say how many steps were made; schedules may count in steps."""
EVEN = 0.5
JOINT = "\x1f"
"""Stands between parts of a prompt that were given to the encoder apart."""
CLOSES = {")": "(", "]": "["}

# Every expression here is linear: a search that fails has looked at no character twice. Without
# the < in its class, TAGS would look at the rest of the text again from each <lora:.
TAGS = re.compile(r"<\w+:[^<>]*>")
"""Extra networks: <lora:name:0.8>, <lyco:name>, and what other extensions name so."""
EMBEDDINGS = re.compile(r"\bembedding:[^\s,()<>\[\]]+", re.IGNORECASE)
REMARKS = re.compile(r"(?:^|(?<=\s))#[ \t][^\n]*")
PARTS = re.compile(r"\b(?:BREAK|ADDCOMM|ADDBASE|ADDCOL|ADDROW)\b")
ALSO = re.compile(r"\bAND(?:_[A-Z]+)?\b")
TOKENS = re.compile(r"\\.|[^\\()\[\]:|]+|.", re.DOTALL)
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)")
LAST_NUMBER = re.compile(r"\s*([\d.]+[+-]?)\s*:")
"""The weight of a part, read from the end of the text on."""
COMMAS = re.compile(r"(?: ?,){2,} ?| , ?")
SURE = re.compile(r"<\w+:[^<>]*>|\\[()\[\]]|:\s?[\d.]+\s?[)\]]|\(\(|\bBREAK\b")
"""What nobody writes who does not mean a mark."""


@dataclass(slots=True)
class Bracket:
    """A bracket that is not closed yet."""

    kind: str
    start: int
    """How many words were out when it opened."""
    colons: list[int] = field(default_factory=list)
    bars: list[int] = field(default_factory=list)


def shown(text: str, steps: int = STEPS) -> str:
    """Return a prompt as people read it and as the encoder was given it, on one line.

    Words whose weight is nought or less are left out: the image was made without or against them.
    Of [from:to:when] the text stays that held for most of the steps, of [a|b] both.
    """
    text = REMARKS.sub(" ", text[:MAX_TEXT_LENGTH].replace(JOINT, " "))
    text = PARTS.sub(JOINT, EMBEDDINGS.sub(" ", TAGS.sub(" ", text)))
    parts = ALSO.split(text)
    if len(parts) > 1:
        parts = [words for words, weight in map(_weighed, parts) if weight > 0]

    return joined(JOINT.join(_unmarked(part, steps) for part in parts))


def caption(text: str) -> str:
    """Return a text that may be a person's: its brackets stay where nothing else is marked."""
    return shown(text) if SURE.search(text[:MAX_TEXT_LENGTH]) else one_line(text[:MAX_TEXT_LENGTH])


def joined(text: str) -> str:
    """Return parts as one line, with a comma between them where none, and no full stop, is."""
    line = ""
    for part in filter(None, (one_line(part).lstrip(" ,") for part in text.split(JOINT))):
        line += (" " if line.endswith((".", "!", "?", ";", ":")) else ", ") if line else ""
        line += part
    return line


def one_line(text: str) -> str:
    """Return a text on one line, without the commas that something left behind."""
    return COMMAS.sub(", ", " ".join(text.split())).strip(" ,")


def _weighed(part: str) -> tuple[str, float]:
    """Return a part of a prompt in parts, and the weight behind its last colon."""
    found = LAST_NUMBER.match(part[::-1])
    number = found[1][::-1] if found else ""
    if not found or not NUMBER.fullmatch(number):
        return part, 1.0
    return part[: len(part) - found.end()], float(number)


def _unmarked(text: str, steps: int) -> str:
    """Return a text without brackets that mean something; those with a backslash stay."""
    words: list[str] = []
    # With a bracket below all others, there is always one that colons and bars belong to.
    opened, waiting = [Bracket("", 0)], {"(": 0, "[": 0}
    for token in TOKENS.findall(text):
        if token in "([":
            opened.append(Bracket(token, len(words)))
            waiting[token] += 1
        elif token in CLOSES and waiting[CLOSES[token]]:
            # What was opened in between, and never closed, means nothing.
            while opened[-1].kind != CLOSES[token]:
                waiting[opened.pop().kind] -= 1
            waiting[opened[-1].kind] -= 1
            _close(opened.pop(), words, steps)
        else:
            _add(token, words, opened[-1])
    return "".join(words)


def _add(token: str, words: list[str], bracket: Bracket) -> None:
    """Add a word, and remember where a bracket's parts begin."""
    if token in ":|":
        (bracket.colons if token == ":" else bracket.bars).append(len(words))
    words.append(token[1:] if token.startswith("\\") else token)


def _close(bracket: Bracket, words: list[str], steps: int) -> None:
    """Replace what stands in a bracket by what it means."""
    if bracket.kind == "[" and bracket.bars:
        ends = [*bracket.bars, len(words)]
        starts = [bracket.start, *(bar + 1 for bar in bracket.bars)]
        options = ("".join(words[a:b]).strip() for a, b in zip(starts, ends, strict=True))
        words[bracket.start :] = [" and ".join(dict.fromkeys(filter(None, options)))]
        return

    number = "".join(words[bracket.colons[-1] + 1 :])[:40].strip() if bracket.colons else ""
    if not NUMBER.fullmatch(number):
        return
    if bracket.kind == "(":
        del words[bracket.colons[-1] if float(number) > 0 else bracket.start :]
    elif len(bracket.colons) <= 2:
        _schedule(bracket, words, float(number) / (1 if "." in number else steps))


def _schedule(bracket: Bracket, words: list[str], when: float) -> None:
    """Keep, of a text that another follows after a share of the steps, what held for longer."""
    first, last = bracket.colons[0], bracket.colons[-1]
    before = words[bracket.start : first] if first < last else []
    after = words[first + 1 : last] if first < last else words[bracket.start : last]
    longer, shorter = (before, after) if when > EVEN else (after, before)
    words[bracket.start :] = longer or (shorter if when == EVEN else [])
