"""What is known of an architecture, and marks that show it in names of weights."""

from __future__ import annotations

from dataclasses import dataclass

TUNES_SDXL = "and Palate tunes SDXL alone"
NO_UNET = "and Palate tunes UNets of SDXL's kind alone"
NO_VIDEO = "and Palate compares still images"
CHOOSE_SDXL = "Choose an SDXL checkpoint."


@dataclass(frozen=True)
class Marks:
    """Parts of names, with underscores for dots."""

    any_of: tuple[str, ...]
    none_of: tuple[str, ...] = ()
    all_of: tuple[str, ...] = ()

    def are_in(self, text: str) -> bool:
        """Return whether names show it; `text` holds one a line, and ends and begins one."""
        return (
            any(mark in text for mark in self.any_of)
            and all(mark in text for mark in self.all_of)
            and not any(mark in text for mark in self.none_of)
        )


@dataclass(frozen=True)
class Architecture:
    """A family of models, by its marks, and the sentence that people are told about it."""

    name: str
    """As people call it, after "a checkpoint of" and "a LoRA for"."""
    what: str = ""
    """What it is, after its name and a comma."""
    cannot: str = TUNES_SDXL
    """What Palate cannot do with it, after a comma."""
    advice: str = CHOOSE_SDXL
    """What to do, as a sentence."""
    opens: bool = False
    """True for what Palate tunes."""
    whole: tuple[Marks, ...] = ()
    """Marks in the names of a whole denoiser."""
    layers: tuple[Marks, ...] = ()
    """Marks in the names of layers that adapters change, which a whole denoiser has, too."""
    blocks: tuple[tuple[str, str, int], ...] = ()
    """Where names are shared: prefix of the blocks, name of the attention, and its input width."""
    pipelines: tuple[str, ...] = ()
    """Beginnings of the class names of its pipelines in diffusers."""
    ggufs: tuple[str, ...] = ()
    """Names of it in GGUF files."""
    notes: tuple[str, ...] = ()
    """Beginnings of words in metadata that mean it."""

    @property
    def reason(self) -> str:
        """Return what it is, why Palate cannot use it, and what to do; it follows the name."""
        return f", {self.what}, {self.cannot}. {self.advice}"
