"""Marks in InvokeAI's prompts: word++, (words)1.2, ("a", "b").and(), cat.swap(dog).

They are Compel's; brackets and weights as AUTOMATIC1111 writes them are common there too.
"""

import re

from annotate.image_import.programs.prompt_marks import shown
from annotate.image_import.programs.reader import MAX_TEXT_LENGTH

SWAP = ".swap("
JOINED = re.compile(r"\)\s?\.(?:and|blend)\([^()]*\)")
LORAS = re.compile(r"\bwithLora\([^()]*\)")
AFTER_BRACKET = re.compile(r"\)(?:\++|-+(?=[\s,.;)]|$)|\d+(?:\.\d+)?(?![\w.])|\.\d+(?!\w))")
AFTER_WORD = re.compile(r"(?<=[^\W_])(?:\++|-+)(?=[\s,.;)]|$)")


def spoken(text: str) -> str:
    """Return a prompt without its marks, on one line; of a swap what was swapped in."""
    text = LORAS.sub(" ", _swapped(text[:MAX_TEXT_LENGTH]))
    joined = JOINED.sub(")", text)
    if joined != text:
        joined = joined.replace('"', "")
    return shown(AFTER_WORD.sub("", AFTER_BRACKET.sub(")", joined)))


def _swapped(text: str) -> str:
    """Replace what stands before each .swap( by what stands in it."""
    first, *others = text.split(SWAP)
    done = first
    for part in others:
        inside, bracket, after = part.partition(")")
        if not bracket:
            return done + SWAP + part
        done = _without_last(done) + inside.split(",")[0].strip(' "') + after
    return done


def _without_last(text: str) -> str:
    """Return a text without its last word, or its last words in brackets or quotes."""
    opener = {")": "(", '"': '"'}.get(text[-1:])
    start = text.rfind(opener, 0, len(text) - 1) if opener else -1
    return text[:start] if start >= 0 else text[: max(text.rfind(" "), text.rfind("\n")) + 1]
