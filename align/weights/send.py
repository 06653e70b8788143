"""Send an adapter to another program: a file in its LoRA folder that is right at strength 1.0.

Beside the file stand two notes: text for people, and the JSON that A1111 and Forge keep. Names that
other files have are left alone. A version that is sent again replaces what was sent of it.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from align.adapters.kohya import ExportError, LoraFile, read_adapter
from align.client.converter import find_lora_folder
from align.contracts.models import ModelInfo
from align.contracts.rendering import RenderSettings
from align.contracts.weights import SentFile
from align.errors import first_line, is_disk_full
from align.files import finish, read_json, safe_stem, scratch_beside
from align.weights.dora import is_dora
from align.weights.export import (
    ExportRequest,
    FileContent,
    base_of,
    dora_content,
    file_metadata,
    kohya_content,
)
from align.weights.export_facts import COMMENT_PREFIX, read_source
from align.weights.full import holds_full_weights
from align.weights.usage_note import UsageNote, is_untouched, made_of, own_settings

MAX_STRENGTH = 2.0
ENDINGS = (".safetensors", ".txt", ".json")
SOURCE_KEY = "palate.adapter_sha256"
"""Metadata: the adapter that a sent file was made of, by which it is known again."""
NOTE_KEY = "palate.sha256_of"
"""Metadata: with an ending, the hash of a note as it was written, so that edits are noticed."""


@dataclass(frozen=True)
class Place:
    """Names for a sent file and its notes, which differ in their endings alone."""

    folder: Path
    stem: str
    before: dict[str, str]
    """Metadata of the file of the same adapter that is there; where only its notes are left, what
    they tell of themselves; empty where nothing is."""

    @property
    def is_taken(self) -> bool:
        """Return whether a file of the same adapter is there."""
        return SOURCE_KEY in self.before

    def file(self, ending: str) -> Path:
        """Return the path with an ending."""
        return self.folder / f"{self.stem}{ending}"

    def may_write(self, ending: str) -> bool:
        """Return whether a note is missing, or still as it was written."""
        note = self.file(ending)
        return not note.exists() or self.before.get(NOTE_KEY + ending) == sha256(note)


def send(
    source: Path,
    folder: Path,
    name: str | None = None,
    *,
    strength: float = 1.0,
    settings: RenderSettings | None = None,
    model: ModelInfo | None = None,
) -> SentFile:
    """Write the adapter of a run folder, or an adapter file, into a LoRA folder.

    Args:
        source: a run folder, or an adapter.safetensors.
        folder: a LoRA folder, or the folder of ComfyUI, A1111 or Forge.
        name: of the file, without its ending; left out, by the base and the run.
        strength: the strength at which the version is used; the file has it at 1.0.
        settings: what its images are rendered with, for the notes; left out, the run's look, or the
            base's own.
        model: the base; left out, the model that the run was made from.

    Raises:
        UnusableFolder: the folder cannot take LoRA files.
        ExportError: the adapter cannot be read, or has no such form.
        BrokenRun, ModelError: as `export`.
    """
    target, known = find_lora_folder(folder), read_source(source)
    adapter = _scaled(_read(known.adapter), strength)
    # Only names of it are written, so it need not be there any more.
    base = model or known.model or base_of(known)
    stem, digest = safe_stem(name or f"{base.name}-{known.title}"), sha256(known.adapter)
    place = find_place(target, stem, digest)
    request = ExportRequest(known, adapter, place.file(".safetensors"), torch.float16, model)
    content = dora_content(request) if is_dora(adapter) else kohya_content(request)
    rendering = settings or known.look or own_settings(base)
    note = UsageNote(place.stem, base, rendering, trained_on(content), digest)

    try:
        notes = _write(place, content, note, digest)
    except (OSError, SafetensorError) as error:
        if is_disk_full(error):
            raise
        raise ExportError(
            f"{place.file('.safetensors')} cannot be written ({first_line(error)}). Look whether "
            "the folder is still there, then send it again."
        ) from error
    return {
        "file": str(place.file(".safetensors")),
        "form": "dora" if is_dora(adapter) else "kohya",
        "strength": strength,
        "replaced": place.is_taken,
        "notes": notes,
    }


def find_place(folder: Path, stem: str, digest: str) -> Place:
    """Return the first name that is free, or that the same adapter has: `stem`, `stem-2`, ..."""
    for number in itertools.count(1):
        place = Place(folder, stem if number == 1 else f"{stem}-{number}", {})
        if not any(os.path.lexists(place.file(ending)) for ending in ENDINGS):
            return place
        file = place.file(".safetensors")
        before = _metadata(file)
        if before.get(SOURCE_KEY) == digest:
            return Place(folder, place.stem, before)
        if not os.path.lexists(file) and (notes := _own_notes(place, digest)) is not None:
            return Place(folder, place.stem, notes)
    raise AssertionError("numbers end nowhere")


def _own_notes(place: Place, digest: str) -> dict[str, str] | None:
    """Return the hashes of the notes that stayed as they were; None for notes of another file."""
    card, text = place.file(".json"), place.file(".txt")
    try:
        told = read_json(card)
        if not isinstance(told, dict) or made_of(told) != digest:
            return None
        if not is_untouched(told):
            return {}
        hashes = {NOTE_KEY + ".json": sha256(card)}
        if text.is_file() and text.read_bytes() == told["description"].encode():
            hashes[NOTE_KEY + ".txt"] = sha256(text)
        return hashes
    except (OSError, ValueError):
        return None


def sha256(path: Path) -> str:
    """Return the hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _metadata(path: Path) -> dict[str, str]:
    """Return a safetensors file's metadata; none for a file of another kind."""
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError):
        return {}


