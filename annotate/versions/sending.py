"""Send versions to another program: the folder that is set once, and files written into it."""

from collections.abc import Callable
from pathlib import Path

from align.contracts.models import ModelInfo
from align.contracts.rendering import RenderSettings
from annotate.errors import InvalidRequest
from annotate.validation import as_text
from annotate.versions.registry import VersionRegistry
from annotate.views.model_versions import LoraFolder, SentVersion
from storage.store import Store

FOLDER = "lora_folder"
"""Name of the project setting."""
MIN_STRENGTH, MAX_STRENGTH = 0.05, 2.0
MAX_PATH = 4096
"""Characters of a path on Linux, which are more than other systems take."""


class VersionSender:
    """Writes versions where ComfyUI, A1111 or Forge find them."""

    def __init__(
        self,
        store: Store,
        registry: VersionRegistry,
        model: ModelInfo,
        settings: Callable[[], RenderSettings],
    ) -> None:
        """Remember the parts; `settings` tells what images are rendered with now."""
        self._store, self._registry = store, registry
        self._model, self._settings = model, settings

    def folder(self) -> LoraFolder:
        """Return the folder that versions are sent to."""
        return {"folder": str(self._store.project_settings.get(FOLDER, ""))}

    def set_folder(self, folder: str, who: str) -> LoraFolder:
        """Set the folder for everybody, an empty text for none, and return it.

        Raises InvalidRequest, or what the converter raises of a folder that takes no LoRA files.
        """
        named = as_text(folder, "The folder").strip().strip("\"'")
        if "\0" in named or len(named) > MAX_PATH:
            raise InvalidRequest("That is no path of a folder. Copy it from your file manager.")
        found = str(self._registry.converter.lora_folder(Path(named))) if named else ""
        self._store.project_settings.set(FOLDER, found, who)
        return self.folder()

    def send(self, version: str, strength: float = 1.0) -> SentVersion:
        """Write a version into the folder, with a note of what it is used with.

        Args:
            strength: the strength at which it is used here; the file has it at 1.0.

        Raises InvalidRequest, VersionFileMissing, UnknownVersion or what the converter raises.
        """
        known, scale = self._registry.require_tuned(version), as_strength(strength)
        folder = self.folder()["folder"]
        if not folder:
            raise InvalidRequest(
                "Nobody has said yet where versions go. Set the folder of ComfyUI, A1111 or Forge "
                "first."
            )

        name = "-".join(part for part in (self._model.name, version, known.name) if part)
        with self._registry.durations.timed("send"):
            sent = self._registry.converter.send(
                self._registry.source_of(known),
                Path(folder),
                name,
                self._model,
                self._settings(),
                scale,
            )
        return {"version": version, **sent}


def as_strength(strength: object) -> float:
    """Return the strength at which a version is used; raises InvalidRequest."""
    if isinstance(strength, bool) or not isinstance(strength, int | float):
        raise InvalidRequest(f"The strength must be a number, not {strength!r}.")
    # Written so that what is no number is refused, too.
    if not MIN_STRENGTH <= strength <= MAX_STRENGTH:
        raise InvalidRequest(
            f"The strength must be from {MIN_STRENGTH:g} to {MAX_STRENGTH:g}, not {strength:g}."
        )
    return float(strength)
