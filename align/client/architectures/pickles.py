"""Names of weights in pickles, which are taken apart and never run.

A pickle is a program that makes objects. Its text constants lie in it as they are, and the names of
weights are among them: so the program is listed, and nothing that it names is imported or called.
"""

from __future__ import annotations

import io
import lzma
import pickletools
import re
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

MAX_BYTES = 4 << 20
"""More than the names of any model take; of an older file, whose weights lie behind them, too."""
MAX_PROGRAMS = 6
"""Files of before torch 1.6 hold a few pickles, one after the other."""
TEXTS = {"BINUNICODE", "SHORT_BINUNICODE", "UNICODE", "BINUNICODE8"}
NAME = re.compile(r"[\w-]+(?:\.[\w-]+)+")
ENTRY = "data.pkl"
BROKEN = (OSError, EOFError, StopIteration, RuntimeError, NotImplementedError, ValueError,
          zipfile.BadZipFile, lzma.LZMAError, zlib.error)  # fmt: skip
"""What archives raise that are cut short, damaged, encrypted or compressed in another way."""


def read_pickle_names(file: Path) -> list[str]:
    """Return the names of weights in a pickle; empty where there are none, or it is broken."""
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                entry = next(n for n in archive.namelist() if n.rpartition("/")[2] == ENTRY)
                with archive.open(entry) as stream:
                    return _names(io.BytesIO(stream.read(MAX_BYTES)))
        with file.open("rb") as plain:
            return _names(io.BytesIO(plain.read(MAX_BYTES)))
    except BROKEN:
        return []


def _names(stream: BinaryIO) -> list[str]:
    """Return dotted names among the text constants of pickles that follow one another."""
    names: dict[str, None] = {}
    for _ in range(MAX_PROGRAMS):
        try:
            for opcode, constant, _position in pickletools.genops(stream):
                if opcode.name in TEXTS and NAME.fullmatch(str(constant)):
                    names.setdefault(str(constant))
        except (ValueError, UnicodeError, IndexError, OverflowError):
            # What follows the last pickle is no pickle.
            break
    return list(names)
