"""What a run on files is expected to be: what was recognised, and what it takes."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from storage.commands.sources import preview_lines
from storage.commands.trainer import align
from storage.layouts.found import FoundData
from storage.layouts.layouts import LAYOUTS
from storage.layouts.mapping import ColumnMapping
from storage.layouts.reading import votes
from storage.sources.source_preview import Looking, SourcePreview

PREVIEW_ROWS = 2_000
PREVIEW_S = 5.0
PAIR_BYTES = 2_000
"""Main memory for a pair of a run (tests/bench/snapshot_memory.py), its images left aside."""
CACHED_BYTES = 2 * 2**30
"""Of encoded images, a run keeps no more than this in memory, and as much of encoded prompts."""


class RunData(TypedDict):
    """What a run folder was made from: data.json."""

    files: list[list[Any]]
    """Path, bytes and time of the last change of each."""
    mapping: dict[str, Any]
    model: str
    settings: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be trained, and where."""

    found: FoundData
    mapping: ColumnMapping
    data: RunData
    run_dir: Path
    name: str


def look(found: FoundData, mapping: ColumnMapping) -> SourcePreview:
    """Look at the first rows as a run would."""
    until, looking, whole = time.monotonic() + PREVIEW_S, Looking(found.files), True
    for item in votes(found, mapping):
        if looking.rows >= PREVIEW_ROWS or time.monotonic() > until:
            whole = False
            break
        looking.take(item)
    return looking.seen(whole, {})


def found_lines(asked: Asked, seen: SourcePreview) -> list[str]:
    """Return what was recognised, what it would give, and ten of it."""
    found, title = asked.found, LAYOUTS[asked.mapping.layout].title
    files = "1 file" if len(found.files) == 1 else f"{len(found.files):,} files"
    rows = f", {found.rows:,} rows" if found.rows is not None else ""
    return [
        f"{files}{rows}, in the layout of {title}.",
        *preview_lines(seen, asked.mapping),
        f"As --mapping: {json.dumps(asked.mapping.as_data(), ensure_ascii=False)}",
    ]


def expected_pairs(found: FoundData, seen: SourcePreview) -> int:
    """Return how many pairs there should be, by the rows that were looked at."""
    decisive = seen.votes.get("preference", 0) + seen.votes.get("ranking", 0)
    if seen.whole or not found.rows or not seen.rows:
        return decisive
    return decisive * found.rows // seen.rows


def plan_lines(asked: Asked, pairs: int, seen: SourcePreview) -> list[str]:
    """Return what a run on so many pairs should take; raises TrainerFailed."""
    model = ["--model", asked.data["model"]] if asked.data["model"] else []
    settings = ["--settings", asked.data["settings"]]
    plan = json.loads(align(["prepare", ".", "--pairs", str(pairs), *model, *settings]))
    images = seen.images if seen.whole else seen.images * pairs // max(1, seen.rows)
    # Four channels of four bytes for every 8 x 8 pixels.
    encoded = images * plan["side"] ** 2 // 4
    memory = pairs * PAIR_BYTES + min(encoded, CACHED_BYTES)
    about = "" if seen.whole else "about "
    return [
        f"The run: {about}{pairs:,} pairs, {plan['summary']}",
        *plan["notes"],
        f"Encoded, {about}{images:,} images take {size(encoded)} of the disk, in {asked.run_dir}. "
        f"The run takes about {size(memory)} of main memory beside the model.",
    ]


def size(number: int) -> str:
    """Return a number of bytes as people say it."""
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{max(1, round(number / 1e6)):,} MB"
