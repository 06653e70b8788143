"""Contents of a folder that is imported: its images, and what its texts say of them."""

from dataclasses import dataclass, field
from pathlib import Path

from annotate.image_import.import_summary import SkipCounts


@dataclass(frozen=True, slots=True)
class FolderContents:
    """Contents of a folder: images in order of their names, and what its texts say of them."""

    root: Path
    skipped: SkipCounts
    images: list[Path] = field(default_factory=list)
    table_prompts: dict[Path, str] = field(default_factory=dict)
    """Prompts from tables, by image."""
    undecided: set[Path] = field(default_factory=set)
    """Folders with a table of prompts that cannot be read, and images that tables differ about."""
    caption_files: dict[Path, Path] = field(default_factory=dict)
    """Text file of an image that is not simply the image's name beside it, by image."""
    sorting_folders: set[Path] = field(default_factory=set)
    """Folders whose names sort their images, and are no prompts."""
