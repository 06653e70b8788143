"""The board of the Compare tab as plain values that its script shows; and parsing of its form."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from annotate.comparison.grid import Cell
from annotate.errors import InvalidRequest
from annotate.versions.naming import UNTITLED, VersionTitles
from annotate.views.comparison import BoardView
from annotate.web.html.run_cards import time_left

# Enough for any grid; a typo such as 1-99999999 should not build a list of them.
MOST_SEEDS = 1000
HIGHEST_SEED = 2**32 - 1
LINK = "#compare&"


@dataclass
class CompareBoard:
    """Prompts by seeds in rows, versions in columns, and the URL of each image once rendered.

    Only a board whose rows are seeds can be rendered again from its link.
    """

    prompts: Sequence[str]
    seeds: Sequence[int]
    seeds_text: str
    columns: Sequence[str]
    row: str = "seed"
    """The name of the numbers of the rows: seed, or place among the best of n."""
    titles: VersionTitles = UNTITLED
    cells: list[list[str | None]] = field(init=False)

    def __post_init__(self) -> None:
        rows = len(self.prompts) * len(self.seeds)
        self.cells = [[None] * len(self.columns) for _ in range(rows)]

    @property
    def total(self) -> int:
        """Number of images in all."""
        return len(self.cells) * len(self.columns)

    @property
    def done(self) -> int:
        """Number of images rendered so far."""
        return sum(url is not None for row in self.cells for url in row)

    def fill(self, urls: Mapping[Cell, str]) -> None:
        """Set the URLs of cells."""
        for (row, column), url in urls.items():
            self.cells[row][column] = url

    def rendering(self, left_s: float | None = None, detail: str = "") -> BoardView:
        """Return the board while it renders; `detail` says what it waits for."""
        if self.done == self.total:
            return self._value("")
        status = f"{self.done} of {self.total} rendered"
        if left_s and left_s >= 1:
            status += f", {time_left(left_s)}"
        return self._value(f"{status}. {detail}" if detail else status, busy=True)

    def scoring(self, done: int, total: int, left_s: float, detail: str = "") -> BoardView:
        """Return the board while the candidates of best of n are rendered and scored."""
        left = f", {time_left(left_s)}" if left_s >= 1 else ""
        status = f"{done} of {total} steps of rendering and scoring{left}"
        return self._value(f"{status}. {detail}" if detail else status, busy=True)

    def interrupted(self, reason: str) -> BoardView:
        """Return the board after an error ended the rendering."""
        return self._value(
            f"{self.titles.within(reason)} {kept(self.done, self.total)}", tone="problem"
        )

    def _value(self, status: str, tone: str = "calm", busy: bool = False) -> BoardView:
        return {
            "prompts": list(self.prompts),
            "seeds": list(self.seeds),
            "seeds_text": self.seeds_text,
            "columns": list(self.columns),
            "labels": [self.titles.within(column) for column in self.columns],
            "row": self.row,
            "cells": self.cells,
            "status": status,
            "tone": tone,
            "busy": busy,
        }


def stopped(value: BoardView | None) -> BoardView | None:
    """Return a board whose rendering was stopped."""
    if not value or not value.get("busy"):
        return value
    if value["row"] != "seed":
        return {**value, "status": "Stopped. Rendered images are kept.", "busy": False}
    urls = [url for row in value["cells"] for url in row]
    status = f"Stopped. {kept(sum(url is not None for url in urls), len(urls))}"
    return {**value, "status": status, "busy": False}


def kept(done: int, total: int) -> str:
    """Return a sentence that rendered images are kept."""
    return f"{done} of {total} are rendered and kept; Compare renders the others."


def read_prompts(text: str) -> list[str]:
    """Return the lines that are not blank; raises InvalidRequest without any."""
    prompts = [line.strip() for line in (text or "").splitlines() if line.strip()]
    if not prompts:
        raise InvalidRequest("Write at least one prompt to compare on.")
    return prompts


def read_seeds(text: str) -> list[int]:
    """Return the seeds of a text such as "1, 5, 8-10", in that order; raises InvalidRequest."""
    # Spaces around a dash belong to the range: "8 - 10" is one part.
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
