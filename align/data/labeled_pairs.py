"""Labeled pairs: votes that a program holds, or a folder of images, on their way to a snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from align.contracts.evaluation_files import GRID
from align.contracts.snapshot_files import PairKind
from align.data.image_files import SUFFIXES, caption_of, looks_like_image
from align.errors import SnapshotError

CHOSEN, REJECTED = "chosen", "rejected"


@dataclass(frozen=True, slots=True)
class LabeledPair:
    """One vote on two images of a prompt."""

    prompt: str
    chosen: Path | str | Image.Image
    """The better image, as a file or in memory; with a `kind` that prefers neither, the first."""
    rejected: Path | str | Image.Image
    """The other image."""
    kind: PairKind = "preference"
    """preference, tie, both_good, both_bad or skip. Most objectives learn from preferences alone;
    `kto` learns from both_good and both_bad as well; a tie lowers the share of votes of a
    preference on the same two images."""
    strength: int = 1
    """2 for a clear preference, which counts as two votes in that share; else 1."""
    weight: float = 1.0
    """Weight of the annotator, above 0 and up to 1: scales the loss of the pair."""


def read_pair_folder(folder: Path | str, prompt: str = "") -> list[LabeledPair]:
    """Read preferences from two folders of images: `chosen/NAME.png` beats `rejected/NAME.png`.

    Images are PNG, JPEG or WebP; the suffixes of a pair may differ. The prompt of a pair is
    `NAME.txt` beside the chosen or the rejected image or in `folder`, or else `prompt`.

    Args:
        folder: the folder that holds `chosen` and `rejected`.
        prompt: the prompt of pairs without a text file.

    Returns:
        One pair for each name, by name.

    Raises:
        SnapshotError: there are no images, one has no partner, or a pair has no prompt that can be
            read.
    """
    folder = Path(folder)
    chosen, rejected = _images(folder / CHOSEN), _images(folder / REJECTED)
    missing = [side for side in (CHOSEN, REJECTED) if not (folder / side).is_dir()]
    if len(missing) == 1:
        raise SnapshotError(
            f"{folder} has no folder {missing[0]}/. Put the {missing[0]} image of each pair there, "
            "under the same name as the other."
        )
    if alone := sorted(chosen.keys() ^ rejected.keys()):
        raise SnapshotError(
            f"{_images_have(len(alone))} no partner in {folder}, such as {alone[0]!r}. Give both "
            f"images of a pair the same name in {CHOSEN}/ and in {REJECTED}/."
        )
    if not chosen:
        raise SnapshotError(
            f"{folder} holds no pairs. Put the better images into {folder / CHOSEN}, and the "
            f"others under the same names into {folder / REJECTED} ({', '.join(SUFFIXES)})."
        )

    pairs = []
    for name in sorted(chosen):
        images = (chosen[name], rejected[name], folder / chosen[name].name)
        if not (caption := next(filter(None, map(caption_of, images)), prompt)):
            text = chosen[name].with_suffix(".txt")
            raise SnapshotError(f"The pair {name!r} has no prompt. Write it into {text}.")
        pairs.append(LabeledPair(caption, chosen[name], rejected[name]))
    return pairs


def _images_have(count: int) -> str:
    return "1 image has" if count == 1 else f"{count} images have"


def _images(folder: Path) -> dict[str, Path]:
    """Return the images of a folder by their names without suffix; a contact sheet is none."""
    if not folder.is_dir():
        return {}

    images: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if looks_like_image(path) and path.name != GRID:
            if path.stem in images:
                raise SnapshotError(f"{path} and {images[path.stem].name} have one name. Keep one.")
            images[path.stem] = path
    return images
