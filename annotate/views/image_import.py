"""Folders of images on their way into a studio."""

from typing import TypedDict


class SkippedFilesView(TypedDict):
    """Files that were skipped."""

    skipped: dict[str, int]
    """Their number by reason."""
    skipped_names: dict[str, list[str]]
    """The first fifty of each reason."""


class FolderView(SkippedFilesView):
    """Content of a folder of images."""

    folder: str
    found: int
    """Files looked at."""
    pictures: int
    """Former name of `found`, for one release."""
    known: int
    """Images that were imported before."""
    prompts: int
    pairs: int
    sources: dict[str, int]
    """Images by the source of their prompt."""
    stopped: bool
    seconds: float
    summary: str
    """All of it in sentences."""


class PreviewExampleView(TypedDict):
    """An image with the prompt that was found for it."""

    image: str
    prompt: str
    source: str
    images: int
    """Images with that prompt."""


class ImportPreviewView(FolderView):
    """Preview of an import; `pairs` is an upper bound."""

    images: int
    """New images that share their prompt with another image."""
    examples: list[PreviewExampleView]
    """Ten images from all over the folder."""


class ImportSummaryView(FolderView):
    """Result of an import; every image counts once: as brought, known or skipped."""

    brought: int


class ImportProgressView(TypedDict):
    """Progress of one phase of an import."""

    phase: str
    done: int
    of: int
    left_s: float | None
    """Seconds that the phase still takes; null before its first item is done."""
