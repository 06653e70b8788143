"""Sidecar files: the prompt in a text or JSON file beside an image, with the image's name."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from annotate.image_import.captions.columns import CaptionColumns
from annotate.image_import.captions.text_encodings import decoded
from annotate.image_import.containers.metadata_parts import MetadataParts
from annotate.image_import.containers.xmp import add_xmp
from annotate.image_import.metadata import read_fields
from annotate.image_import.programs import a1111, description
from annotate.image_import.programs.layers import entries, looks_json
from annotate.image_import.programs.reader import (
    MAX_JSON_LENGTH,
    MAX_TEXT_LENGTH,
    FoundPrompt,
    NoPrompt,
    json_object,
    plain,
)
from storage.safe_files import SkippedFile, read_start

TEXT_FILES, JSON_FILES = "text files", "JSON files"
TEXT_ENDINGS = (".txt", ".caption")
JSON_ENDINGS = (".json", ".info.json")
OTHER_ENDINGS = (".xmp", ".yaml", ".yml")
"""Rare endings: used if a folder lists them, but not looked up beside every image."""
YAML_ENTRY = re.compile(r"(\w{1,60}): *(\S.*)?")
"""Line of YAML at the left edge; indented lines below continue it."""
NUMBERS = re.compile(r"[\d\s.,;:+\-]*")
MAX_OBJECTS = 200
"""Objects of a JSON file, nested ones included, that are searched for a prompt."""


def files_beside(image: Path) -> Iterator[Path]:
    """Yield the possible sidecar files of an image: a.txt and a.png.txt for a.png, also JSON."""
    for ending in (*TEXT_ENDINGS, *JSON_ENDINGS):
        yield image.with_name(image.stem + ending)
        yield image.with_name(image.name + ending)


def sidecar(image: Path, root: Path, other: Path | None = None) -> FoundPrompt | None:
    """Return the prompt in an image's sidecar file, or else in an `other` one; None without any.

    Raises SkippedFile for a sidecar file that is empty or cannot be read, since the image's name
    would otherwise pass for its prompt.
    """
    first_skip: SkippedFile | None = None
    for file in files_beside(image):
        if not os.path.lexists(file):
            continue
        try:
            if prompt := read_beside(file, root):
                return prompt
        except SkippedFile as skip:
            first_skip = first_skip or skip

    if first_skip is not None:
        raise first_skip
    return read_elsewhere(other, root) if other is not None else None


def read_elsewhere(file: Path, root: Path) -> FoundPrompt | None:
    """Return the prompt in a file that may be about something else; None if it holds none."""
    try:
        if file.suffix.lower() not in OTHER_ENDINGS:
            return read_beside(file, root)
        content = read_start(file, root, MAX_JSON_LENGTH)
        prompt = of_xmp(content) if file.suffix.lower() == ".xmp" else of_yaml(decoded(content))
        return prompt and replace(prompt, source=TEXT_FILES)
    except SkippedFile:
        return None


def of_xmp(content: bytes) -> FoundPrompt | None:
    """Return the prompt or the description in an XMP file beside an image."""
    parts = MetadataParts(xmp=content)
    add_xmp(parts)
    return read_fields(parts.texts) or description.read(parts.texts)


def of_yaml(text: str) -> FoundPrompt | None:
    """Return the prompt among the entries of a YAML file."""
    entries: dict[str, str] = {}
    key = ""
    for line in text[:MAX_TEXT_LENGTH].splitlines():
        if entry := YAML_ENTRY.fullmatch(line):
            key, entries[entry[1]] = entry[1], (entry[2] or "").strip("|>- \"'")
        elif key and line[:1].isspace():
            entries[key] = f"{entries[key]} {line.strip()}".strip()
    return of_text(CaptionColumns().text_of(entries)) if entries else None


def read_beside(file: Path, root: Path) -> FoundPrompt | None:
    """Return the prompt in a text or JSON file; None for JSON about other things.

    Raises SkippedFile.
    """
    is_json = file.suffix == ".json"
    kind = "JSON" if is_json else "text"
    try:
        text = decoded(read_start(file, root, MAX_JSON_LENGTH)).strip("\ufeff\x00 \t\r\n\v\f")
        if is_json:
            return of_json(text)
        if prompt := of_text(text):
            return prompt
    except SkippedFile as skip:
        raise SkippedFile(f"its {kind} file: {skip}") from skip
    raise SkippedFile("its text file holds no prompt" if text else "its text file is empty")


def of_text(text: str) -> FoundPrompt | None:
    """Return the prompt in a text: a caption, the format of AUTOMATIC1111, or JSON.

    Numbers alone, such as the boxes of a detector, are no prompt. Raises SkippedFile for broken
    JSON.
    """
    if NUMBERS.fullmatch(text):
        return None
    if looks_json(text):
        value = json_object(text)
        if not value:
            raise SkippedFile("is broken JSON")
        prompt = _of_object(value)
    else:
        prompt = a1111.read_text(text)
    return prompt and replace(prompt, source=TEXT_FILES)


def of_json(text: str) -> FoundPrompt | None:
    """Return the prompt in a JSON file; raises SkippedFile for a broken one."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise SkippedFile("is no JSON" if text else "is empty") from None
    prompt = _of_object(value) if isinstance(value, dict) else None
    return prompt and replace(prompt, source=JSON_FILES)


def _of_object(value: Mapping[str, Any]) -> FoundPrompt | None:
    """Return the prompt in an object or in nested ones, from the top down; raises NoPrompt."""
    first_skip: NoPrompt | None = None
    objects: list[Mapping[str, Any]] = [value]
    for index in range(MAX_OBJECTS):
        if index >= len(objects):
            break
        try:
            if prompt := _of_entries(objects[index], top=index == 0):
                return prompt
        except NoPrompt as skip:
            first_skip = first_skip or skip
        nested = (entry for entry in objects[index].values() if isinstance(entry, dict))
        objects += islice(nested, MAX_OBJECTS - len(objects))

    if first_skip is not None:
        raise first_skip
    return None


def _of_entries(value: Mapping[str, Any], top: bool) -> FoundPrompt | None:
    """Return the prompt of a program's metadata, or else the text under a key that names one.

    At the top level programs write graphs and other objects; further down, texts are enough.
    """
    texts = {key.lower(): entry for key, entry in value.items() if isinstance(entry, str)}
    if prompt := read_fields(entries(value, json.dumps(value)) if top else texts):
        return prompt
    text = CaptionColumns().text_of(value)
    return plain(text, JSON_FILES) if looks_json(text) else a1111.read_text(text)
