"""Argilla's records: two images, a prompt, and what was answered, as its `to_dict` writes them."""

import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from storage.exports.exported_votes import TIE, ExportedVote
from storage.exports.forms.form import Form, check_images, hash_in, time_text
from storage.exports.forms.json_list import JsonListWriter, read_list

RECORDS = "records.json"
QUESTION = "preference"
PEOPLE = uuid.UUID("7d0f2c3e-6b1a-5d7e-9a55-3f0a5ac0de27")
"""Namespace of the ids that stand for annotators: Argilla's are UUIDs."""
FIELDS = ("image_1", "image_2")


class Argilla(Form):
    """One record with one response for each vote."""

    title = "Argilla: records with responses"
    read_by = "Argilla 2 (Record.from_dict, Dataset.records.log)"
    loses: ClassVar = {
        "number": "The order of the rows is kept, the numbers of an export are not.",
        "kind": "Skips are left out and counted.",
        "ranks": "Rankings are left out and counted: a record has two images.",
        "weight_reason": "Why its annotator has that weight.",
        "kept": "From which pair an image was kept.",
        "selection": "How its pair was selected.",
        "flagged": "Which pairs were flagged.",
        "excluded_vote": "Which votes are excluded from training.",
        "excluded_annotator": "Whose votes are excluded from training.",
        "details": "What else a source told.",
        "image.uid": "The ids of images: their names are the SHA-256 of their bytes.",
        "image.version": "Which images somebody brought.",
        "image.recipe": "How an image was made, but for its model and version.",
    }

    def write(self, work: Path, votes: Iterable[ExportedVote]) -> None:
        """Write the records and their images."""
        with (
            (work / RECORDS).open("w", encoding="utf-8", newline="") as file,
            JsonListWriter(file) as records,
        ):
            for vote in votes:
                if len(vote.images) != len(FIELDS) or vote.kind == "skip":
                    self.left_out["a skip" if vote.kind == "skip" else "a ranking"] += 1
                    continue
                names = [self.put_image(work, image) for image in vote.images]
                record = record_of(vote, names)
                self.written.add(record)
                records.add(record)

    def read(self, work: Path) -> Iterator[dict[str, Any]]:
        """Yield the records; raises BrokenExport if an image is missing or is another."""
        for record in read_list(work / RECORDS):
            for name in FIELDS:
                hash_in(work, record["fields"][name])
            yield record
        check_images(work)


def record_of(vote: ExportedVote, names: list[str]) -> dict[str, Any]:
    """Return the record of a vote, by the paths of its images."""
    answers = {"left": FIELDS[0], "right": FIELDS[1]}
    answer = answers.get(vote.verdict, vote.verdict)
    return {
        "id": vote.key,
        "fields": {"prompt": vote.prompt, **dict(zip(FIELDS, names, strict=True))},
        "metadata": {name: value for name, value in metadata_of(vote).items() if value is not None},
        "suggestions": {},
        "responses": {QUESTION: [{"value": answer, "user_id": str(user_id(vote.annotator))}]},
        "vectors": {},
    }


def metadata_of(vote: ExportedVote) -> dict[str, Any]:
    """Return what else is known of a vote, in values that Argilla's metadata can hold."""
    uids = [image.uid for image in vote.images]
    return {
        "pair_id": vote.item_id,
        "rendered_prompt": vote.caption,
        **{f"model_{n}": image.model for n, image in enumerate(vote.images, start=1)},
        "annotator": vote.annotator,
        "strength": vote.strength,
        "share": vote.share,
        "reasons": list(vote.reasons),
        "criteria": [
            f"{name}: {TIE if value == TIE else FIELDS[uids.index(value)]}"
            for name, value in vote.criteria
        ],
        "weight": vote.weight,
        "created_at": time_text(vote.created),
        "response_ms": vote.response_ms,
        "source": vote.source,
        "base": vote.base,
        "version": vote.version,
        "asked_as": vote.asked_as,
    }


def user_id(annotator: str) -> uuid.UUID:
    """Return the id that stands for an annotator."""
    return uuid.uuid5(PEOPLE, annotator)
