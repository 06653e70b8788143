"""Changes: what the newest run changed, as the card on the page shows it."""

from typing import NotRequired, TypedDict


class ChangeSample(TypedDict):
    """One prompt and seed, before a run and after it."""

    prompt: str
    seed: int
    voted: bool
    """True where the run learned from votes on this prompt, False where nobody labels it."""
    brought: NotRequired[bool]
    """True where these votes came in from files, and nobody gave one here."""
    before: str
    """Relative URL of the image that the base renders."""
    after: str
    """Relative URL of the image that the version renders."""


class ChangeView(TypedDict):
    """What a finished run changed, with the images that show it."""

    key: str
    """Tells the run from those of other studios at the same address."""
    run_id: str
    version: str
    """The version that the run made."""
    name: str
    """The name that people know it by."""
    kept: str
    """The version that renders new pairs without this one: the active one, or the one before."""
    kept_name: str
    """The name that people know that one by."""
    kind: str
    """moved, hardly or worse."""
    title: str
    sentence: str
    sure: bool
    """False where too few pairs were kept apart to tell it from chance."""
    active: bool
    """New pairs are rendered by the version."""
    samples: list[ChangeSample]


class ChangeNews(TypedDict):
    """What is new about the newest run, for a page that asks every few seconds."""

    key: str
    """The run's key; empty where there is no card, or the page has it already."""
    shown: str
    """Tells this card from others, to be sent with the next question; empty without a card."""
    html: str | None
    """The card; null where there is none, or the page has it already."""
    title: str
    """A few words for the title of the browser's tab."""
    words: str
    """A sentence or two for a notification."""
    failed: str
    """Why the newest run failed, in a sentence; empty where it did not."""


class ChangeAnswer(TypedDict):
    """What a button of the card has done."""

    told: str
