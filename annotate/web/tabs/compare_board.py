"""What is on the board of the Compare tab, as plain values that its script shows."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from annotate.comparison.grid import Cell
from annotate.errors import InvalidRequest
from annotate.web.html.run_cards import time_left

MOST_SEEDS = 1000
HIGHEST_SEED = 2**32 - 1
LINK = "#compare&"


@dataclass
class CompareBoard:
    """Prompts by seeds in rows, versions in columns; the address of each image once drawn.

    Only a board whose rows are seeds is drawn again from its link.
    """

    prompts: Sequence[str]
    seeds: Sequence[int]
    seeds_text: str
    columns: Sequence[str]
    row: str = "seed"
    """What the numbers of the rows are."""
    cells: list[list[str | None]] = field(init=False)

    def __post_init__(self) -> None:
        rows = len(self.prompts) * len(self.seeds)
        self.cells = [[None] * len(self.columns) for _ in range(rows)]

    @property
    def total(self) -> int:
        """How many images are asked for."""
        return len(self.cells) * len(self.columns)

    @property
    def done(self) -> int:
        """How many images are there."""
        return sum(url is not None for row in self.cells for url in row)

    def fill(self, drawn: Mapping[Cell, str]) -> None:
        """Put images where they belong."""
        for (place, column), url in drawn.items():
            self.cells[place][column] = url

    def drawing(self, left_s: float | None = None, detail: str = "") -> dict[str, Any]:
        """Return the board while it is being drawn; `detail` says what is waited for."""
        if self.done == self.total:
            return self._value("")
        told = f"{self.done} of {self.total} drawn"
        if left_s and left_s >= 1:
            told += f", {time_left(left_s)}"
        return self._value(f"{told}. {detail}" if detail else told, busy=True)

    def choosing(self, done: int, total: int, left_s: float) -> dict[str, Any]:
        """Return the board while images to choose from are drawn and judged."""
        left = f", {time_left(left_s)}" if left_s >= 1 else ""
        return self._value(f"{done} of {total} steps of drawing and judging{left}", busy=True)

    def interrupted(self, reason: str) -> dict[str, Any]:
        """Return the board after something ended the drawing."""
        return self._value(f"{reason} {kept(self.done, self.total)}", tone="problem")

    def _value(self, status: str, tone: str = "calm", busy: bool = False) -> dict[str, Any]:
        return {
            "prompts": list(self.prompts),
            "seeds": list(self.seeds),
            "seeds_text": self.seeds_text,
            "columns": list(self.columns),
            "row": self.row,
            "cells": self.cells,
            "status": status,
            "tone": tone,
            "busy": busy,
        }


def stopped(value: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a board whose drawing somebody stopped."""
    if not value or not value.get("busy"):
        return value
    if value["row"] != "seed":
        return value | {"status": "Stopped. What is drawn is kept.", "busy": False}
    urls = [url for row in value["cells"] for url in row]
    told = f"Stopped. {kept(sum(url is not None for url in urls), len(urls))}"
    return value | {"status": told, "busy": False}


def kept(done: int, total: int) -> str:
    """Say that nothing is lost."""
    return f"{done} of {total} are drawn and kept; Compare goes on with the others."


def read_prompts(text: str) -> list[str]:
    """Return the lines that say something; raise InvalidRequest when none does."""
    prompts = [line.strip() for line in (text or "").splitlines() if line.strip()]
    if not prompts:
        raise InvalidRequest("Write at least one prompt to compare on.")
    return prompts


def read_seeds(text: str) -> list[int]:
    """Return the seeds of "1, 5, 8-10" in the order given; raise InvalidRequest otherwise."""
    spaced, seeds = " ".join((text or "").split()), dict[int, None]()
    for part in re.split(r"[,; ]+", spaced.replace(" -", "-").replace("- ", "-")):
        match = re.fullmatch(r"(\d{1,10})(?:-(\d{1,10}))?", part)
        if not match:
            raise InvalidRequest(
                f"The seeds {part[:40]!r} are unclear. Write them like 1, 2 or 1-4."
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last <= HIGHEST_SEED or last - first >= MOST_SEEDS:
            raise InvalidRequest(f"{part} is no range of seeds. Write them like 1, 2 or 1-4.")
        seeds |= dict.fromkeys(range(first, last + 1))
        if len(seeds) > MOST_SEEDS:
            raise InvalidRequest(f"These are more than {MOST_SEEDS:,} seeds. Write fewer.")
    return list(seeds)


def read_link(link: str) -> tuple[str, str, list[str]] | None:
    """Return the prompts, seeds and columns that a link to a comparison names, as typed."""
    if not link.startswith(LINK):
        return None
    words = parse_qs(link.removeprefix(LINK))
    return "\n".join(words.get("p", [])), (words.get("s") or [""])[0], words.get("c", [])
