"""The layouts that are known: what they are called, and the roles that their columns have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Form: TypeAlias = Literal[
    "labels", "shares", "chosen", "rankings", "ranked_rows", "answers", "folders", "own"
]
"""The way in which rows say what is better: several layouts share one."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a column says."""

    name: str
    title: str
    """In words that go into a sentence."""
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """A layout that others publish or write."""

    name: str
    title: str
    form: Form

    @property
    def roles(self) -> tuple[Role, ...]:
        """What its columns may say."""
        return ROLES[self.form]


PROMPT = Role("prompt", "the prompt", True)
WHO_AND_WHEN = (
    Role("annotator", "who chose"),
    Role("given", "when it was chosen"),
)
BOTH = (
    Role("image_0", "the first image", True),
    Role("image_1", "the second image", True),
)
LABELS = (
    PROMPT,
    *BOTH,
    Role("label_0", "how much the first image was preferred", True),
    Role("label_1", "how much the second image was preferred"),
    Role("has_label", "whether somebody chose"),
    *WHO_AND_WHEN,
)
MOST_IMAGES = 8
"""Images of a row that an answer may order."""
ROLES: dict[Form, tuple[Role, ...]] = {
    "labels": LABELS,
    "shares": LABELS,
    "chosen": (
        PROMPT,
        Role("chosen", "the better image", True),
        Role("rejected", "the other image", True),
        Role("votes", "the votes for each of the two"),
        Role("confidence", "how sure the choice is, from 0.5 to 1"),
        *WHO_AND_WHEN,
    ),
    "rankings": (
        PROMPT,
        Role("images", "the list of images", True),
        Role("ranks", "the list of ranks, the lowest for the best"),
        Role("people", "the list of rankings of single people"),
        *WHO_AND_WHEN,
    ),
    "ranked_rows": (
        PROMPT,
        Role("group", "what the images of one ranking share", True),
        Role("image", "the image", True),
        Role("rank", "its rank, the lowest for the best", True),
        *WHO_AND_WHEN,
    ),
    "answers": (
        PROMPT,
        *BOTH,
        *(Role(f"image_{n}", f"image {n + 1} of a ranking") for n in range(2, MOST_IMAGES)),
        Role("answer", "the answer, or the answers of several people", True),
        Role("statuses", "which answers were submitted"),
        *WHO_AND_WHEN,
    ),
    "folders": (Role("prompt", "the prompt of images without a text file"),),
    "own": (),
}
KNOWN = (
    Layout("palate", "Palate's own Parquet", "own"),
    Layout("pickapic", "Pick-a-Pic", "labels"),
    Layout("hpd2", "HPDv2, pairs", "labels"),
    Layout("hpd2_ranks", "HPDv2, rankings", "rankings"),
    Layout("hpd3", "HPDv3", "chosen"),
    Layout("rapidata", "Rapidata", "shares"),
    Layout("imagereward", "ImageReward", "rankings"),
    Layout("imagereward_rows", "ImageReward, an image in each row", "ranked_rows"),
    Layout("label_studio", "Label Studio", "answers"),
    Layout("argilla", "Argilla", "answers"),
    Layout("imagefolder", "Image folder with a metadata file", "chosen"),
    Layout("chosen_rejected", "Prompt, chosen and rejected", "chosen"),
    Layout("labels", "Two images with a label for each", "labels"),
    Layout("answers", "Two images and an answer", "answers"),
    Layout("folders", "Folders of better and of worse images", "folders"),
)
LAYOUTS = {layout.name: layout for layout in KNOWN}
"""By name, those with the clearest signs first."""