def _read(path: Path) -> LoraFile:
    if holds_full_weights(path):
        raise ExportError(
            f"{path} holds all weights of a UNet, so it is no LoRA. Export it in the checkpoint "
            "form, and put that file where your program keeps its checkpoints."
        )
    return read_adapter(path)


def _scaled(adapter: LoraFile, strength: float) -> LoraFile:
    """Return an adapter that is at strength 1.0 as it was at `strength`; raises ExportError."""
    if not 0 < strength <= MAX_STRENGTH:
        raise ExportError(
            f"{strength:g} is no strength to send a version at: choose one above 0 and up to "
            f"{MAX_STRENGTH:g}."
        )
    if strength != 1 and is_dora(adapter):
        raise ExportError(
            "A DoRA changes the lengths of rows, which does not scale with its strength. Send it "
            "at strength 1, or export it in the checkpoint form."
        )
    return adapter.at_strength(strength)


def trained_on(content: FileContent) -> str:
    """Return what an adapter was trained on, such as "dpo on 120 pairs"; empty if not known."""
    return content.metadata.get("ss_training_comment", "").removeprefix(COMMENT_PREFIX)


def _write(place: Place, content: FileContent, note: UsageNote, digest: str) -> list[str]:
    """Write file and notes, and return the names of the notes that were written."""
    notes = {".txt": note.text().encode(), ".json": note.card().encode()}
    written = {ending: text for ending, text in notes.items() if place.may_write(ending)}
    hashes = {NOTE_KEY + end: hashlib.sha256(text).hexdigest() for end, text in written.items()}
    facts = content.metadata | note.metadata() | {SOURCE_KEY: digest} | hashes

    # Not under a name that programs list: half a file would be offered as a whole one.
    with scratch_beside(place.folder / f"{place.stem}.part") as scratch:
        save_file(content.weights, scratch, metadata=file_metadata(content.weights, facts))
        _move(scratch, place.file(".safetensors"), replace=place.is_taken)
        for ending, text in written.items():
            scratch.write_bytes(text)
            _move(scratch, place.file(ending), replace=True)
    return [place.file(ending).name for ending in written]


def _move(scratch: Path, target: Path, replace: bool) -> None:
    """Move a whole file to its name; raises FileExistsError unless the name may be replaced."""
    finish(scratch)
    if not replace:
        # A link fails where a file came meanwhile, which a rename would overwrite.
        with suppress(OSError):
            os.link(scratch, target)
            scratch.unlink()
            return
        target.open("xb").close()
    os.replace(scratch, target)
