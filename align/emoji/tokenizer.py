"""Tokenizer: a byte-level vocabulary in CLIP's form, trained on captions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer
from transformers import CLIPTokenizer

from align.emoji.captions import all_captions
from align.emoji.emoji_images import read_images
from align.emoji.settings import EmojiSettings, TokenizerSettings
from align.emoji.start import load_earlier_model
from align.emoji.training_loop import NotTrained

FOLDER = "tokenizer"
START, END, WORD_END = "<|startoftext|>", "<|endoftext|>", "</w>"


def make_tokenizer(work: Path, settings: EmojiSettings) -> None:
    """Train the tokenizer of a working folder on its captions, or take the earlier model's."""
    if settings.start:
        # The embeddings of an earlier model fit its own tokens only.
        tokenizer = load_earlier_model(settings.start).tokenizer
    else:
        learned = [image for image in read_images(work).rows if image.learned]
        tokenizer = learn_tokenizer(all_captions(learned), settings.tokenizer)
    tokenizer.save_pretrained(work / FOLDER)
    print(f"{len(tokenizer):,} tokens")


def learn_tokenizer(texts: Iterable[str], settings: TokenizerSettings) -> CLIPTokenizer:
    """Train a byte-pair tokenizer on texts.

    It contains every byte, inside and at the end of a word, so that no prompt has unknown tokens.
    """
    backend = CLIPTokenizer().backend_tokenizer
    trainer = BpeTrainer(
        vocab_size=settings.vocabulary,
        special_tokens=[START, END],
        end_of_word_suffix=WORD_END,
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)

    # The backend's own vocabulary lacks bytes that no caption contains.
    alphabet = sorted(ByteLevel.alphabet())
    words = [START, END, *alphabet, *(letter + WORD_END for letter in alphabet)]
    vocabulary = {word: number for number, word in enumerate(words)}
    merges = []
    for first, second in _merges(backend):
        if len(vocabulary) >= settings.vocabulary:
            break
        merges.append((first, second))
        # Two merges may make the same word.
        vocabulary.setdefault(first + second, len(vocabulary))
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=settings.length)


def load_tokenizer(work: Path) -> CLIPTokenizer:
    """Load the tokenizer of a working folder.

    Raises:
        NotTrained: there is none yet.
    """
    if not (work / FOLDER).is_dir():
        raise NotTrained("There is no tokenizer in this folder yet. Run that command first.")
    return CLIPTokenizer.from_pretrained(work / FOLDER)


def token_ids(tokenizer: CLIPTokenizer, texts: list[str]) -> list[list[int]]:
    """Encode texts to token ids, padded to the tokenizer's length as in the pipeline."""
    encoded = tokenizer(texts, padding="max_length", truncation=True)
    ids: list[list[int]] = encoded["input_ids"]
    return ids


def _merges(backend: Tokenizer) -> list[tuple[str, str]]:
    """Return the merges of a tokenizer, most frequent first."""
    merges = json.loads(backend.to_str())["model"]["merges"]
    return [(first, second) for first, second in merges]
