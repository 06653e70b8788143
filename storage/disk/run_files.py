"""Files of a run, and which of them the version that it made needs."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from storage.records import Version
from storage.studio_folder import StudioFolder

NEEDED_BY_VERSION = (
    "adapter.safetensors",
    "config.json",
    "loras",
    "status.json",
    "samples.json",
    "samples",
)
"""Its weights, what an export reads beside them, and images of it."""


def removable_files(
    folder: StudioFolder, run_id: str, versions: Iterable[Version]
) -> Iterator[Path]:
    """Yield the files and folders of a run that no version which is there needs."""
    run = folder.runs / run_id
    adapters = [version.adapter for version in versions if version.deleted is None]
    if not any(adapter and adapter.is_relative_to(run) for adapter in adapters):
        yield run
        return
    # Its folder may be gone: then there is nothing left to remove.
    for path in sorted(run.glob("*")):
        if path.name not in NEEDED_BY_VERSION:
            yield path
