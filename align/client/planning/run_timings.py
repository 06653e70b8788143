"""Files of a run folder about its time: what it measures, and what runs before it have measured."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from align.contracts.run_timing import Measured, RunTiming
from align.files import read_json, write_json

TIMING, EXPECTED = "timing.json", "expected.json"


def write_timing(run_dir: Path, timing: RunTiming) -> None:
    """Replace what a run has measured of its own time."""
    write_json(run_dir / TIMING, timing)


def read_timing(run_dir: Path) -> RunTiming | None:
    """Return what a run has measured of its own time; None where it has not, or no longer."""
    value = _read(run_dir / TIMING)
    return cast(RunTiming, value) if value.keys() >= RunTiming.__annotations__.keys() else None


def write_expected(run_dir: Path, expected: Measured) -> None:
    """Keep what earlier runs like this one have measured."""
    write_json(run_dir / EXPECTED, asdict(expected))


def read_expected(run_dir: Path) -> Measured:
    """Return what earlier runs like this one have measured; nothing where nobody told."""
    try:
        return Measured(**_read(run_dir / EXPECTED))
    except TypeError:
        # Written by a release that names it otherwise.
        return Measured()


def _read(path: Path) -> dict[str, Any]:
    """Return a JSON object; an empty one where there is none: an estimate must stop no run."""
    try:
        value = read_json(path)
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
