"""Exports of a studio: its votes and images in the forms that other programs read."""

from contextlib import AbstractContextManager

from storage.database import Database
from storage.exports.export_folder import settle_unfinished
from storage.exports.exported_votes import ExportChoice
from storage.exports.studio_votes import StudioVotes, studio_votes
from storage.studio_folder import StudioFolder
from storage.timestamps import Clock


class Exports:
    """All exports of a studio; safe to share between threads.

    Made once, when the studio is opened: what a kill left of an export goes then.
    """

    def __init__(self, database: Database, folder: StudioFolder, clock: Clock) -> None:
        self._database, self._folder, self._clock = database, folder, clock
        settle_unfinished(folder.exports)

    def votes(self, choice: ExportChoice) -> AbstractContextManager[StudioVotes]:
        """Give the votes that an export takes, as they are at one moment."""
        return studio_votes(self._database, self._folder, choice)
