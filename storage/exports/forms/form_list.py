"""The forms of an export by name."""

from storage.exports.export_errors import UnknownForm
from storage.exports.forms.argilla import Argilla
from storage.exports.forms.caption_folders import CaptionFolders
from storage.exports.forms.form import Form
from storage.exports.forms.image_folder import ImageFolder
from storage.exports.forms.label_studio import LabelStudio
from storage.exports.forms.pair_dataset import PairDataset
from storage.exports.forms.vote_tables import Csv, JsonLines

FORMS: dict[str, type[Form]] = {
    "pairs": PairDataset,
    "imagefolder": ImageFolder,
    "folders": CaptionFolders,
    "jsonl": JsonLines,
    "csv": Csv,
    "label-studio": LabelStudio,
    "argilla": Argilla,
}


PARQUET = "parquet"
"""Palate's own Parquet, from which votes are restored; storage/exports/pickapic/ writes it."""
TITLES = {
    PARQUET: "Palate's own Parquet in Pick-a-Pic's columns, from which votes can be restored",
    **{name: form.title for name, form in FORMS.items()},
}
"""What each form is, by name, in the order in which they are offered."""


OTHER_NAMES = {"pickapic": PARQUET}
"""What else a form may be called."""


def require_form(name: str) -> str:
    """Return the name of a form, by this or another name of it; raises UnknownForm."""
    name = OTHER_NAMES.get(name, name)
    if name not in TITLES:
        raise UnknownForm(f"{name!r} is no form of an export. Choose one of {', '.join(TITLES)}.")
    return name
