"""The forms that a version is exported in, and which programs read each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ExportForm:
    """One form: what is written, and who reads it."""

    read_by: str
    """The programs that load the whole of it."""
    folder: bool = False
    """Whether it is a folder rather than one file."""
    not_by: str = ""
    """Programs that take such files and find nothing in this one."""

    @property
    def programs(self) -> str:
        """Who reads it, and who does not although one might think so."""
        return self.read_by + (f", not for {self.not_by}" if self.not_by else "")


FORMS = {
    "kohya": ExportForm("ComfyUI, A1111, Forge, sd-scripts and diffusers"),
    "diffusers": ExportForm("diffusers alone", not_by="ComfyUI, A1111, Forge or sd-scripts"),
    "dora": ExportForm("a DoRA in ComfyUI and Forge", not_by="A1111, sd-scripts or diffusers"),
    "peft": ExportForm(
        "PEFT", folder=True, not_by="ComfyUI, A1111, Forge, sd-scripts or diffusers"
    ),
    "merged": ExportForm("diffusers, as a whole model", folder=True),
}


def labels() -> list[tuple[str, str]]:
    """Return what a person chooses from: each form beside the programs that read it."""
    return [(f"{name}: for {form.programs}", name) for name, form in FORMS.items()]
