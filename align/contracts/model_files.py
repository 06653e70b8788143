"""Models in a folder of checkpoints, as a listing shows them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of weights, or a pipeline folder, below a folder of checkpoints."""

    name: str
    """Path below that folder, with slashes."""
    path: str
    """Path for --model."""
    size: int
    """In bytes; of a folder, of all its weights."""
    kind: str
    """In a few words: "SDXL", "Stable Diffusion 1.5", "a LoRA", "unreadable"."""
    reason: str = ""
    """The reason why it cannot be opened, and what to do, as sentences; empty where it can."""

    @property
    def opens(self) -> bool:
        """Return whether it can be opened as a model."""
        return not self.reason


@dataclass(frozen=True, slots=True)
class ModelListing:
    """What a folder of checkpoints holds."""

    folder: str
    files: tuple[ModelFile, ...]
    """Those that open first, then the others, each by name."""
    notes: tuple[str, ...] = ()
    """Sentences about folders that could not be looked into, and about limits."""
