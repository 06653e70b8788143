"""Comparisons: the same prompts and seeds, rendered by several versions."""

from collections.abc import Sequence
from typing import TypedDict


class BeforeAfterUrls(TypedDict):
    """Images of one prompt and seed by two versions; URLs are relative to the server's root."""

    before_url: str
    """Image of the first version."""
    after_url: str
    """Image of the second version."""


class ComparedImages(BeforeAfterUrls):
    """Images of two versions, with the prompt and the seed that made them."""

    prompt: str
    seed: int


class BoardView(TypedDict):
    """The board of the Compare tab, as its script takes it."""

    prompts: list[str]
    seeds: list[int]
    """Seeds, or places among the best of n; each prompt has a row for each of them."""
    seeds_text: str
    """The seeds as typed, for a link to this comparison."""
    columns: list[str]
    labels: list[str]
    """What is shown of each column: it has the names that people gave the versions."""
    row: str
    """What the numbers of the rows are: seed, or place."""
    cells: Sequence[Sequence[str | None]]
    """URL of each image by row and column; null until it is rendered."""
    status: str
    tone: str
    """calm, or problem after an error."""
    busy: bool
