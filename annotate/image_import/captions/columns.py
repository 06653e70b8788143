"""Which entries of a row name images and which one holds their prompt, whoever named the columns.

A row is a line of a table or an object of JSON.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from annotate.image_import.captions.file_names import spoken
from annotate.image_import.programs.reader import MAX_TEXT_LENGTH
from annotate.image_import.programs.unsaid import is_answered

ENDINGS = frozenset(
    ".png .jpg .jpeg .jfif .jpe .webp .gif .bmp .tif .tiff .avif .heic .heif .jxl".split()
)
MAX_KEY_LENGTH = 100
MAX_PATH_LENGTH = 1_000
MAX_IMAGES = 100
"""That one row names."""
MAX_KEYS = 1_000
"""Keys of a table whose meaning is remembered: one may have others in each row."""
NUMBERED = re.compile(r"#\d{1,3}$")
"""Which caption of an image a row is: a.png#0."""
CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
LETTERS = re.compile(r"[a-z]+")
FILES = ("file", "filename", "filepath", "image", "imagepath", "img", "path", "name", "key", "id")
TEXTS = ("prompt", "text", "caption", "description", "tag", "p")
"""The best first."""
NOT_TEXT = frozenset(
    "negative neg uncond unconditional style id ids hash url uri path file filename image img "
    "model lora seed strength weight type score length count token tokens embed embeds embedding "
    "language lang version source author artist date time template magic system instruction "
    "instructions captioning".split()
)
"""Words that make of a prompt's key another one: negative_prompt, caption_score."""
ELSEWHERE = NOT_TEXT | frozenset(
    "user users annotator labeler labeller rater reviewer worker person owner creator by comment "
    "comments note notes remark remarks reason feedback review verdict opinion judgement judgment "
    "status category class label labels error message log ocr why winner voter question make "
    "exif license licence album camera device location place".split()
)
"""Words of columns that hold words about something else than what an image shows."""
NEGATIVE = frozenset("negative negatives neg negs uncond unconditional".split())
CAPTIONS = frozenset(("caption", "captions"))
PROMPTS = frozenset(("prompt", "prompts", "caption", "captions"))
JOINT = ", "


def key_words(key: Any) -> list[str]:
    """Return the words of a key in small letters: Positive Prompt, positive_prompt and
    positivePrompt have the same.
    """
    text = key[:MAX_KEY_LENGTH] if isinstance(key, str) else ""
    return LETTERS.findall(CAPITAL.sub(" ", text).lower())


def is_image(text: str) -> bool:
    """Whether a text is the path of an image."""
    return len(text) <= MAX_PATH_LENGTH and _ending(NUMBERED.sub("", text)) in ENDINGS


def is_negative(name: str) -> bool:
    """Whether the name of a file or a folder says that its texts are negative prompts."""
    return not NEGATIVE.isdisjoint(key_words(name))


class CaptionColumns:
    """What the keys of one table mean: each is looked at once, however many rows have it."""

    def __init__(self) -> None:
        self._ranks: dict[str, tuple[int, int] | None] = {}
        self._files: dict[str, bool] = {}

    def is_known(self, key: str) -> bool:
        """Whether a key names a prompt or an image file."""
        return self.names_files(key) or self.names_text(key) is not None

    def names_text(self, key: str) -> tuple[int, int] | None:
        """Return how well a key names a prompt, the best least; None for one that does not."""
        if key not in self._ranks:
            words = key_words(key)
            singular = [word.removesuffix("s") for word in words]
            told = [TEXTS.index(word) for word in singular if word in TEXTS]
            # What a model was asked for a caption: caption_prompt.
            before = words[: words.index("prompt")] if "prompt" in words else ()
            asks = not CAPTIONS.isdisjoint(before)
            is_other = NOT_TEXT.intersection(words) or asks
            self._keep(self._ranks, key, (min(told), len(words)) if told and not is_other else None)
        return self._ranks[key]

    def names_files(self, key: str) -> bool:
        """Whether a key names image files: the path or name of one, or what one is known by."""
        if key not in self._files:
            words = [word.removesuffix("s") for word in key_words(key)]
            self._keep(self._files, key, bool(words) and all(word in FILES for word in words))
        return self._files[key]

    def text_of(self, row: Mapping[str, Any]) -> str:
        """Return the prompt that a row holds under a key that says so; else an empty text."""
        texts = {key: one for key, one in row.items() if isinstance(one, str)}
        asked = PROMPTS if is_answered(texts) else ()
        ranked = ((self.names_text(k), k) for k in row if not set(asked) & set(key_words(k)))
        keys = [key for _, key in sorted((rank, key) for rank, key in ranked if rank is not None)]
        return next(filter(None, (_text(row[key], key) for key in keys)), "")

    def prompt_of(self, row: Mapping[str, Any]) -> str:
        """Return what a row says is a prompt, whatever image it is about.

        A description may be that of a whole data set.
        """
        return self.text_of({k: row[k] for k in row if PROMPTS.intersection(key_words(k))})

    def only_text_of(self, row: Mapping[str, Any]) -> str:
        """Return the one entry of a row that reads as a text, where no key says which is."""
        if is_answered({key: one for key, one in row.items() if isinstance(one, str)}):
            return ""
        others = (key for key in row if not ELSEWHERE.intersection(key_words(key)))
        texts = [text for key in others if not is_image(text := _text(row[key], key))]
        told = [text for text in texts if len(spoken(text)) > 1]
        return told[0] if len(told) == 1 else ""

    def files_of(self, row: Mapping[str, Any]) -> list[str]:
        """Return the images that a row names: what looks like one, else what a key says is one."""
        cells = ((key, one) for key, value in row.items() for one in _within(value))
        texts = [(key, text) for key, value in cells for text in _texts(value)][:MAX_IMAGES]
        paths = [text for _, text in texts if is_image(text)]
        told = [text for key, text in texts if self.names_files(key)]
        return [tidy_path(path) for path in paths or told[:1]]

    def _keep(self, known: dict[str, Any], key: str, value: Any) -> None:
        if len(known) >= MAX_KEYS:
            known.clear()
        known[key] = value


def tidy_path(path: str) -> str:
    """Return a path with slashes alone, and without a dot before it."""
    plain = NUMBERED.sub("", path[:MAX_PATH_LENGTH].strip())
    return posixpath.normpath(plain.replace("\\", "/"))


def _ending(path: str) -> str:
    stem, dot, ending = path.strip().lower().rpartition(".")
    return dot + ending if stem else ""


def _text(value: Any, key: str) -> str:
    """A text, the tags of a list, or the first of several captions."""
    if isinstance(value, str):
        return value[:MAX_TEXT_LENGTH].strip()
    texts = list(_texts(value))
    tags = any(word.startswith("tag") for word in key_words(key))
    return JOINT.join(texts if tags else texts[:1])[:MAX_TEXT_LENGTH]


def _within(value: Any) -> Iterator[Any]:
    """A value, or the paths in objects that stand for images: {"bytes": ..., "path": ...}."""
    objects = [value] if isinstance(value, dict) else value if isinstance(value, list) else []
    for entry in objects[:MAX_IMAGES]:
        if isinstance(entry, dict):
            texts = (one for one in islice(entry.values(), MAX_IMAGES) if isinstance(one, str))
            yield from filter(is_image, texts)
    yield value


def _texts(value: Any) -> Iterator[str]:
    values = value[:MAX_IMAGES] if isinstance(value, list) else [value]
    for one in values:
        if isinstance(one, str) and one.strip():
            yield one[:MAX_TEXT_LENGTH].strip()
