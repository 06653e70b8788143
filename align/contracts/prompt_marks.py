"""Marks in a prompt: weights and breaks, read as AUTOMATIC1111 and Forge read them.

`(word)` weighs 1.1, `[word]` 1/1.1, `(word:1.3)` 1.3; brackets in brackets multiply, a backslash
before a bracket makes it a bracket of the text, and BREAK begins another chunk.
"""

import re
from dataclasses import dataclass, replace

BRACKET_WEIGHT = 1.1
"""What a pair of round brackets without a number multiplies by, and square ones divide by."""
MAX_WEIGHT = 100.0
"""A word weighs at most so much, in either direction: embeddings stay finite, in half precision
too."""
OPENING = {")": "(", "]": "["}
TOKENS = re.compile(
    r"\\[\\()\[\]]"  # a bracket or backslash that is text
    r"|:\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)\s*\)"  # a weight with its closing bracket
    r"|[()\[\]\\:]"
    r"|[^()\[\]\\:]+"
)
BREAK = re.compile(r"\s*\bBREAK\b\s*")
SPECIAL = re.compile(r"[()\[\]\\]|\bBREAK\b")
LETTERS = re.compile(r"[A-Za-z]+")
MAX_TOKENS = 75
"""What the published encoders of SDXL take at a time."""


@dataclass(frozen=True, slots=True)
class WeightedText:
    """A piece of a prompt, and the weight of its words."""

    text: str
    weight: float = 1.0


def read_prompt(prompt: str) -> list[list[WeightedText]]:
    """Split a prompt at every BREAK into parts, and each part into pieces of one weight.

    A bracket that is never closed counts up to the end of the prompt; one that was never opened is
    text. Unlike in those programs, BREAK breaks within brackets as well, where they take it for a
    word of negative weight.
    """
    pieces: list[WeightedText | None] = []
    opened: dict[str, list[int]] = {"(": [], "[": []}
    for token in TOKENS.findall(prompt):
        if token in opened:
            opened[token].append(len(pieces))
        elif token[-1] in OPENING and token[0] != "\\" and opened[OPENING[token[-1]]]:
            start = opened[OPENING[token[-1]]].pop()
            _weigh(pieces, start, _weight(token))
        else:
            pieces += _pieces(token)

    for kind, starts in opened.items():
        for start in starts:
            _weigh(pieces, start, _weight("]" if kind == "[" else ")"))
    return _parts(pieces)


def _weight(closing: str) -> float:
    """Return what a closing bracket multiplies by, with or without a number before it."""
    if closing == "]":
        return 1 / BRACKET_WEIGHT
    return float(closing[1:-1]) if closing[0] == ":" else BRACKET_WEIGHT


def _weigh(pieces: list[WeightedText | None], start: int, factor: float) -> None:
    """Multiply the weights of all pieces from `start` on, each up to the most that it may be."""
    # Twice, since infinity times zero is no number.
    factor = _bounded(factor)
    for number, piece in enumerate(pieces[start:], start):
        pieces[number] = piece and replace(piece, weight=_bounded(piece.weight * factor))


def _bounded(weight: float) -> float:
    return max(-MAX_WEIGHT, min(MAX_WEIGHT, weight))


def _pieces(token: str) -> list[WeightedText | None]:
    """Return the text of a token, with None for every BREAK in it."""
    if token[0] == "\\":
        # A backslash before anything but a bracket leaves no trace.
        return [WeightedText(token[1:])]
    texts = BREAK.split(token)
    pieces: list[WeightedText | None] = [WeightedText(texts[0])]
    for text in texts[1:]:
        pieces += [None, WeightedText(text)]
    return pieces


def _parts(pieces: list[WeightedText | None]) -> list[list[WeightedText]]:
    """Gather pieces between breaks, and join neighbors of one weight: they are one text."""
    parts: list[list[WeightedText]] = [[]]
    for piece in pieces:
        if piece is None:
            parts.append([])
        elif parts[-1] and parts[-1][-1].weight == piece.weight:
            parts[-1][-1] = replace(piece, text=parts[-1][-1].text + piece.text)
        else:
            parts[-1].append(piece)
    return parts


def has_marks(prompt: str) -> bool:
    """Return whether anything in a prompt is read as a mark and not as text."""
    return SPECIAL.search(prompt) is not None and read_prompt(prompt) != [[WeightedText(prompt)]]


def has_weights(prompt: str) -> bool:
    """Return whether some words of a prompt weigh more or less than others."""
    if not SPECIAL.search(prompt):
        return False
    return any(piece.weight != 1.0 for part in read_prompt(prompt) for piece in part if piece.text)


def is_read_whole(prompt: str, tokens: int = MAX_TOKENS) -> bool:
    """Return whether releases before may have read a prompt in another way.

    They read no marks, and cut off what was more than an encoder's `tokens`.
    """
    return has_marks(prompt) or _most_tokens(prompt) > tokens


def _most_tokens(prompt: str) -> int:
    """Estimate how many tokens a text is, rather too many than too few.

    Letters of ASCII are taken for a token in two, which words of any language stay below; of
    all else, such as digits, emoji and Chinese, every byte may be one.
    """
    words = LETTERS.findall(prompt)
    others = "".join(LETTERS.sub("", prompt).split())
    return sum((len(word) + 1) // 2 for word in words) + len(others.encode(errors="replace"))


def without_marks(prompt: str) -> str:
    """Return a prompt's words alone, as a text encoder that knows no weights is given them."""
    if not has_marks(prompt):
        return prompt
    texts = ("".join(piece.text for piece in part) for part in read_prompt(prompt))
    return ", ".join(filter(None, (text.strip() for text in texts)))


def escape_marks(words: str) -> str:
    """Return a prompt that is read as exactly these words, brackets and BREAK included."""
    # A backslash within a word leaves no trace in it.
    return SPECIAL.sub(lambda found: "B\\REAK" if found[0] == "BREAK" else "\\" + found[0], words)
