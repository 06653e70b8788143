"""nvidia-smi: NVIDIA's cards and driver, and the processes that use a card, without torch."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

TIMEOUT_S = 5.0
"""A driver in trouble lets nvidia-smi hang; a healthy one takes a second at most."""
PLACES = (
    Path("/usr/lib/wsl/lib/nvidia-smi"),
    Path("C:/Windows/System32/nvidia-smi.exe"),
    Path("C:/Program Files/NVIDIA Corporation/NVSMI/nvidia-smi.exe"),
)
"""Where drivers put it; not every shell of WSL and Windows looks there."""
MIB = 2**20
CARD_FIELDS = ("index", "uuid", "name", "driver_version", "memory.total", "memory.free")
CAPABILITY = "compute_cap"
"""A field that drivers before 510 do not know."""


@dataclass(frozen=True, slots=True)
class NvidiaCard:
    """An NVIDIA card, as its driver tells it."""

    index: int
    uuid: str
    name: str
    driver: str
    memory_total: int
    memory_free: int
    capability: tuple[int, int] | None = None
    """Compute capability; None where an old driver does not tell."""


@dataclass(frozen=True, slots=True)
class CardProcess:
    """A process on a card, as its driver tells it."""

    pid: int
    path: str
    memory: int | None
    """Bytes; None where the driver does not tell."""


def nvidia_cards() -> list[NvidiaCard]:
    """Return NVIDIA's cards; none where nvidia-smi is missing, fails or hangs."""
    for fields in ((*CARD_FIELDS, CAPABILITY), CARD_FIELDS):
        output = nvidia_smi(f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits")
        if cards := read_cards(output or ""):
            return cards
        if output is None:
            break
    return []


def card_processes(device: str) -> list[CardProcess]:
    """Return the processes on a card, named by its number or UUID, programs with a window too."""
    # The list of compute processes alone leaves out browsers and games, which hold memory as well.
    return read_processes(nvidia_smi("-q", "-x", "-i", device) or "")


def find_nvidia_smi() -> str | None:
    """Return the path of nvidia-smi; None where no driver brought it."""
    if found := shutil.which("nvidia-smi"):
        return found
    return next((str(place) for place in PLACES if place.is_file()), None)


def nvidia_smi(*arguments: str) -> str | None:
    """Return what nvidia-smi prints; None where it is missing or hangs."""
    program = find_nvidia_smi()
    if program is None:
        return None
    # Without a window of its own, which Windows would flash up.
    hidden = 0
    if sys.platform == "win32":
        hidden = subprocess.CREATE_NO_WINDOW
    try:
        process = subprocess.Popen(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            creationflags=hidden,
        )
    except OSError:
        return None
    try:
        output, _ = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        # One that waits for its driver in the kernel ends no sooner than that answers, killed or
        # not: `subprocess.run` would wait for it.
        process.kill()
        threading.Thread(target=process.communicate, name="nvidia-smi", daemon=True).start()
        return None
    return output.decode("utf-8", "replace")


def read_cards(output: str) -> list[NvidiaCard]:
    """Read a line of CSV for each card; others, such as an error, are left out."""
    cards = []
    for line in output.splitlines():
        words = [word.strip() for word in line.split(",")]
        if len(words) < len(CARD_FIELDS) or not words[0].isdecimal():
            continue
        index, uuid, name, driver, total, free = words[: len(CARD_FIELDS)]
        capability = read_capability(words[-1]) if len(words) > len(CARD_FIELDS) else None
        sizes = (read_mib(total) or 0, read_mib(free) or 0)
        cards.append(NvidiaCard(int(index), uuid, name, driver, *sizes, capability))
    return cards


def read_capability(word: str) -> tuple[int, int] | None:
    """Read a compute capability such as 8.9."""
    major, _, minor = word.partition(".")
    return (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else None


def read_processes(output: str) -> list[CardProcess]:
    """Read the processes in the XML of `nvidia-smi -q -x`."""
    try:
        root = ElementTree.fromstring(output)
    except ElementTree.ParseError:
        return []
    found: dict[int, CardProcess] = {}
    for each in root.iter("process_info"):
        pid = each.findtext("pid", "").strip()
        if pid.isdecimal():
            path = each.findtext("process_name", "").strip()
            memory = read_mib(each.findtext("used_memory", ""))
            # One with a window that also computes is listed twice.
            found.setdefault(int(pid), CardProcess(int(pid), path, memory))
    return list(found.values())


def read_mib(text: str) -> int | None:
    """Read a size in MiB as bytes; None where the driver does not tell it."""
    number = text.strip().partition(" ")[0]
    return int(number) * MIB if number.isdecimal() else None
