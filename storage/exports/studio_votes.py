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
        self.left_out: Counter[str] = Counter()
        """Votes left out since the reading began, by reason."""

    def __len__(self) -> int:
        """Count the votes and rankings, those with lost images included."""
        return len(self._votes) + len(self._rankings)

    def __iter__(self) -> Iterator[ExportedVote]:
        """Yield the votes, then the rankings, each kind in the order in which it was given.

        Those on images that are gone or damaged are left out, and counted.
        """
        self.left_out.clear()
        for vote in self._all():
            faults = self._checks.faults(image.sha256 for image in vote.images)
            if faults:
                self.left_out[f"an image is {next(iter(faults.values()))}"] += 1
            else:
                yield vote

    def _all(self) -> Iterator[ExportedVote]:
        opened = (self._cursor, self._folder)
        yield from votes_of(*opened, self._votes, self._choice, 0)
        yield from rankings_of(*opened, self._rankings, self._choice, len(self._votes))


@contextmanager
def studio_votes(
    database: Database, folder: StudioFolder, choice: ExportChoice
) -> Iterator[StudioVotes]:
    """Yield the votes that an export takes; raises BrokenStudio."""
    with database.reading() as cursor:
        yield StudioVotes(cursor, folder, choice)
