"""The tokenizer: a byte-level vocabulary in CLIP's form, learned on captions."""

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
from align.emoji.settings import Settings, TokenizerSettings
from align.emoji.start import earlier_model
from align.emoji.training_loop import NotTrained

FOLDER = "tokenizer"
START, END, WORD_END = "<|startoftext|>", "<|endoftext|>", "</w>"


def make_tokenizer(work: Path, settings: Settings) -> None:
    """Learn the vocabulary of a working folder's captions."""
    if settings.start:
        # What the text encoders know of a token holds for that token alone.
        tokenizer = earlier_model(settings.start).tokenizer
    else:
        drawn = [image for image in read_images(work).rows if image.drawn]
        tokenizer = learn_tokenizer(all_captions(drawn), settings.tokenizer)
    tokenizer.save_pretrained(work / FOLDER)
    print(f"{len(tokenizer):,} tokens")


def learn_tokenizer(texts: Iterable[str], settings: TokenizerSettings) -> CLIPTokenizer:
    """A tokenizer whose longest tokens are the commonest parts of these texts.

    It knows every byte, inside and at the end of a word, so that no prompt is unknown to it.
    """
    learner = CLIPTokenizer().backend_tokenizer
    trainer = BpeTrainer(
        vocab_size=settings.vocabulary,
        special_tokens=[START, END],
        end_of_word_suffix=WORD_END,
        show_progress=False,
    )
    learner.train_from_iterator(texts, trainer)
    alphabet = sorted(ByteLevel.alphabet())
    words = [START, END, *alphabet, *(letter + WORD_END for letter in alphabet)]
    vocabulary = {word: number for number, word in enumerate(words)}
    merges = []
    for first, second in _merges(learner):
        if len(vocabulary) >= settings.vocabulary:
            break
        merges.append((first, second))
        vocabulary.setdefault(first + second, len(vocabulary))
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=settings.length)


def load_tokenizer(work: Path) -> CLIPTokenizer:
    """The tokenizer of a working folder.

    Raises:
        NotTrained: there is none yet.
    """
    if not (work / FOLDER).is_dir():
        raise NotTrained("There is no tokenizer in this folder yet. Run that command first.")
    return CLIPTokenizer.from_pretrained(work / FOLDER)


def token_ids(tokenizer: CLIPTokenizer, texts: list[str]) -> list[list[int]]:
    """Tokens of each text, all of the tokenizer's length, as the pipeline makes them."""
    encoded = tokenizer(texts, padding="max_length", truncation=True)
    ids: list[list[int]] = encoded["input_ids"]
    return ids


def _merges(learner: Tokenizer) -> list[tuple[str, str]]:
    """The merges of a tokenizer, commonest first."""
    merges = json.loads(learner.to_str())["model"]["merges"]
    return [(first, second) for first, second in merges]
