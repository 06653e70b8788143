"""Small exports as one file, for browsers on other machines."""

import tempfile
import zipfile
from pathlib import Path

MAX_BYTES = 512 * 2**20
"""An export that has more is fetched from its folder."""


def size_of(folder: Path) -> tuple[int, int]:
    """Return the number of files in a folder, and their bytes."""
    sizes = [file.stat().st_size for file in folder.rglob("*") if file.is_file()]
    return len(sizes), sum(sizes)


def zipped(folder: Path) -> Path:
    """Return a temporary zip file of a folder, which whoever asked for it removes."""
    with tempfile.NamedTemporaryFile(prefix="palate-votes-", suffix=".zip", delete=False) as file:
        # Images and Parquet files are compressed already.
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for path in sorted(folder.rglob("*")):
                archive.write(path, Path(folder.name, path.relative_to(folder)))
        return Path(file.name)
