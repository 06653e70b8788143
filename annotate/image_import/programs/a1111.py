"""AUTOMATIC1111, Forge, reForge, SD.Next, Krita AI Diffusion and whoever writes its form of text.

The prompt, a line `Negative prompt: ...`, a line of settings that begins with `Steps: 20, `. In PNG
under `parameters`, in JPEG and WebP in EXIF's UserComment, or in the lowest bits of the alpha.
SD.Next and Dynamic Prompts add `Template: ...`; some services write everything on one line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from annotate.image_import.programs.labelled import unlabelled
from annotate.image_import.programs.layers import looks_json
from annotate.image_import.programs.prompt_marks import STEPS, caption, shown
from annotate.image_import.programs.reader import MAX_TEXT_LENGTH, Fields, FoundPrompt, NoPrompt
from annotate.image_import.programs.unsaid import NOTHING, is_unsaid, without_preamble

PROGRAM = "AUTOMATIC1111"
WITHOUT = f"{PROGRAM} metadata without a prompt"
FIELDS = (
    "parameters", "alpha:pnginfo", "exif:usercomment", "xmp:usercomment", "jpeg:comment", "comment",
    "exif:xpcomment", "exif:imagedescription", "description", "xmp:description",
)  # fmt: skip
KNOWN = frozenset(
    ("steps", "sampler", "cfg scale", "seed", "size", "model", "model hash", "version", "scheduler",
     "schedule type", "clip skip", "guidance scale", "denoising strength", "app", "pipeline", "vae")
)  # fmt: skip
NEGATIVE = re.compile(
    r"(?:negative[ _]prompts?|(?:反向|负面|负向|負面|否定)提示[词詞語语]?|"
    r"ネガティブ(?:プロンプト)?|부정 ?프롬프트|негативный промпт) ?[:：]",
    re.IGNORECASE,
)
"""Also as translations of these programs write it."""
NEGATIVE_LINE = re.compile(
    r"[*_#>\- ]{0,4}(?:prompts? )?n[eé]g\w{0,9}(?:[ _-]prompts?)?[*_ ]{0,3}[:：]", re.IGNORECASE
)
"""The same at the start of a line, in other words: Neg:, Negativer Prompt:, Prompt négatif :"""
BREAKS = re.compile(
    r"(?:\\r)?\\n(?=negative prompt:|Steps: )|\s?<br ?/?>\s?(?=negative prompt:|Steps: )",
    re.IGNORECASE,
)
"""Ends of lines that a program wrote as letters."""
TEMPLATE = re.compile(r"(?:negative )?template:", re.IGNORECASE)
STEPS_ALONE = re.compile(r"Steps: ?\d{1,4}[\s,]*")
STEPS_WITHIN = re.compile(r"(?<=[\s,.;])Steps: ?\d{1,4}, ?[A-Z][\w ]{0,30}:")
COUNT = re.compile(r"Steps: ?(\d{1,4})\b")
KEYS = re.compile(r"(?:^|,) ?([A-Z][\w ]{0,30}): ")


@dataclass(frozen=True, slots=True)
class A1111Parts:
    """Parts of a text in the format of AUTOMATIC1111."""

    prompt: str
    settings: str


def read(fields: Fields) -> FoundPrompt | None:
    """Return the prompt in a file's parameters; raises NoPrompt where they are there without it."""
    empty = False
    others = [name for name in fields if name not in FIELDS and "neg" not in name]
    for name in (*FIELDS, *others):
        text = tidied(fields.get(name, "")[:MAX_TEXT_LENGTH])
        parts = None if looks_json(text) else parts_of(text)
        if parts and name not in FIELDS and not parts.settings:
            continue
        if parts and (prompt := prompt_of(parts)):
            return prompt
        empty = empty or parts is not None

    if empty:
        raise NoPrompt(WITHOUT)
    return None


def read_text(text: str) -> FoundPrompt | None:
    """Return the prompt of a text file: what comes before the negative one and Steps, or all."""
    text = tidied(text[:MAX_TEXT_LENGTH])
    parts = parts_of(text)
    if parts is None:
        if is_unsaid(text):
            return None
        text = without_preamble(text.lstrip())
        words = caption(unlabelled(text))
        return FoundPrompt(words, text.strip(), PROGRAM) if words else None
    return prompt_of(parts)


def tidied(text: str) -> str:
    """Return a text without what pages and JSON make of ends of lines, bold names, quotes."""
    start = text.lstrip()
    if start.startswith("**"):
        text = text.replace("**", "")
    if start.startswith('"') and (found := BREAKS.search(text)) and found[0].startswith("\\"):
        text = start.strip().strip('"')
    return BREAKS.sub("\n", text)


def prompt_of(parts: A1111Parts, source: str = PROGRAM) -> FoundPrompt | None:
    """Return the prompt of a text's parts without its marks."""
    count = COUNT.search(parts.settings)
    words = shown(unlabelled(parts.prompt), int(count[1]) if count else STEPS)
    is_prompt = words and words.lower() not in NOTHING
    return FoundPrompt(words, parts.prompt, source) if is_prompt else None


def parts_of(text: str) -> A1111Parts | None:
    """Return the parts of a text; None for one that has no negative prompt and no settings."""
    settings = _settings(text)
    end = len(text) if settings is None else settings
    ends = [end] if settings is not None else []
    for start, line in _lines(text[:end]):
        named = settings is not None and NEGATIVE_LINE.match(line)
        if NEGATIVE.match(line) or named or (settings is not None and TEMPLATE.match(line)):
            ends.append(start)
            break
    else:
        # On one line with the prompt, where it can hardly be a part of it.
        found = NEGATIVE.search(text, 0, end)
        ends += [found.start()] if found else []
    return A1111Parts(text[: min(ends)].strip(" \t\r\n,"), text[end:]) if ends else None


def _settings(text: str) -> int | None:
    """Return where the settings begin: the last line of them, or within the last line."""
    lines = list(_lines(text))
    for start, line in reversed(lines):
        if _is_settings(line):
            return start
    written = [(start, line) for start, line in lines if line and not TEMPLATE.match(line)]
    if written and STEPS_ALONE.fullmatch(written[-1][1]):
        return written[-1][0]
    within = list(STEPS_WITHIN.finditer(text))
    return within[-1].start() if within else None


def _is_settings(line: str) -> bool:
    keys = [found[1].lower() for found in KEYS.finditer(line)]
    return len(KNOWN.intersection(keys)) > 1 and line.lower().startswith(keys[0])


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Return each line and where it begins."""
    start = 0
    for line in text.split("\n"):
        stripped = line.lstrip()
        yield start + len(line) - len(stripped), stripped.rstrip()
        start += len(line) + 1
