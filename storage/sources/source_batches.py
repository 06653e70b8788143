"""Batches: the rows of a source on their way into the studio, some thousand at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from storage.database import Cursor, Database
from storage.layouts.foreign_votes import ForeignVote, RowLeftOut
from storage.sources.image_intake import ImageIntake, NewImage
from storage.sources.source_files import write_image
from storage.sources.source_records import SourceCounts
from storage.sources.source_rows import VoteRow, fault_of, insert_images, insert_votes, vote_row
from storage.studio_folder import StudioFolder

BATCH_ROWS = 500
"""Votes of one transaction: some 10 ms, for which whoever votes meanwhile waits."""
BATCH_BYTES = 32_000_000
"""Bytes of image files that are held until their batch is written."""


class Batches:
    """Takes the votes of one source and writes them in transactions of their own."""

    def __init__(
        self, database: Database, folder: StudioFolder, source_id: int, files: Sequence[Path]
    ) -> None:
        """Take votes of files, whose images may be cells of them."""
        self._database, self._folder, self._source_id = database, folder, source_id
        places = {path: index for index, path in enumerate(files)}
        places |= {path.resolve(): index for index, path in enumerate(files)}
        self._intake = ImageIntake(places)
        self._rows: list[VoteRow] = []
        self.votes: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.seen = 0
        """Votes, and rows that gave none."""

    def take(self, item: ForeignVote | RowLeftOut) -> None:
        """Take a vote, or count a row that gives none."""
        self.seen += 1
        reason = item.reason if isinstance(item, RowLeftOut) else self._vote(item)
        if reason is not None:
            self.left_out[reason] += 1
        if len(self._rows) >= BATCH_ROWS or self._intake.held_bytes >= BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what was taken since the last time."""
        rows, self._rows = self._rows, []
        images = self._intake.taken()
        if any(image.content is not None for image in images):
            # The rows first, so that no file is written that nothing knows of.
            self._database.write(lambda cursor: insert_images(cursor, self._source_id, images))
            self._write_files(images)
            images = []

        def insert(cursor: Cursor) -> None:
            insert_images(cursor, self._source_id, images)
            insert_votes(cursor, self._source_id, rows)

        if rows or images:
            self._database.write(insert)

    def counts(self) -> SourceCounts:
        """Return the counts of all votes so far."""
        return {
            "votes": dict(self.votes),
            "images": self._intake.count,
            "left_out": dict(self.left_out.most_common()),
            "double": {},
        }

    def _write_files(self, images: Sequence[NewImage]) -> None:
        for image in images:
            if image.content is not None:
                name = image.sha256 + image.header.suffix
                write_image(self._folder.image_file(name), image.content)

    def _vote(self, vote: ForeignVote) -> str | None:
        """Take a vote, or return why it is left out."""
        if reason := fault_of(vote):
            return reason

        found = self._intake.look_at_all(vote.images)
        if isinstance(found, str):
            return found

        # Numbered only now: an image of a vote that is left out is not kept.
        numbers = [self._intake.number(each) for each in found]
        self._rows.append(vote_row(vote, numbers, [each.digest for each in found]))
        self.votes[vote.kind] += 1
        return None
