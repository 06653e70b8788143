"""Where the prompt of an image comes from, and when two prompts are the same."""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from annotate.image_import.captions.file_names import named
from annotate.image_import.captions.sidecar import sidecar
from annotate.image_import.fields import fields_of
from annotate.image_import.metadata import prompt_in
from annotate.image_import.programs import a1111, description
from annotate.image_import.programs.reader import LONGEST_TEXT, NoPrompt, Prompt
from annotate.safe_files import SkippedFile
from storage.errors import InvalidPrompt
from storage.tables.prompts import clean_prompt
from storage.text import has_controls

TABLES = "tables"
NOTHING = "no prompt found"
INVISIBLE = re.compile(
    "[\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)
"""What no reader sees: byte order marks, spaces without width, hints of direction and hyphens."""
LOOSE_JOINER = re.compile(r"(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])")
"""A joiner that joins nothing: in Persian or in an emoji it makes another word or image."""


@dataclass(frozen=True, slots=True)
class Around:
    """What a folder says of its images besides the images' own files."""

    root: Path
    told: Mapping[Path, str]
    """Prompts of tables."""
    untold: Collection[Path]
    """Folders whose table cannot be read, and images that tables differ about."""
    sorts: Collection[Path]
    """Folders whose names are no prompts."""
    texts: Mapping[Path, Path]
    """Files about one image each that are not simply called as it is."""


def prompt_of(image: Image.Image, path: Path, around: Around) -> Prompt:
    """Return the prompt of an image: in its file, beside it, in a table, a caption or a name.

    Raises SkippedFile. What is there and cannot be read never lets a name pass for the prompt.
    """
    fields = fields_of(image)
    why: SkippedFile | None = None
    sources: tuple[Callable[[], Prompt | None], ...] = (
        lambda: prompt_in(fields),
        lambda: sidecar(path, around.root, around.texts.get(path)),
        lambda: _of_table(around.told.get(path, "")),
    )
    for place, source in enumerate(sources):
        try:
            if prompt := source():
                return prompt
        except SkippedFile as skip:
            if place == 0 and not isinstance(skip, NoPrompt):
                raise
            why = why or skip
    if why is not None:
        raise why
    return description.read(fields) or _of_name(path, around)


def _of_table(text: str) -> Prompt | None:
    """What a row says: a person's words, or what a program wrote."""
    prompt = a1111.read_text(text)
    return prompt and replace(prompt, source=TABLES)


def _of_name(path: Path, around: Around) -> Prompt:
    if path.parent in around.untold:
        raise SkippedFile("the table of prompts in its folder cannot be read")
    if path in around.untold:
        raise SkippedFile("tables of prompts name several images so, or several prompts for it")
    prompt = named(path, around.root, around.sorts)
    if prompt is None:
        raise SkippedFile(NOTHING)
    return prompt


def tidy(prompt: str) -> str:
    """Return a prompt on one line, as the studio keeps it; raises SkippedFile."""
    words = " ".join(prompt[:LONGEST_TEXT].split())
    text = "".join(character for character in words if not has_controls(character)).strip()
    if not text:
        raise SkippedFile(NOTHING)
    try:
        return clean_prompt(text, "The prompt")
    except InvalidPrompt as error:
        raise SkippedFile("its prompt is too long") from error


def seen(prompt: str) -> str:
    """Return a prompt without what nobody sees, and with each letter in one piece."""
    visible = LOOSE_JOINER.sub("", INVISIBLE.sub("", prompt))
    return " ".join(unicodedata.normalize("NFC", visible).split())


def alike(prompt: str) -> str:
    """Return what prompts that are the same have in common.

    Capitals make no difference: the text encoders of SDXL read every letter as a small one.
    """
    return seen(prompt).casefold()
