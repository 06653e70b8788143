"""What became of every image of a folder, and how far an import is."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotate.clock import Monotonic
from annotate.safe_files import display_path
from annotate.wording import quantity

STOPPED = "not looked at, for it was stopped"
ALONE = "alone with its prompt"
SAME = "looks like the others of its prompt"
NAMED = 5
NONE_SHARED = (
    "Images make pairs when two of them have the same prompt: in their metadata, in "
    "a text file beside each, in captions.csv, or as the name of their subfolder."
)


class Skipped:
    """What was left out: how many files for each reason, and the names of the first ones."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.counts: Counter[str] = Counter()
        self.names: dict[str, list[str]] = {}

    def add(self, reason: str, path: Path) -> None:
        """Count a file."""
        self.counts[reason] += 1
        named = self.names.setdefault(reason, [])
        if len(named) < NAMED:
            named.append(display_path(path, self._root))


@dataclass
class Progress:
    """How far the work of one phase is."""

    clock: Monotonic
    phase: str = "Looking for images"
    done: int = 0
    of: int = 0
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    def begin(self, phase: str, of: int) -> None:
        """Enter a phase."""
        self.phase, self.done, self.of, self.began = phase, 0, of, self.clock()

    def left(self) -> float | None:
        """How many seconds the phase still takes; None while nobody can say."""
        if not self.done:
            return None
        return (self.clock() - self.began) / self.done * (self.of - self.done)

    def told(self) -> dict[str, Any]:
        """As values."""
        return {"phase": self.phase, "done": self.done, "of": self.of, "left_s": self.left()}


@dataclass
class Summary:
    """Every image is counted once: brought, known, or skipped for a reason."""

    folder: str
    images: int
    skipped: Skipped
    sources: Counter[str]
    """How many images have their prompt from where."""
    clock: Monotonic
    began: float
    brought: int = 0
    known: int = 0
    pairs: int = 0
    stopped: bool = False
    prompts: set[str] = field(default_factory=set)

    def told(self) -> dict[str, Any]:
        """As values, with a sentence for a person."""
        return {
            "folder": self.folder,
            "found": self.images,
            # As it was called before; for one release.
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
        """What a person wants to know first."""
        parts = [
            f"{quantity(self.pairs, 'new pair')} of {quantity(self.brought, 'image')} and "
            f"{quantity(len(self.prompts), 'prompt')}."
        ]
        if self.known:
            parts.append(f"{quantity(self.known, 'image')} had been brought in before.")
        if self.sources:
            parts.append(of_sources(self.sources))
        if not self.pairs and not self.known:
            parts.append(NONE_SHARED)
        return " ".join([*["Stopped."] * self.stopped, *parts])


def of_sources(sources: Counter[str]) -> str:
    """Say how many prompts came from where."""
    told = [f"{count:,} from {source}" for source, count in sources.most_common()]
    images = quantity(sources.total(), "image")
    return f"Prompts of {images}: {', '.join(told)}."
