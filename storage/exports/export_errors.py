"""Errors of exports, in the tree of `storage/errors.py`.

StorageError
├── NotFound
│   └── UnknownForm      no form of an export has this name
├── Conflict
│   ├── TargetTaken      an export cannot have this name
│   └── ExportStopped    somebody stopped an export; nothing was changed
└── Unavailable
    └── BrokenExport     an export was read back and is not what was written
"""

from align.contracts.errors import Conflict, NotFound, Unavailable
from storage.errors import StorageError


class UnknownForm(StorageError, NotFound):
    """No form of an export has this name."""


class TargetTaken(StorageError, Conflict):
    """An export cannot be written under this name."""


class ExportStopped(StorageError, Conflict):
    """Somebody stopped an export; nothing was changed."""


class BrokenExport(StorageError, Unavailable):
    """An export was read back and is not what was written."""
