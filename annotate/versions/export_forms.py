"""Export formats of a version, and the programs that read each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ExportForm:
    """Export format of a version."""

    read_by: str
    """Programs that load all of it."""
    folder: bool = False
    """Written as a folder rather than as one file."""
    not_by: str = ""
    """Programs that load such a file without an error and find nothing in it."""

    @property
    def programs(self) -> str:
        """The programs that read it, and those that do not although one might expect it."""
        return self.read_by + (f", not for {self.not_by}" if self.not_by else "")


FORMS = {
    "kohya": ExportForm("ComfyUI, A1111, Forge, sd-scripts and diffusers"),
    "diffusers": ExportForm("diffusers alone", not_by="ComfyUI, A1111, Forge or sd-scripts"),
    "dora": ExportForm("a DoRA in ComfyUI and Forge", not_by="A1111, sd-scripts or diffusers"),
    "peft": ExportForm(
        "PEFT", folder=True, not_by="ComfyUI, A1111, Forge, sd-scripts or diffusers"
    ),
    "merged": ExportForm("diffusers, as a whole model", folder=True),
    "checkpoint": ExportForm(
        "ComfyUI, A1111, Forge, sd-scripts and diffusers, as a whole model in one file"
    ),
}


def labels() -> list[tuple[str, str]]:
    """Return the choices of a dropdown: each format with the programs that read it."""
    return [(f"{name}: for {form.programs}", name) for name, form in FORMS.items()]
