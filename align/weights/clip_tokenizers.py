"""CLIP's tokenizers, as both of SDXL's text encoders use them."""

from __future__ import annotations

from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTokenizer

from align.client.single_file.configs import sdxl_folder

MERGES_FILE = "merges.txt"
START, END, WORD_END = "<|startoftext|>", "<|endoftext|>", "</w>"
PADDING = (END, "!")
"""The second encoder was trained by OpenCLIP, which pads with token 0."""
LENGTH = 77


def sdxl_tokenizer(number: int) -> CLIPTokenizer:
    """Build the tokenizer of the first or the second text encoder."""
    lines = (sdxl_folder() / MERGES_FILE).read_text(encoding="utf-8").splitlines()
    merges = [(first, second) for first, second in (line.split(" ") for line in lines)]

    letters = byte_letters()
    words = [*letters, *(letter + WORD_END for letter in letters)]
    words += [first + second for first, second in merges]
    vocabulary = {word: place for place, word in enumerate([*words, START, END])}
    return CLIPTokenizer(
        vocab=vocabulary, merges=merges, pad_token=PADDING[number], model_max_length=LENGTH
    )


def byte_letters() -> list[str]:
    """Return the letters that stand for bytes, in the order of CLIP's vocabulary.

    Bytes that are printable stand for themselves and come first; the others are given the letters
    from 256 on.
    """
    alphabet = set(ByteLevel.alphabet())
    return sorted(alphabet)
