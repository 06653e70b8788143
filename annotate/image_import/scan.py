"""Scan of a folder: the header and the prompt of every image, grouped by prompt."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from annotate.image_import.captions.origins import comparable
from annotate.image_import.captions.sidecar import files_beside
from annotate.image_import.context import ImportContext
from annotate.image_import.decode import MAX_FILE_BYTES, ImageHeader, read_header
from annotate.image_import.file_tasks import FileTasks
from annotate.image_import.folder import find_images
from annotate.image_import.folder_contents import FolderContents
from annotate.image_import.import_summary import ALONE, STOPPED

RESERVED_FOR_BLIND_TESTS = "its prompt is kept for blind tests"
DUPLICATE = "the same file again"
MAX_KEPT = 50_000
"""Headers that are kept for the import that follows a preview. Of a larger folder the others are
read twice, which costs time rather than some hundred megabytes of memory."""
Outcome = ImageHeader | str
"""Header of an image, or why it is skipped."""
Outcomes = Mapping[Path, tuple[int, Outcome]]
"""Outcome by image, with the state of the files that it was read from."""


@dataclass(frozen=True, slots=True)
class ScanResult:
    """Result of scanning a folder."""

    contents: FolderContents
    counted: int
    """Number of files that the summary accounts for, skipped ones included."""
    groups: list[list[ImageHeader]]
    """Images of each prompt, with the prompt in one spelling; some groups hold a single image."""
    sources: Counter[str]
    """Number of images by the source of their prompt."""
    outcomes: Outcomes

    @property
    def shared(self) -> list[list[ImageHeader]]:
        """The groups of two or more images."""
        return [group for group in self.groups if len(group) > 1]


class FolderScanner:
    """Scanner of folders."""

    def __init__(self, context: ImportContext, tasks: FileTasks) -> None:
        self._context, self._tasks = context, tasks

    def scan(self, folder: Path, before: Outcomes = MappingProxyType({})) -> ScanResult:
        """Read the header of every image, except those that did not change since `before`.

        Raises InvalidImport.
        """
        store, tasks = self._context.store, self._tasks
        found = find_images(folder, store.images_dir.parent, tasks.cancelled.is_set)
        counted = len(found.images) + found.skipped.counts.total()
        tasks.progress.begin("Reading", len(found.images))

        outcomes: dict[Path, tuple[int, Outcome]] = {}
        reserved = self._context.reserved_prompts()
        groups = PromptGroups({comparable(prompt) for prompt in reserved})
        for path, (state, outcome) in self._outcomes(found, before):
            if len(outcomes) < MAX_KEPT and outcome != STOPPED:
                outcomes[path] = state, outcome
            reason = outcome if isinstance(outcome, str) else groups.add(outcome)
            if reason is not None:
                found.skipped.add(reason, path)

        by_prompt = groups.with_one_spelling()
        for group in by_prompt:
            if len(group) == 1:
                found.skipped.add(ALONE, group[0].path)
        return ScanResult(found, counted, by_prompt, groups.sources, outcomes)

    def _outcomes(
        self, found: FolderContents, before: Outcomes
    ) -> Iterator[tuple[Path, tuple[int, Outcome]]]:
        """Yield every image with its outcome and the state of its files."""

        def read(path: Path) -> tuple[int, Outcome]:
            # The state first, so that a change while the file is read is noticed the next time.
            state = state_of(path, found)
            known = before.get(path)
            if known is not None and known[0] == state:
                return known
            return state, self._tasks.run_safely(lambda: self._header(path, found), path)

        for path, outcome in self._tasks.map(read, found.images):
            yield path, (0, outcome) if isinstance(outcome, str) else outcome

    def _header(self, path: Path, found: FolderContents) -> ImageHeader:
        with self._tasks.memory.reserve(min(os.lstat(path).st_size, MAX_FILE_BYTES)):
            return read_header(path, found)


class PromptGroups:
    """Images grouped by prompt, whatever its capitals and invisible characters."""

    def __init__(self, reserved: set[str]) -> None:
        self._reserved = reserved
        self._headers: dict[str, dict[str, ImageHeader]] = defaultdict(dict)
        self.sources: Counter[str] = Counter()

    def add(self, header: ImageHeader) -> str | None:
        """Add an image; return why it is skipped, or None."""
        prompt = comparable(header.prompt)
        if prompt in self._reserved:
            return RESERVED_FOR_BLIND_TESTS
        if header.digest in self._headers[prompt]:
            return DUPLICATE
        self._headers[prompt][header.digest] = header
        self.sources[header.source] += 1
        return None

    def with_one_spelling(self) -> list[list[ImageHeader]]:
        """Return the images of each prompt, with its most frequent spelling."""
        groups = []
        for headers in self._headers.values():
            spellings = Counter(header.prompt for header in headers.values())
            (prompt, _), *_ = spellings.most_common(1)
            same = (
                h if h.prompt == prompt else replace(h, prompt=prompt) for h in headers.values()
            )
            groups.append(list(same))
        return groups


def state_of(path: Path, found: FolderContents) -> int:
    """Return a number that changes when an image does, or a text that may hold its prompt."""
    folders = [folder for folder in path.parents if folder.is_relative_to(found.root)]
    undecided = path in found.undecided, path.parent in found.undecided
    sorting = tuple(folder in found.sorting_folders for folder in folders)
    caption = found.caption_files.get(path)
    files = (path, *files_beside(path), *([caption] if caption is not None else []))
    return hash((found.table_prompts.get(path), undecided, sorting, *map(_state, files)))


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
