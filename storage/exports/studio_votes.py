"""Current votes and rankings of a studio, as an export takes them.

    with store.exports.votes(ExportChoice()) as votes:
        len(votes)          the number of votes that were asked for
        for vote in votes: ...

All that is read is of one moment: votes that are given meanwhile come in with the next export. A
batch of votes is in memory at a time, with 8 bytes for each of the others. The votes can be read as
often as one likes within the block, and come in the same order.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from storage.database import Cursor, Database
from storage.exports.exported_votes import ExportChoice, ExportedVote
from storage.exports.ranking_rows import rankings_of, wanted_rankings
from storage.exports.source_rows import faults_of_files, source_votes_of, sources_taken
from storage.exports.vote_rows import votes_of, wanted_votes
from storage.snapshot.image_checks import ImageChecks
from storage.studio_folder import StudioFolder


class StudioVotes:
    """The votes of an export, to be read once or several times."""

    def __init__(self, cursor: Cursor, folder: StudioFolder, choice: ExportChoice) -> None:
        self._cursor, self._folder, self._choice = cursor, folder, choice
        self._checks = ImageChecks(folder)
        self._votes = wanted_votes(cursor, choice)
        self._rankings = wanted_rankings(cursor, choice)
        self._sources = sources_taken(cursor, choice)
        self._file_faults = faults_of_files(folder, self._sources)
        self.left_out: Counter[str] = Counter()
        """Votes left out since the reading began, by reason."""

    def __len__(self) -> int:
        """Count the votes and rankings, those with lost images included."""
        return len(self._votes) + len(self._rankings) + self._sources.votes

    def __iter__(self) -> Iterator[ExportedVote]:
        """Yield votes, then rankings, then those of sources, each kind in the order of its rows.

        Those on images that are gone or damaged are left out, and counted.
        """
        self.left_out.clear()
        for vote in self._all():
            if fault := self._fault_of(vote):
                self.left_out[fault] += 1
            else:
                yield vote

    def _fault_of(self, vote: ExportedVote) -> str:
        """Return why the images of a vote cannot be had; "" if they can."""
        for image in vote.images:
            if image.place.row is not None:
                if fault := self._file_faults.get(image.place.file):
                    return f"an image is in a file that is {fault}"
            elif fault := self._checks.fault_of_file(image.place.file, image.sha256):
                return f"an image is {fault}"
        return ""

    def _all(self) -> Iterator[ExportedVote]:
        opened = (self._cursor, self._folder)
        yield from votes_of(*opened, self._votes, self._choice, 0)
        yield from rankings_of(*opened, self._rankings, self._choice, len(self._votes))
        given_here = len(self._votes) + len(self._rankings)
        yield from source_votes_of(*opened, self._sources, self._choice, given_here)


@contextmanager
def studio_votes(
    database: Database, folder: StudioFolder, choice: ExportChoice
) -> Iterator[StudioVotes]:
    """Yield the votes that an export takes; raises BrokenStudio."""
    with database.reading() as cursor:
        yield StudioVotes(cursor, folder, choice)
