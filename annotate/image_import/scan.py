"""A look at a folder of images: which prompt each has, and which have one in common."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from annotate.image_import.captions.origins import alike
from annotate.image_import.captions.sidecar import files_beside
from annotate.image_import.context import ImportContext
from annotate.image_import.decode import LARGEST_FILE, Head, look
from annotate.image_import.folder import Found, find_images
from annotate.image_import.import_summary import ALONE, STOPPED
from annotate.image_import.steps import Steps

KEPT_FOR_TESTS = "its prompt is kept for blind tests"
AGAIN = "the same file again"
MOST_KEPT = 50_000
"""Images whose heads are remembered for the import that follows; of more, the rest is read twice,
which costs time where the former would cost some hundred megabytes."""
Outcome = Head | str
"""An image's head, or why it is left out."""
Outcomes = Mapping[Path, tuple[int, Outcome]]
"""What was read, with the state of the files that it was read from."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at a folder found."""

    found: Found
    counted: int
    """Files that are accounted for, also those that are no image to read."""
    groups: list[list[Head]]
    """Images by prompt, each prompt in one spelling; some have one alone."""
    sources: Counter[str]
    """How many images have their prompt from where."""
    outcomes: Outcomes

    @property
    def shared(self) -> list[list[Head]]:
        """The images of every prompt that has two or more."""
        return [group for group in self.groups if len(group) > 1]


class Looking:
    """Looks at folders."""

    def __init__(self, supplies: ImportContext, steps: Steps) -> None:
        self._supplies, self._steps = supplies, steps

    def look(self, folder: Path, before: Outcomes = MappingProxyType({})) -> Looked:
        """Read the head of every image but those that did not change since they were read before.

        Raises InvalidImport.
        """
        store, steps = self._supplies.store, self._steps
        found = find_images(folder, store.images_dir.parent, steps.cancelled.is_set)
        counted = len(found.images) + found.skipped.counts.total()
        steps.progress.begin("Reading", len(found.images))
        outcomes: dict[Path, tuple[int, Outcome]] = {}
        groups = Groups({alike(prompt) for prompt in self._supplies.kept()})
        for path, (state, outcome) in self._outcomes(found, before):
            if len(outcomes) < MOST_KEPT and outcome != STOPPED:
                outcomes[path] = state, outcome
            reason = outcome if isinstance(outcome, str) else groups.add(outcome)
            if reason is not None:
                found.skipped.add(reason, path)

        by_prompt = groups.in_one_spelling()
        for group in by_prompt:
            if len(group) == 1:
                found.skipped.add(ALONE, group[0].path)
        return Looked(found, counted, by_prompt, groups.sources, outcomes)

    def _outcomes(
        self, found: Found, before: Outcomes
    ) -> Iterator[tuple[Path, tuple[int, Outcome]]]:
        def read(path: Path) -> tuple[int, Outcome]:
            # First, so that a change while it is read is seen the next time.
            state = state_of(path, found)
            known = before.get(path)
            if known is not None and known[0] == state:
                return known
            return state, self._steps.safely(lambda: self._head(path, found), path)

        for path, outcome in self._steps.each(read, found.images):
            yield path, (0, outcome) if isinstance(outcome, str) else outcome

    def _head(self, path: Path, found: Found) -> Head:
        with self._steps.room.of(min(os.lstat(path).st_size, LARGEST_FILE)):
            return look(path, found.root, found.told, found.untold, found.sorts, found.texts)


class Groups:
    """Images by what their prompts have in common."""

    def __init__(self, kept: set[str]) -> None:
        self._kept = kept
        self._heads: dict[str, dict[str, Head]] = defaultdict(dict)
        self.sources: Counter[str] = Counter()

    def add(self, head: Head) -> str | None:
        """Take an image in, or say why it is left out."""
        prompt = alike(head.prompt)
        if prompt in self._kept:
            return KEPT_FOR_TESTS
        if head.digest in self._heads[prompt]:
            return AGAIN
        self._heads[prompt][head.digest] = head
        self.sources[head.source] += 1
        return None

    def in_one_spelling(self) -> list[list[Head]]:
        """Return the images of each prompt, with the spelling that most of them have."""
        groups = []
        for heads in self._heads.values():
            spellings = Counter(head.prompt for head in heads.values())
            (prompt, _), *_ = spellings.most_common(1)
            same = (h if h.prompt == prompt else replace(h, prompt=prompt) for h in heads.values())
            groups.append(list(same))
        return groups


def state_of(path: Path, found: Found) -> int:
    """Return a number that changes when an image does, or what is said of it elsewhere."""
    inside = [one for one in path.parents if one.is_relative_to(found.root)]
    said = found.told.get(path), path in found.untold, path.parent in found.untold
    sorts = tuple(one in found.sorts for one in inside)
    other = found.texts.get(path)
    files = (path, *files_beside(path), *([other] if other is not None else []))
    return hash((said, sorts, *map(_state, files)))


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
