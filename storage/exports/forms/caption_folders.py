"""Folders of better and of worse images, each with its prompt in a text file of the same name."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

from storage.exports.exported_votes import ExportedVote
from storage.exports.forms.form import digest_of
from storage.exports.forms.pair_form import PairForm, lost_besides
from storage.exports.vote_images import VoteImages

CHOSEN, REJECTED = "chosen", "rejected"
BREAKS = re.compile(r"(?: *[\r\n\v\f\x1c-\x1e\x85\u2028\u2029])+ *")
"""Ends of lines, as Python and others split them: trainers take each line for a caption of its own,
or read the first one only."""
DIGITS = 6


class CaptionFolders(PairForm):
    """chosen/000001.png and .txt, rejected/000001.png and .txt: pairs by their numbers."""

    title = "Folders of better and worse images with captions"
    read_by = "OneTrainer, SimpleTuner, kohya's sd-scripts"
    loses: ClassVar = lost_besides(
        key="The ids of votes; numbers stand in their place.",
        annotator="Who gave it.",
        strength="How clear it was.",
        share="How likely the better image is the better one.",
        source="Which source it came from.",
        **{"image.recipe": "How an image was made, and by which model."},
    )

    def write(self, work: Path, votes: Iterable[ExportedVote]) -> None:
        """Write both images and both captions of each pair."""
        for side in (CHOSEN, REJECTED):
            (work / side).mkdir()
        with VoteImages() as images:
            for number, pair in enumerate(self.pairs(votes), start=1):
                caption, stem = one_line(pair.vote.caption), f"{number:0{DIGITS}d}"
                found = images.read(pair.vote)
                sides = ((CHOSEN, pair.chosen), (REJECTED, pair.rejected))
                for side, image in sides:
                    path = work / side / f"{stem}{image.suffix}"
                    path.write_bytes(found[image.sha256])
                    path.with_suffix(".txt").write_text(caption, encoding="utf-8", newline="")
                self.written.add([caption, pair.chosen.sha256, pair.rejected.sha256])

    def read(self, work: Path) -> Iterator[list[str]]:
        """Yield the caption and the hashes of both images of each pair."""
        images = [
            sorted(path for path in (work / side).iterdir() if path.suffix != ".txt")
            for side in (CHOSEN, REJECTED)
        ]
        for chosen, rejected in zip(*images, strict=False):
            texts = {
                path.with_suffix(".txt").read_text(encoding="utf-8") for path in (chosen, rejected)
            }
            yield [" != ".join(sorted(texts)), digest_of(chosen), digest_of(rejected)]


def one_line(text: str) -> str:
    """Return a prompt with spaces in place of line breaks."""
    return BREAKS.sub(" ", text).strip()
