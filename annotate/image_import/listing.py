"""An import as lines for a terminal: what a folder would bring, and what became of it."""

from collections.abc import Mapping
from typing import Any

from annotate.safe_files import printable

LONGEST_PROMPT = 100
"""Characters of a prompt that are shown in a list."""


def preview_lines(told: Mapping[str, Any]) -> list[str]:
    """Return what there is to bring in, and images with what was taken for their prompts."""
    lines = [f"{told['folder']}: {told['summary']}"]
    for one in told["examples"]:
        prompt = one["prompt"]
        short = prompt if len(prompt) <= LONGEST_PROMPT else f"{prompt[:LONGEST_PROMPT]}..."
        lines.append(f"  {one['image']} ({one['source']}): {printable(short)}")
    return lines


def skip_lines(told: Mapping[str, Any]) -> list[str]:
    """Return how many files were left out for each reason, with the first names."""
    return [
        f"  {count:,} skipped: {reason} ({first_of(told['skipped_names'][reason], count)})"
        for reason, count in told["skipped"].items()
    ]


def first_of(names: list[str], count: int) -> str:
    """Return the first names of so many."""
    return ", ".join([*names, *["..."] * (count > len(names))])


def writable(text: str, encoding: str | None) -> str:
    """Return a text with what an encoding lacks escaped: an old terminal has no 狐."""
    name = encoding or "utf-8"
    return text.encode(name, "backslashreplace").decode(name)
