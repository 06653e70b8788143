"""Votes of sources in a snapshot: their rows, and where their images are."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from align.contracts.image_references import ImageReference
from align.contracts.snapshot_files import PairRow, PreferenceRow, RankingRow, UndecidedRow
from storage.database import Database
from storage.snapshot.folder_writer import BroughtVotes
from storage.snapshot.image_checks import GONE
from storage.snapshot.snapshot_folder import pseudonym
from storage.sources.settled_sources import file_faults, settled_sources, source_references
from storage.sources.source_records import SourceRow
from storage.sources.stored_sources import chosen_sources
from storage.studio_folder import StudioFolder


class VotesOfSources(BroughtVotes):
    """Votes of a model's sources, of those named or of all that are in use.

    A few dozen bytes for each of their images are in memory, and none of their votes.
    """

    def __init__(
        self, database: Database, folder: StudioFolder, base: str, names: Sequence[str] | None
    ) -> None:
        """Raises UnknownSource."""
        super().__init__()
        self._database, self._folder, self._base = database, folder, base
        self._sources = chosen_sources(database, base, names)
        self.by_source: Counter[str] = Counter()
        """Rows by the name of their source, known once they are written."""
        self.lost_images: dict[str, str] = {}
        """What is wrong with files that are gone or changed, by path."""
        self.lost_votes = 0
        self._lost: set[bytes] = set()

    @property
    def any(self) -> bool:
        """Return whether there are sources to take votes of."""
        return bool(self._sources)

    @property
    def weights(self) -> dict[str, float]:
        """Return the weights of sources that are not 1, by name."""
        return {source.name: source.weight for source in self._sources if source.weight != 1}

    def references(self, own: Iterable[str]) -> Iterator[ImageReference]:
        """Yield where the images are that can be had, each once, and note the others."""
        there = {digest_in(name) for name in own}
        for source in self._sources:
            faults = file_faults(self._folder, source)
            told = {self._folder.shorten(file): why for file, why in faults.items()}
            self.lost_images |= told
            parts = (self._database, self._folder, self._base, [source.name])
            for reference in source_references(*parts):
                digest = digest_in(reference["image"])
                if digest in there:
                    continue
                if self._is_lost(reference, faults):
                    self._lost.add(digest)
                else:
                    there.add(digest)
                    yield reference
        self._lost -= there

    def _is_lost(self, reference: ImageReference, faults: Mapping[Path, str]) -> bool:
        """Return whether no run can read an image, and note a file of its own that is gone."""
        file = Path(reference["file"])
        if reference["row"] is not None:
            return file in faults
        if file.is_file():
            return False
        self.lost_images[self._folder.shorten(file)] = GONE
        return True

    def rows(self) -> Iterator[PairRow]:
        """Yield the rows of the votes whose images can be had, and count them."""
        names = [source.name for source in self._sources]
        for row in settled_sources(self._database, self._base, names):
            if row.kind == "skip":
                self.counts["skip"] += 1
            elif any(digest_in(name) in self._lost for name in row.images):
                self.lost_votes += 1
            else:
                self.counts[row.kind] += 1
                self.by_source[row.source] += 1
                yield row_of(row)


def row_of(vote: SourceRow) -> PairRow:
    """Return the row of pairs.jsonl for a vote of a source."""
    images = [f"images/{name}" for name in vote.images]
    row: PairRow
    if vote.kind == "ranking":
        row = RankingRow(prompt=vote.prompt, kind="ranking", images=images, ranks=list(vote.ranks))
    elif vote.kind == "preference":
        row = PreferenceRow(
            prompt=vote.prompt, kind="preference", chosen=images[0], rejected=images[1]
        )
        if vote.share is not None:
            row["label"] = vote.share
    else:
        row = UndecidedRow(prompt=vote.prompt, kind=vote.kind, images=images)

    if vote.annotator:
        row["annotator"] = pseudonym(vote.annotator)
    if vote.weight != 1:
        row["weight"] = vote.weight
    if vote.strength > 1 and row["kind"] != "ranking":
        row["strength"] = vote.strength
    row["source"] = vote.source
    return row


def digest_in(name: str) -> bytes:
    """Return the digest that an image is named by, in as little memory as it takes."""
    return bytes.fromhex(name.removeprefix("images/")[:64])
