"""Columns of caption tables: those that name images, and the one that holds the prompt.

Recognized by the words of their names, whoever named them. A row is a line of a table or an object
of JSON.
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
"""Images that one row may name."""
MAX_KEYS = 1_000
"""Keys whose meaning is cached; a table of objects may have other keys in each row."""
NUMBERED = re.compile(r"#\d{1,3}$")
"""Number of a caption after the image's name, such as a.png#0."""
CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
LETTERS = re.compile(r"[a-z]+")
FILES = ("file", "filename", "filepath", "image", "imagepath", "img", "path", "name", "key", "id")
TEXTS = ("prompt", "text", "caption", "description", "tag", "p")
"""Names of a prompt's column, the best first."""
NOT_TEXT = frozenset(
    "negative neg uncond unconditional style id ids hash url uri path file filename image img "
    "model lora seed strength weight type score length count token tokens embed embeds embedding "
    "language lang version source author artist date time template magic system instruction "
    "instructions captioning".split()
)
"""Words with which a key names something else: negative_prompt, caption_score."""
OTHER_SUBJECTS = NOT_TEXT | frozenset(
    "user users annotator labeler labeller rater reviewer worker person owner creator by comment "
    "comments note notes remark remarks reason feedback review verdict opinion judgement judgment "
    "status category class label labels error message log ocr why winner voter question make "
    "exif license licence album camera device location place".split()
)
"""Words of columns whose text is about something other than what an image shows."""
NEGATIVE = frozenset("negative negatives neg negs uncond unconditional".split())
CAPTIONS = frozenset(("caption", "captions"))
PROMPTS = frozenset(("prompt", "prompts", "caption", "captions"))
JOINT = ", "


def key_words(key: Any) -> list[str]:
    """Return the words of a key in lower case, the same for Positive Prompt, positive_prompt and
    positivePrompt.
    """
    text = key[:MAX_KEY_LENGTH] if isinstance(key, str) else ""
    return LETTERS.findall(CAPITAL.sub(" ", text).lower())


def is_image(text: str) -> bool:
    """Return whether a text is the path of an image."""
    return len(text) <= MAX_PATH_LENGTH and _ending(NUMBERED.sub("", text)) in ENDINGS


def is_negative(name: str) -> bool:
    """Return whether the name of a file or folder says that it holds negative prompts."""
    return not NEGATIVE.isdisjoint(key_words(name))


class CaptionColumns:
    """Meaning of the keys of one table, cached: most keys occur in every row."""

    def __init__(self) -> None:
        self._ranks: dict[str, tuple[int, int] | None] = {}
        self._files: dict[str, bool] = {}

    def is_known(self, key: str) -> bool:
        """Return whether a key names a prompt or an image file."""
        return self.names_files(key) or self.names_text(key) is not None

    def names_text(self, key: str) -> tuple[int, int] | None:
        """Return how well a key names a prompt, lower is better; None if it does not."""
        if key not in self._ranks:
            words = key_words(key)
            singular = [word.removesuffix("s") for word in words]
            ranks = [TEXTS.index(word) for word in singular if word in TEXTS]
            # caption_prompt is the question that a captioning model was asked.
            before = words[: words.index("prompt")] if "prompt" in words else ()
            asks = not CAPTIONS.isdisjoint(before)
            is_other = NOT_TEXT.intersection(words) or asks
            rank = (min(ranks), len(words)) if ranks and not is_other else None
            self._cache(self._ranks, key, rank)
        return self._ranks[key]

    def names_files(self, key: str) -> bool:
        """Return whether a key names image files, by a path, a name or an id."""
        if key not in self._files:
            words = [word.removesuffix("s") for word in key_words(key)]
            self._cache(self._files, key, bool(words) and all(word in FILES for word in words))
        return self._files[key]

    def text_of(self, row: Mapping[str, Any]) -> str:
        """Return the prompt of a row under a key that names one; else an empty text."""
        texts = {key: value for key, value in row.items() if isinstance(value, str)}
        asked = PROMPTS if is_answered(texts) else ()
        ranked = ((self.names_text(k), k) for k in row if not set(asked) & set(key_words(k)))
        keys = [key for _, key in sorted((rank, key) for rank, key in ranked if rank is not None)]
        return next(filter(None, (_text(row[key], key) for key in keys)), "")

    def prompt_of(self, row: Mapping[str, Any]) -> str:
        """Return a row's text under a key that says prompt or caption; else an empty text.

        Other keys, such as a description, may be about a whole data set.
        """
        return self.text_of({k: row[k] for k in row if PROMPTS.intersection(key_words(k))})

    def only_text_of(self, row: Mapping[str, Any]) -> str:
        """Return the only entry of a row that reads like a text; empty if there are several."""
        if is_answered({key: value for key, value in row.items() if isinstance(value, str)}):
            return ""
        others = (key for key in row if not OTHER_SUBJECTS.intersection(key_words(key)))
        texts = [text for key in others if not is_image(text := _text(row[key], key))]
        prose = [text for text in texts if len(spoken(text)) > 1]
        return prose[0] if len(prose) == 1 else ""

    def files_of(self, row: Mapping[str, Any]) -> list[str]:
        """Return the images that a row names: by an image's ending, else by the name of the key."""
        cells = ((key, entry) for key, value in row.items() for entry in _within(value))
        texts = [(key, text) for key, value in cells for text in _texts(value)][:MAX_IMAGES]
        paths = [text for _, text in texts if is_image(text)]
        named = [text for key, text in texts if self.names_files(key)]
        return [tidy_path(path) for path in paths or named[:1]]

    def _cache(self, cache: dict[str, Any], key: str, value: Any) -> None:
        if len(cache) >= MAX_KEYS:
            cache.clear()
        cache[key] = value


def tidy_path(path: str) -> str:
    """Return a path with forward slashes, normalized, and without a caption's number."""
    plain = NUMBERED.sub("", path[:MAX_PATH_LENGTH].strip())
    return posixpath.normpath(plain.replace("\\", "/"))


def _ending(path: str) -> str:
    stem, dot, ending = path.strip().lower().rpartition(".")
    return dot + ending if stem else ""


def _text(value: Any, key: str) -> str:
    """Return a text, the tags of a list joined by commas, or the first of several captions."""
    if isinstance(value, str):
        return value[:MAX_TEXT_LENGTH].strip()
    texts = list(_texts(value))
    tags = any(word.startswith("tag") for word in key_words(key))
    return JOINT.join(texts if tags else texts[:1])[:MAX_TEXT_LENGTH]


def _within(value: Any) -> Iterator[Any]:
    """Yield a value, after the paths in objects for images such as {"bytes": ..., "path": ...}."""
    objects = [value] if isinstance(value, dict) else value if isinstance(value, list) else []
    for entry in objects[:MAX_IMAGES]:
        if isinstance(entry, dict):
            fields = islice(entry.values(), MAX_IMAGES)
            texts = (field for field in fields if isinstance(field, str))
            yield from filter(is_image, texts)
    yield value


def _texts(value: Any) -> Iterator[str]:
    values = value[:MAX_IMAGES] if isinstance(value, list) else [value]
    for text in values:
        if isinstance(text, str) and text.strip():
            yield text[:MAX_TEXT_LENGTH].strip()
