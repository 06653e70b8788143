"""Exports of a studio: its votes and images in the forms that other programs read."""

import threading
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

from storage.database import Database
from storage.errors import NoVotes
from storage.exports.export_folder import ExportFacts, export_folder, settle_unfinished
from storage.exports.exported_votes import ExportChoice
from storage.exports.forms.form import Form
from storage.exports.forms.form_list import FORMS, PARQUET, require_form
from storage.exports.image_bytes import ImageBytes
from storage.exports.pickapic.pickapic_export import PickapicExport, write_pickapic
from storage.exports.pickapic_columns import FULL, TRAIN
from storage.exports.stopping import Progress, unwatched, watched
from storage.exports.studio_votes import StudioVotes, studio_votes
from storage.studio_folder import StudioFolder
from storage.timestamps import Clock

USUAL = ExportChoice()
WHOLE = f"{FULL}/{TRAIN}"
TESTS = "given in a blind test or on a control pair"


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What an export holds, once it was written and read back."""

    path: Path
    form: str
    rows: int
    left_out: dict[str, int] = field(hash=False)
    """Votes and rankings that are not in it, by reason."""


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

    def write(
        self,
        form: str,
        target: Path,
        choice: ExportChoice = USUAL,
        progress: Progress = unwatched,
        cancelled: threading.Event | None = None,
    ) -> ExportSummary:
        """Write votes in a form, read them back and compare them; `target` is a new folder.

        Votes go on meanwhile. Raises UnknownForm, TargetTaken, NoVotes, ExportStopped, DiskFull,
        BrokenExport or BrokenStudio, and then the target is as it was before.
        """
        form = require_form(form)
        tests: dict[str, int] = {}
        if form == PARQUET:
            tests = self._tests_asked_for(choice)
            choice = with_all_kinds(choice)
        facts: ExportFacts = {"form": form, "created": f"{self._clock().isoformat()}Z"}
        with self.votes(choice) as votes, export_folder(target, self._folder, facts) as work:
            if form == PARQUET:
                export = PickapicExport(votes, progress=progress, cancelled=cancelled)
                whole = write_pickapic(
                    work, target.name, self._database, export, choice.names, choice.bases
                )
                facts["rows"], facts["left_out"] = whole.rows[WHOLE], whole.left_out | tests
            else:
                rows, left_out = write_form(FORMS[form], votes, work, progress, cancelled)
                facts["rows"], facts["left_out"] = rows, dict(left_out)

        return ExportSummary(target, form, facts["rows"], facts["left_out"])

    def _tests_asked_for(self, choice: ExportChoice) -> dict[str, int]:
        """Count the votes that somebody asked for and Palate's own Parquet never takes."""
        if not choice.tests:
            return {}
        with self.votes(choice) as asked, self.votes(replace(choice, tests=False)) as taken:
            number = len(asked) - len(taken)
        return {TESTS: number} if number > 0 else {}


def with_all_kinds(choice: ExportChoice) -> ExportChoice:
    """Return what Palate's own Parquet takes: excluded votes with the fact, and no tests."""
    return replace(choice, excluded=True, tests=False)


def write_form(
    form: type[Form],
    votes: StudioVotes,
    work: Path,
    progress: Progress,
    cancelled: threading.Event | None,
) -> tuple[int, Counter[str]]:
    """Write votes in a form and compare them; return the rows, and the votes left out by reason."""
    # Each vote is written, and its rows are read back.
    steps = 2 * len(votes)
    with ImageBytes() as images:
        written = form(images)
        written.write(work, watched(votes, steps, progress, cancelled))
    left_out = Counter(votes.left_out) + written.left_out
    if not len(written.written):
        raise nothing_to_write(left_out)

    written.compare(watched(written.read(work), steps, progress, cancelled, start=len(votes)))
    return len(written.written), left_out


def nothing_to_write(left_out: Counter[str]) -> NoVotes:
    """Return the error for an export that would be empty."""
    if not left_out:
        return NoVotes("There is no vote to export. Vote on some pairs, or choose others' votes.")
    reasons = ", ".join(f"{why} ({count:,})" for why, count in left_out.most_common())
    return NoVotes(f"No vote can be exported in this form: {reasons}. Choose another form.")
