"""Preview and summary of an import as lines for a terminal."""

from annotate.views.image_import import ImportPreviewView, SkippedFilesView
from storage.safe_files import printable

MAX_PROMPT_LENGTH = 100
"""Characters of a prompt that are shown in a list."""
NAMES_ON_A_LINE = 5


def preview_lines(preview: ImportPreviewView) -> list[str]:
    """Return the summary of a preview, and its example images with their prompts."""
    lines = [f"{preview['folder']}: {preview['summary']}"]
    for example in preview["examples"]:
        prompt = example["prompt"]
        short = prompt if len(prompt) <= MAX_PROMPT_LENGTH else f"{prompt[:MAX_PROMPT_LENGTH]}..."
        lines.append(f"  {example['image']} ({example['source']}): {printable(short)}")
    return lines


def skip_lines(summary: SkippedFilesView) -> list[str]:
    """Return a line per reason for which files were skipped, with the first names."""
    return [
        f"  {count:,} skipped: {reason} ({first_of(summary['skipped_names'][reason], count)})"
        for reason, count in summary["skipped"].items()
    ]


def first_of(names: list[str], count: int) -> str:
    """Return the first names of `count` files, with dots if there are more."""
    shown = names[:NAMES_ON_A_LINE]
    return ", ".join([*shown, *["..."] * (count > len(shown))])


def writable(text: str, encoding: str | None) -> str:
    """Return a text with the characters escaped that a terminal's encoding lacks, such as 狐."""
    name = encoding or "utf-8"
    return text.encode(name, "backslashreplace").decode(name)
