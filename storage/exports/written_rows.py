"""Rows of an export as they should be, against which it is compared when it is read back."""

import hashlib
import json
from array import array
from collections.abc import Iterable
from typing import Any

from storage.exports.export_errors import BrokenExport


class WrittenRows:
    """Fingerprints of rows in the order in which they were written, 8 bytes each."""

    def __init__(self) -> None:
        self._fingerprints = array("Q")

    def __len__(self) -> int:
        return len(self._fingerprints)

    def add(self, row: Any) -> None:
        """Take down a row that is written: any value that JSON can hold."""
        self._fingerprints.append(fingerprint(row))

    def compare(self, rows: Iterable[Any]) -> None:
        """Raise BrokenExport unless these rows, which were read, are those that were written."""
        number = 0
        for number, row in enumerate(rows, start=1):
            if number > len(self) or fingerprint(row) != self._fingerprints[number - 1]:
                raise differs(f"row {number:,} of {len(self):,} is not what was written")
        if number != len(self):
            raise differs(f"{number:,} of {len(self):,} rows can be read")


def fingerprint(row: Any) -> int:
    """Return a number of 64 bits that stands for a value."""
    text = json.dumps(row, sort_keys=True, separators=(",", ":"), default=str)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def differs(how: str) -> BrokenExport:
    """Return the error for an export that is not what was written."""
    return BrokenExport(
        f"The export was read back, and {how}. It was not kept. Export again; if it happens again, "
        "write to another disk."
    )
