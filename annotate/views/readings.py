"""Readings of a model that does not tell what it predicts, and images of each."""

from typing import TypedDict


class ReadingView(TypedDict):
    """One way to take the open model."""

    name: str
    """What chooses it."""
    title: str
    """It in a few words."""
    url: str | None
    """Address of an image that was rendered so; None before it is."""


class ReadingsView(TypedDict):
    """What is not known of the open model; no readings where all is."""

    model: str
    readings: list[ReadingView]
    """The one that it is taken in now comes first."""
