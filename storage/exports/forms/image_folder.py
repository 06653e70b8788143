"""An image folder with metadata.jsonl, which `datasets` opens as prompt, chosen and rejected."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from storage.exports.exported_votes import ExportedVote
from storage.exports.forms.form import check_images, hash_in, time_text
from storage.exports.forms.pair_form import PairForm, kept_besides

METADATA = "metadata.jsonl"


class ImageFolder(PairForm):
    """Images as files, each once, and a line for each pair."""

    title = "Image folder with metadata.jsonl: prompt, chosen, rejected"
    read_by = 'datasets.load_dataset("imagefolder"), which shows both images of a row'
    loses: ClassVar = kept_besides("created")

    def write(self, work: Path, votes: Iterable[ExportedVote]) -> None:
        """Write one line for each pair, and its images."""
        with (work / METADATA).open("w", encoding="utf-8", newline="") as file:
            for pair in self.pairs(votes):
                row = {
                    "prompt": pair.vote.caption,
                    "chosen_file_name": self.put_image(work, pair.chosen),
                    "rejected_file_name": self.put_image(work, pair.rejected),
                    "chosen_model": pair.chosen.model,
                    "rejected_model": pair.rejected.model,
                    "annotator": pair.vote.annotator,
                    "strength": pair.vote.strength,
                    "confidence": pair.share,
                    "created_at": time_text(pair.vote.created),
                    "source": pair.vote.source,
                    "id": pair.key,
                }
                self.written.add(row)
                file.write(json.dumps(row) + "\n")

    def read(self, work: Path) -> Iterator[dict[str, Any]]:
        """Yield the lines; raises BrokenExport if an image is missing or is another."""
        with (work / METADATA).open(encoding="utf-8", newline="") as file:
            for line in file:
                row = json.loads(line)
                for side in ("chosen", "rejected"):
                    hash_in(work, row[f"{side}_file_name"])
                yield row
        check_images(work)
