"""Source of an image's prompt, and the forms in which prompts are compared and shown."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PIL import Image

from annotate.image_import.captions.file_names import prompt_of_name
from annotate.image_import.captions.sidecar import sidecar
from annotate.image_import.fields import fields_of
from annotate.image_import.folder_contents import FolderContents
from annotate.image_import.metadata import prompt_in
from annotate.image_import.programs import a1111, description
from annotate.image_import.programs.reader import MAX_TEXT_LENGTH, FoundPrompt, NoPrompt
from storage.errors import InvalidPrompt
from storage.safe_files import SkippedFile
from storage.tables.prompts import clean_prompt
from storage.text import has_controls

TABLES = "tables"
NOTHING = "no prompt found"
INVISIBLE = re.compile(
    "[\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)
"""Invisible characters: byte order marks, zero-width spaces, marks of direction, soft hyphens."""
LOOSE_JOINER = re.compile(r"(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])")
"""A joiner between ASCII letters joins nothing; in Persian or in an emoji it has a meaning."""


def prompt_of(image: Image.Image, path: Path, contents: FolderContents) -> FoundPrompt:
    """Return the prompt of an image: from its file, a text beside it, a table, a caption or a name.

    Raises SkippedFile. A prompt that exists but cannot be read is never replaced by a name.
    """
    fields = fields_of(image)
    first_skip: SkippedFile | None = None
    sources: tuple[Callable[[], FoundPrompt | None], ...] = (
        lambda: prompt_in(fields),
        lambda: sidecar(path, contents.root, contents.caption_files.get(path)),
        lambda: _of_table(contents.table_prompts.get(path, "")),
    )

    for index, source in enumerate(sources):
        try:
            if prompt := source():
                return prompt
        except SkippedFile as skip:
            if index == 0 and not isinstance(skip, NoPrompt):
                # The image itself cannot be used; only its prompt may come from elsewhere.
                raise
            first_skip = first_skip or skip

    if first_skip is not None:
        raise first_skip
    return description.read(fields) or _of_name(path, contents)


def _of_table(text: str) -> FoundPrompt | None:
    """Return the prompt in a table's text, which a person or a program wrote."""
    prompt = a1111.read_text(text)
    return prompt and replace(prompt, source=TABLES)


def _of_name(path: Path, contents: FolderContents) -> FoundPrompt:
    """Return the prompt in the name of an image or its folder; raises SkippedFile."""
    if path.parent in contents.undecided:
        raise SkippedFile("the table of prompts in its folder cannot be read")
    if path in contents.undecided:
        raise SkippedFile("tables of prompts name several images so, or several prompts for it")
    prompt = prompt_of_name(path, contents.root, contents.sorting_folders)
    if prompt is None:
        raise SkippedFile(NOTHING)
    return prompt


def one_line(prompt: str) -> str:
    """Return a prompt on one line, as the studio stores it; raises SkippedFile."""
    words = " ".join(prompt[:MAX_TEXT_LENGTH].split())
    text = "".join(character for character in words if not has_controls(character)).strip()
    if not text:
        raise SkippedFile(NOTHING)
    try:
        return clean_prompt(text, "The prompt")
    except InvalidPrompt as error:
        raise SkippedFile("its prompt is too long") from error


def without_invisible(prompt: str) -> str:
    """Return a prompt without invisible characters, in Unicode's composed form (NFC)."""
    visible = LOOSE_JOINER.sub("", INVISIBLE.sub("", prompt))
    return " ".join(unicodedata.normalize("NFC", visible).split())


def comparable(prompt: str) -> str:
    """Return the form in which prompts are compared.

    Capitals make no difference: the text encoders of SDXL lower-case every letter.
    """
    return without_invisible(prompt).casefold()
