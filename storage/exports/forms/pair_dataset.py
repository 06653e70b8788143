"""prompt, chosen, rejected: Parquet with the images in it, as `datasets` loads them."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from storage.exports.exported_votes import ExportedVote
from storage.exports.forms.dataset_card import write_card
from storage.exports.forms.pair_form import PairForm, kept_besides
from storage.exports.forms.shards import Shards
from storage.exports.pickapic_columns import Column
from storage.exports.preference_pairs import PreferencePair
from storage.exports.vote_images import VoteImages
from storage.layouts.parquet_files import open_parquet

IMAGE = "STRUCT(bytes BLOB, path VARCHAR)"
"""The shape that `datasets.Image` stores, and decodes as it loads."""
COLUMNS = (
    Column("prompt", "VARCHAR", "the prompt that the images were rendered with"),
    Column("chosen", IMAGE, "the better image"),
    Column("rejected", IMAGE, "the worse image"),
    Column("chosen_model", "VARCHAR", "model and version that rendered the better image"),
    Column("rejected_model", "VARCHAR", "model and version that rendered the worse image"),
    Column("annotator", "VARCHAR", "pseudonym of who voted, or the name where that was asked for"),
    Column("strength", "INTEGER", "2 for a clear preference, else 1"),
    Column("confidence", "DOUBLE", "how likely that image is the better one, where a source says"),
    Column("created_at", "TIMESTAMP", "when it was given, in UTC"),
    Column("source", "VARCHAR", "name of the import that the vote came with; empty for votes here"),
    Column("id", "VARCHAR", "the vote; pairs of one ranking begin alike"),
)
FEATURES = {
    "VARCHAR": "string",
    IMAGE: "image",
    "INTEGER": "int32",
    "DOUBLE": "float64",
    "TIMESTAMP": "timestamp[us]",
}
"""The names that `datasets` has for the types of columns."""


class PairDataset(PairForm):
    """A folder that `load_dataset` opens, and that its own tools can push."""

    title = "prompt, chosen, rejected as Parquet with the images in it"
    read_by = "datasets.load_dataset, TRL and what else reads preference data sets"
    loses: ClassVar = kept_besides("created")

    def write(self, work: Path, votes: Iterable[ExportedVote]) -> None:
        """Write one row for each pair, and the dataset card."""
        with Shards(work / "data", "train", COLUMNS) as shards, VoteImages() as images:
            for pair in self.pairs(votes):
                row = row_of(pair)
                self.written.add(list(row.values()))
                found = images.read(pair.vote)
                contents = [found[image.sha256] for image in (pair.chosen, pair.rejected)]
                row["chosen"], row["rejected"] = (
                    {"bytes": content, "path": row[side]}
                    for side, content in zip(("chosen", "rejected"), contents, strict=True)
                )
                shards.add(list(row.values()), sum(map(len, contents)))
            shards.finish()
        write_card(work, COLUMNS, FEATURES, len(self.written))

    def read(self, work: Path) -> Iterator[list[Any]]:
        """Yield the rows, with the names that the bytes of the images should have."""
        for path in sorted((work / "data").glob("*.parquet")):
            with open_parquet([path]) as files:
                for batch in files.batches(0, [column.name for column in COLUMNS]):
                    for _, *row in batch:
                        yield [name_of(value) for value in row]


def row_of(pair: PreferencePair) -> dict[str, Any]:
    """Return the row of a pair by column, with the images' names in place of the images."""
    vote, chosen, rejected = pair.vote, pair.chosen, pair.rejected
    return {
        "prompt": vote.caption,
        "chosen": chosen.name,
        "rejected": rejected.name,
        "chosen_model": chosen.model,
        "rejected_model": rejected.model,
        "annotator": vote.annotator,
        "strength": vote.strength,
        "confidence": pair.share,
        "created_at": vote.created,
        "source": vote.source,
        "id": pair.key,
    }


def name_of(value: Any) -> Any:
    """Return the name that an image's bytes should have; other values as they are."""
    if not isinstance(value, dict):
        return value
    suffix = Path(value["path"]).suffix
    return f"{hashlib.sha256(value['bytes']).hexdigest()}{suffix}"
