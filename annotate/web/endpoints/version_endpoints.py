"""The endpoints about versions: what there is, which one renders, and where they go."""

from annotate.service.studio import Studio
from annotate.views.model_versions import ExportedVersion, ListedVersion, LoraFolder, SentVersion


class VersionEndpoints:
    """Endpoints as methods: what their names, parameters and docstrings say is public."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def versions(self) -> list[ListedVersion]:
        """Return every version of the model, oldest first; the first is the untuned "base"."""
        return self._studio.versions()

    def activate(self, version: str, force: bool = False) -> list[ListedVersion]:
        """Render new pairs with this version, with `force` also one that is held back."""
        return self._studio.activate(version, force=force)

    def rename_version(self, version: str, name: str) -> list[ListedVersion]:
        """Give a version a name to show beside its own, an empty one for none."""
        self._studio.registry.rename(version, name)
        return self._studio.versions()

    def note_version(self, version: str, note: str) -> list[ListedVersion]:
        """Write a note on a version, an empty one for none."""
        self._studio.registry.note(version, note)
        return self._studio.versions()

    def delete_version(self, version: str) -> list[ListedVersion]:
        """Delete a version's files for good; its row stays, so that votes stay explainable."""
        self._studio.registry.delete(version)
        return self._studio.versions()

    def export_version(self, version: str, form: str) -> ExportedVersion:
        """Write a version: form is kohya, diffusers, dora, peft, merged or checkpoint."""
        return self._studio.registry.export(version, form)

    def lora_folder(self) -> LoraFolder:
        """Return the LoRA folder of another program that versions are sent to."""
        return self._studio.sender.folder()

    def change_lora_folder(self, folder: str, who: str = "me") -> LoraFolder:
        """Set where versions are sent: a LoRA folder, or that of ComfyUI, A1111 or Forge."""
        return self._studio.sender.set_folder(folder, who)

    def send_version(self, version: str, strength: float = 1.0) -> SentVersion:
        """Write a version into the LoRA folder, right at strength 1.0, with notes beside it."""
        return self._studio.sender.send(version, strength)
