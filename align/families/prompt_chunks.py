"""Prompts of any length and with weights, as AUTOMATIC1111 and Forge give them to CLIP encoders.

A prompt's tokens fill chunks of what an encoder takes, 75 for the published ones, each between
tokens of start and end; every chunk is encoded by itself, and their rows follow one another.

Shapes: B chunks, S tokens of a chunk, D text width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import CLIPTokenizer

from align.contracts.prompt_marks import WeightedText, read_prompt

MAX_MOVED_TOKENS = 20
"""So many tokens after a chunk's last comma move to the next one, as by default in those programs:
a phrase is not cut in two where that costs little."""
COMMA = ",</w>"
"""CLIP's token of a comma that ends a word."""


@dataclass(slots=True)
class Chunk:
    """Tokens of one pass through an encoder, without start and end, and the weight of each."""

    tokens: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    last_comma: int = -1

    def add(self, token: int, weight: float) -> None:
        """Append one token."""
        self.tokens.append(token)
        self.weights.append(weight)

    def split(self, place: int) -> Chunk:
        """Cut off and return what follows `place`."""
        rest = Chunk(self.tokens[place:], self.weights[place:])
        del self.tokens[place:], self.weights[place:]
        return rest


def chunks_of(prompt: str, tokenizer: CLIPTokenizer, length: int) -> list[Chunk]:
    """Return the chunks of a prompt for an encoder of this length, at least one.

    BREAK ends one early.
    """
    parts, chunks = read_prompt(prompt), list[Chunk]()
    for number, part in enumerate(parts, start=1):
        filled = _fill(part, tokenizer, length - 2)
        # Nothing after a last BREAK is no chunk; nothing between two is an empty one.
        if filled[-1].tokens or number < len(parts) or not chunks:
            chunks += filled
    return chunks


def _fill(part: Sequence[WeightedText], tokenizer: CLIPTokenizer, most: int) -> list[Chunk]:
    """Spread pieces of text over chunks, at least one."""
    chunks = [Chunk()]
    comma = tokenizer.convert_tokens_to_ids(COMMA)
    for piece in part:
        # Pieces are encoded one by one, as in those programs, so a bracket ends a word.
        for token in tokenizer(piece.text, add_special_tokens=False, verbose=False).input_ids:
            chunk = chunks[-1]
            if token == comma:
                chunk.last_comma = len(chunk.tokens)
            if len(chunk.tokens) == most:
                chunk = _next(chunk, is_comma=token == comma)
                chunks.append(chunk)
            chunk.add(token, piece.weight)
    return chunks


def _next(full: Chunk, is_comma: bool) -> Chunk:
    """Return the chunk after a full one, with the tokens of the full one that move there."""
    after_comma = len(full.tokens) - full.last_comma
    if is_comma or full.last_comma < 0 or after_comma > MAX_MOVED_TOKENS:
        return Chunk()
    return full.split(full.last_comma + 1)


def token_ids(chunks: Sequence[Chunk], tokenizer: CLIPTokenizer, length: int) -> Tensor:
    """Return the input of an encoder, [B, S]: start, tokens, end, and padding up to its length."""
    start, end, pad = tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id
    rows = [[start, *chunk.tokens, end] for chunk in chunks]
    return torch.tensor([row + [pad] * (length - len(row)) for row in rows])


def weigh(text_BSD: Tensor, chunks: Sequence[Chunk]) -> Tensor:
    """Multiply the rows of an encoder's output by the weights of their tokens.

    Without a change of what is left at weight 1: the mode "No norm" of those programs, which they
    advise for SDXL.
    """
    if all(weight == 1.0 for chunk in chunks for weight in chunk.weights):
        return text_BSD
    length = text_BSD.shape[1]
    rows = [[1.0, *chunk.weights, 1.0] for chunk in chunks]
    weight_BS = torch.tensor([row + [1.0] * (length - len(row)) for row in rows])
    return text_BSD * weight_BS.to(text_BSD)[..., None]
