"""Errors of `align`, each raised with a sentence that says what to do.

AlignError
├── NotFound
│   └── ModelNotFound      no folder and no hub name of that kind
├── InvalidInput
│   ├── WrongModel         a model, but not an SDXL pipeline
│   ├── BrokenModel        an SDXL pipeline with something missing or cut short
│   ├── NotImportable      a file from elsewhere is no LoRA or UNet for this model, or is broken
│   ├── UnusableFolder     a folder of another program that can take no LoRA files
│   ├── InvalidSettings    a training setting that is unknown, of the wrong type or out of range
│   ├── InvalidDevices     a device that is unknown, not there, or named twice
│   ├── SnapshotError      the votes to learn from are missing, damaged or too few
│   └── BrokenRun          a folder is no run folder, or its settings cannot be read
├── Conflict
│   ├── RunLocked          another process works in this run folder
│   └── OtherRun           a run folder holds another run than the one that is asked for
├── Unavailable
│   ├── ModelUnavailable   a model that cannot be loaded just now, and may be later
│   ├── DiskFull           what a run has to keep does not fit on the disk
│   ├── OutOfMemory        one pair at a time is too much for the device
│   ├── ConversionFailed   an export or import in its own process ended without a result
│   └── SamplerFailed      images could not be rendered
│       └── DeviceFull     not even one image at a time fits into the device's memory
├── TrainingDiverged       the loss left the finite numbers
├── Cancelled              somebody asked the run to stop
└── Paused                 the app asked the run to leave the device to others for a while

Across the categories, which are those of `align/contracts/errors.py`, errors about a model are
ModelErrors, and errors about a run folder are RunErrors.
"""

import errno
import textwrap

from align.contracts.errors import Conflict, InvalidInput, NotFound, PalateError, Unavailable

MAX_REASON_CHARACTERS = 1000
"""A library may list every tensor of a model that does not fit."""


class AlignError(PalateError):
    """Base class of all errors that `align` raises on purpose."""


class ModelError(AlignError):
    """The model cannot be used."""


class ModelNotFound(ModelError, NotFound):
    """There is no model under this name or path."""


class WrongModel(ModelError, InvalidInput):
    """The folder holds a model of another kind."""


class BrokenModel(ModelError, InvalidInput):
    """The folder is an SDXL pipeline, but a part of it is missing or damaged."""


class ModelUnavailable(ModelError, Unavailable):
    """The model cannot be loaded just now, for want of a network or of room; a retry may help."""


class NotImportable(AlignError, InvalidInput):
    """A file or folder is no LoRA or UNet for this model, or it is broken."""


class UnusableFolder(AlignError, InvalidInput):
    """A folder that another program should find LoRA files in can take none."""


class InvalidSettings(AlignError, InvalidInput):
    """A training setting is unknown, of the wrong type or out of range."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


class InvalidDevices(AlignError, InvalidInput):
    """A device is unknown, not there, or named twice."""


class SnapshotError(AlignError, InvalidInput):
    """The snapshot of votes is missing, damaged or too small to learn from."""


class RunError(AlignError):
    """A run folder cannot be used as asked."""


class BrokenRun(RunError, InvalidInput):
    """A folder is no run folder, or its settings cannot be read."""


class RunLocked(RunError, Conflict):
    """Another process works in this run folder."""


class OtherRun(RunError, Conflict):
    """A run folder holds the run of other votes, another model or other settings."""


class TrainingDiverged(RunError):
    """The loss or the gradient is no longer a finite number."""


class OutOfMemory(RunError, Unavailable):
    """Not even one pair at a time fits into the device's memory."""


class DiskFull(RunError, Unavailable):
    """The disk of a run folder, or of its cache, is full."""


class Cancelled(RunError):
    """Somebody asked the run to stop, and it did."""


class Paused(RunError):
    """The app asked the run to leave the device to others, and it did, at a checkpoint."""


class ConversionFailed(AlignError, Unavailable):
    """An export or import in a process of its own ended without a result."""


class SamplerFailed(AlignError, Unavailable):
    """Images could not be rendered."""


class DeviceFull(SamplerFailed):
    """Not even one image at a time fits into the device's memory as it is now."""


def is_disk_full(error: BaseException) -> bool:
    """Return whether an error is about a full disk."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    # safetensors raises an error of its own, without an errno.
    return "No space left" in str(error) or "not enough space on the disk" in str(error)


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, or its class name where it has no text."""
    lines = str(error).strip().splitlines()
    return _cut(lines[0].strip()) if lines else type(error).__name__


def whole_text(error: BaseException) -> str:
    """Return an error's text in one line, without its full stop.

    The class name comes first where the text is empty, or nothing but a key.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    ended = [line if line[-1] in ".:;,!?" else f"{line};" for line in lines]
    text = _cut(" ".join(ended)).rstrip(".;")
    if isinstance(error, (KeyError, StopIteration)) or not text:
        return f"{type(error).__name__} {text}".strip()
    return text


def _cut(text: str) -> str:
    """Shorten a text to whole words within MAX_REASON_CHARACTERS."""
    return textwrap.shorten(text, MAX_REASON_CHARACTERS, placeholder=" …")
