"""Summary and progress of an import, and the files that it skipped."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from annotate.clock import Monotonic
from annotate.views.image_import import ImportProgressView, ImportSummaryView
from annotate.wording import quantity
from storage.safe_files import display_path

STOPPED = "not looked at, for it was stopped"
ALONE = "alone with its prompt"
SAME = "looks like the others of its prompt"
MAX_NAMES = 50
"""Files that are named per reason."""
NO_SHARED_PROMPT = (
    "Images make pairs when two of them have the same prompt: in their metadata, in "
    "a text file beside each, in captions.csv, or as the name of their subfolder."
)


class SkipCounts:
    """Skipped files: their number by reason, and the names of the first ones."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.counts: Counter[str] = Counter()
        self.names: dict[str, list[str]] = {}

    def add(self, reason: str, path: Path) -> None:
        """Count a skipped file under a reason."""
        self.counts[reason] += 1
        names = self.names.setdefault(reason, [])
        if len(names) < MAX_NAMES:
            names.append(display_path(path, self._root))


@dataclass
class ImportProgress:
    """Progress of one phase of an import."""

    clock: Monotonic
    phase: str = "Looking for images"
    done: int = 0
    of: int = 0
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    def begin(self, phase: str, of: int) -> None:
        """Begin a phase of so many items."""
        self.phase, self.done, self.of, self.began = phase, 0, of, self.clock()

    def eta_s(self) -> float | None:
        """Return the seconds that the phase still takes; None before its first item is done."""
        if not self.done:
            return None
        return (self.clock() - self.began) / self.done * (self.of - self.done)

    def as_dict(self) -> ImportProgressView:
        """Return JSON-compatible values."""
        return {"phase": self.phase, "done": self.done, "of": self.of, "left_s": self.eta_s()}


@dataclass
class ImportSummary:
    """Summary of an import; every image counts once: as brought, known, or skipped."""

    folder: str
    images: int
    skipped: SkipCounts
    sources: Counter[str]
    """Number of images by the source of their prompt."""
    clock: Monotonic
    began: float
    brought: int = 0
    known: int = 0
    pairs: int = 0
    stopped: bool = False
    prompts: set[str] = field(default_factory=set)

    def as_dict(self) -> ImportSummaryView:
        """Return JSON-compatible values, with a sentence under `summary`."""
        return {
            "folder": self.folder,
            "found": self.images,
            # The name of the release before, for one release.
            "pictures": self.images,
            "brought": self.brought,
            "known": self.known,
            "skipped": dict(self.skipped.counts.most_common()),
            "skipped_names": self.skipped.names,
            "prompts": len(self.prompts),
            "pairs": self.pairs,
            "sources": dict(self.sources.most_common()),
            "stopped": self.stopped,
            "seconds": round(self.clock() - self.began, 1),
            "summary": self.sentence(),
        }

    def sentence(self) -> str:
        """Return the counts of the import in sentences."""
        parts = [
            f"{quantity(self.pairs, 'new pair')} of {quantity(self.brought, 'image')} and "
            f"{quantity(len(self.prompts), 'prompt')}."
        ]
        if self.known:
            parts.append(f"{quantity(self.known, 'image')} had been brought in before.")
        if self.sources:
            parts.append(sources_sentence(self.sources))
        if not self.pairs and not self.known:
            parts.append(NO_SHARED_PROMPT)
        return " ".join([*["Stopped."] * self.stopped, *parts])


def sources_sentence(sources: Counter[str]) -> str:
    """Return a sentence on how many prompts came from each source."""
    counts = [f"{count:,} from {source}" for source, count in sources.most_common()]
    images = quantity(sources.total(), "image")
    return f"Prompts of {images}: {', '.join(counts)}."
