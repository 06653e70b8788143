"""Processes that hold a card's memory, by the names that people know them by."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import PurePosixPath, PureWindowsPath

import psutil

from align.client.devices.nvidia_smi import CardProcess, card_processes
from align.contracts.devices import MemoryHolder

OURS = {"serve": "another Palate's image model", "train": "a run of Palate"}
"""By the command of `python -m align`."""
PYTHON = re.compile(r"python[\d.]*w?(\.exe)?", re.IGNORECASE)


def memory_holders(device: str, ours: Sequence[int] = ()) -> list[MemoryHolder]:
    """Return who holds memory of an NVIDIA card, this process left out, and `ours`.

    `device` is the card's number or UUID, as nvidia-smi takes them. Nobody where nvidia-smi is
    missing: then nobody can tell.
    """
    left_out = {os.getpid(), *ours}
    found = [each for each in card_processes(device) if each.pid not in left_out]
    return [MemoryHolder(each.pid, program(each), each.memory) for each in found]


def program(process: CardProcess) -> str:
    """Return the name that a person knows a process by."""
    try:
        words = psutil.Process(process.pid).cmdline()
    except psutil.Error:
        words = []
    return program_name(words or [process.path])


def program_name(command: Sequence[str]) -> str:
    """Return a command line's program; of Python, also what it runs, with its folder.

    >>> program_name(["/usr/bin/python3", "main.py", "--listen"])
    'python3 main.py'
    """
    name = _base(command[0]) if command else ""
    if not PYTHON.fullmatch(name):
        return name

    rest = _without_options(command[1:])
    if rest[:1] == ["-m"] and len(rest) > 1:
        ours = OURS.get(rest[2], "Palate") if rest[1] == "align" and len(rest) > 2 else ""
        return ours or f"{name} -m {rest[1]}"
    # Behind -c comes a program's whole text, as processes of multiprocessing have it.
    script = "" if rest[:1] == ["-c"] else next(iter(rest), "")
    return f"{name} {_in_folder(script)}" if script else name


def _without_options(words: Sequence[str]) -> list[str]:
    """Return Python's arguments from what it runs on."""
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] not in ("-m", "-c"):
        del rest[: 2 if rest[0] in ("-W", "-X") else 1]
    return rest


def _base(path: str) -> str:
    """Return the last part of a path of this system or, as WSL shows them, of Windows."""
    return PureWindowsPath(path).name if "\\" in path else PurePosixPath(path).name


def _in_folder(script: str) -> str:
    """Return a script with the folder that it lies in, which often is the program's name."""
    parts = (PureWindowsPath if "\\" in script else PurePosixPath)(script).parts
    return "/".join(parts[-2:]) if len(parts) > 2 else script
