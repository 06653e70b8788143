"""Categories of the errors that Palate raises on purpose, shared by its three packages.

PalateError
├── NotFound       what was named does not exist
├── InvalidInput   what was sent, set or stored in a file cannot be used; correct it
├── Conflict       the state of things forbids it; change that first
└── Unavailable    it failed for now; the same call may work later

The roots `StorageError`, `AnnotateError` and `AlignError` are PalateErrors too, and an error has
its root and its category as bases. So a handler asks for a category, and needs no list of errors.
"""


class PalateError(Exception):
    """Base of the errors that are raised on purpose; the text is a sentence for people."""


class NotFound(PalateError):
    """Named thing that does not exist."""


class InvalidInput(PalateError):
    """An argument, a setting or a file cannot be used."""

    field: str = ""
    """Name of the setting at fault, so that a form can say it there; empty where none is."""


class Conflict(PalateError):
    """The state of things forbids what was asked for; something else has to change first."""


class Unavailable(PalateError):
    """It failed for now, for want of a disk, a device or a network; it may work later."""
