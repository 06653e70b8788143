"""Headers of single image files, without an import of their folder."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from annotate.image_import.decode import ImageHeader, read_header
from annotate.image_import.folder_contents import FolderContents
from annotate.image_import.import_summary import SkipCounts


def header_of(
    path: Path, root: Path, table_prompts: Mapping[Path, str] = MappingProxyType({})
) -> ImageHeader:
    """Read the header of an image in a folder whose tables give these prompts."""
    return read_header(
        path, FolderContents(root, SkipCounts(root), table_prompts=dict(table_prompts))
    )
