"""Prompts of a project, and the prompts that somebody asked for next."""

from typing import Generic, TypedDict

from annotate.views.pairs_and_votes import AnyItemView


class PromptView(TypedDict):
    """A prompt of the project."""

    prompt: int
    """Its number, which changes name."""
    text: str
    source: str
    """built-in, file, pasted, typed or edited."""
    weight: float
    """How often it comes beside others: 0.5, 1, 2 or 4."""
    removed: bool
    replaced_by: str | None
    """The text that took its place."""
    varies: bool
    """Whether it has variations, so that its pairs are counted under what it varied to."""
    pairs: int
    votes: int


class PromptListView(TypedDict):
    """A list that new pairs may be made from."""

    name: str
    """Empty for the one that suits the model."""
    title: str
    prompts: int


class PromptsPage(TypedDict):
    """Up to fifty prompts of a project, and how its prompts are chosen."""

    prompts: list[PromptView]
    found: int
    """How many there are that were searched for."""
    page: int
    pages: int
    in_use: int
    removed: int
    chosen_list: str
    """Name of the list in use; empty for the one that suits the model."""
    lists: list[PromptListView]
    labelers_may_add: bool


class AskedPrompt(TypedDict):
    """A prompt whose pairs come next for the one who asked."""

    prompt: str
    coming: int
    """Pairs, or sets of four, that are on their way."""
    wait_s: float | None
    """Seconds until images are rendered again, while a run has the device; null otherwise."""


class AskedItems(TypedDict, Generic[AnyItemView]):
    """Pairs of the prompts that an annotator asked for, as they are rendered."""

    items: list[AnyItemView]
    coming: int


class PromptsHtml(TypedDict):
    """The list of prompts in Settings, as the page shows it."""

    rows: str
    options: str
    in_use: int
    removed: int
    page: int
    message: str
    """What came of a change, as a sentence; empty for none."""
