"""Errors of the storage package.

StorageError
├── NotFound
│   ├── UnknownPrompt        no prompt has this id
│   ├── UnknownImage         no image has this id
│   ├── UnknownPair          no pair has this id
│   ├── UnknownQuad          no four images have this id
│   ├── UnknownVote          this annotator has no vote under this key
│   ├── UnknownFlag          no flag has this id
│   ├── UnknownTrial         no blind test has this id
│   ├── UnknownSnapshot      no snapshot has this id
│   ├── UnknownRun           no run has this id
│   ├── UnknownVersion       the model has no version of this name
│   ├── UnknownPerson        nobody has this name
│   ├── UnknownSource        no source has this name
│   ├── UnknownModel         a studio has no model of this name
│   ├── UnknownKind          no kind of file is cleaned up by this name
│   └── StaleLink            a link to choose a password was used or has expired
├── InvalidInput
│   ├── InvalidPrompt        empty, too long, or with control characters
│   ├── InvalidVerdict       not one of the six verdicts
│   ├── InvalidRanking       not a best and another one as the worst
│   ├── InvalidAnnotation    a strength, reason or criterion that cannot be
│   ├── InvalidFlag          a note or a decision that cannot be
│   ├── InvalidAnnotator     empty, too long, or with control characters
│   ├── InvalidKey           empty, too long, or used before for another kind of act
│   ├── InvalidGoal          a goal that no session can have
│   ├── InvalidTrial         a blind test without two versions, a question or a prompt
│   ├── InvalidState         not one of the six states of a run
│   ├── InvalidLabel         a version's name or note cannot be used
│   ├── InvalidExclusion     an exclusion without a reason, or of nothing
│   ├── InvalidPerson        a name that nobody can have
│   ├── UnreadableData       a file of data that cannot be read, or a mapping that does not fit it
│   ├── InvalidSource        a name or a weight that no source can have
│   ├── NothingInFiles       files without a vote that can be used
│   └── InvalidTarget        a folder that a backup cannot be written to or restored to
├── Conflict
│   ├── AlreadyVoted         this annotator has a current vote on this pair
│   ├── NothingToUndo        this annotator has no current vote
│   ├── BlindTestOver        a vote of a blind test that has ended cannot be changed
│   ├── NoLabelingSession    this annotator has no session under way
│   ├── NoVotes              no settled left or right vote to write a snapshot from
│   ├── VersionNeeded        a version that something needs cannot be deleted
│   ├── PersonKnown          somebody has this name already
│   ├── LastAdmin            nobody else could let people in
│   ├── SourceKnown          these files came in before, or another source has this name
│   ├── SourceInUse          a run that has not ended needs the images of the source
│   ├── ImportStopped        somebody stopped an import; nothing of it is left
│   ├── FolderTaken          a studio cannot be restored where something is already
│   ├── OtherModel           a studio of another model cannot be merged in
│   ├── CopyingStopped       somebody stopped a backup, a restore or a merge
│   ├── StudioInUse          another app holds this studio folder
│   └── StudioNewer          the folder was written by a newer Palate (or a newer DuckDB)
└── Unavailable
    ├── DiskFull             a write failed; nothing of it was recorded
    ├── BrokenStudio         the folder cannot be read, or a file it needs is gone
    │   ├── DamagedDatabase  the database cannot be read, or not to its end
    │   └── MissingDatabase  the database is gone from a studio that had one
    ├── DamagedBackup        a backup cannot be read, or files of it cannot
    └── NoCopy               a copy of the database could not be made
        └── DamagedSource    the database itself is damaged

The categories are those of `align/contracts/errors.py`. Every message says what happened, to which
thing, and what to do next.
"""

from align.contracts.errors import Conflict, InvalidInput, NotFound, PalateError, Unavailable


class StorageError(PalateError):
    """Base of the errors of the storage package."""


class UnknownImage(StorageError, NotFound):
    """No image has this id."""


class UnknownPair(StorageError, NotFound):
    """No pair has this id."""


class UnknownQuad(StorageError, NotFound):
    """No four images have this id."""


class UnknownVote(StorageError, NotFound):
    """This annotator has no vote under this key."""


class UnknownFlag(StorageError, NotFound):
    """No flag has this id."""


class UnknownTrial(StorageError, NotFound):
    """No blind test has this id."""


class UnknownSnapshot(StorageError, NotFound):
    """No snapshot has this id."""


class UnknownRun(StorageError, NotFound):
    """No run has this id."""


class UnknownVersion(StorageError, NotFound):
    """The model has no version of this name."""


class UnknownPerson(StorageError, NotFound):
    """No person has this name."""


class UnknownKind(StorageError, NotFound):
    """No kind of file that may be cleaned up has this name."""


class UnknownSource(StorageError, NotFound):
    """No source of votes has this name."""


class UnknownModel(StorageError, NotFound):
    """A studio has no model of this name, or several and none was named."""


class StaleLink(StorageError, NotFound):
    """A link to choose a password was used or has expired."""


class InvalidPrompt(StorageError, InvalidInput):
    """A prompt is empty, too long, or holds control characters."""


class UnknownPrompt(StorageError, NotFound):
    """No prompt has this number."""


class InvalidVerdict(StorageError, InvalidInput):
    """The verdict is not one of left, right, tie, both_good, both_bad, skip."""


class InvalidRanking(StorageError, InvalidInput):
    """A ranking without a best and another one as the worst."""


class InvalidAnnotation(StorageError, InvalidInput):
    """The strength, reason or criterion of a vote cannot be used."""


class InvalidFlag(StorageError, InvalidInput):
    """The note of a flag, or the decision on it, cannot be used."""


class InvalidAnnotator(StorageError, InvalidInput):
    """An annotator's name is empty, too long, or holds control characters."""


class InvalidKey(StorageError, InvalidInput):
    """An idempotency key is empty, too long, or was used before for another kind of act."""


class InvalidGoal(StorageError, InvalidInput):
    """A goal of a session is no vote, or too many."""


class InvalidTrial(StorageError, InvalidInput):
    """A blind test without two different versions, a question or a prompt."""


class InvalidState(StorageError, InvalidInput):
    """The state is not one of queued, running, done, failed, cancelled, interrupted."""


class InvalidLabel(StorageError, InvalidInput):
    """A name or note is too long, holds control characters, or is another version's."""


class InvalidExclusion(StorageError, InvalidInput):
    """An exclusion has no reason, or there is nothing that it could leave out."""


class InvalidPerson(StorageError, InvalidInput):
    """A person's name is empty, too long, or not plain text."""


class UnreadableData(StorageError, InvalidInput):
    """A file of data cannot be read as what it claims to be, or not by this mapping of columns."""


class InvalidSource(StorageError, InvalidInput):
    """A source's name is empty, too long or not plain text, or its weight is not above 0 to 1."""


class NothingInFiles(StorageError, InvalidInput):
    """No row of the files gives a vote that can be used."""


class InvalidTarget(StorageError, InvalidInput):
    """A folder that a backup cannot be written to or restored to."""


class FolderTaken(StorageError, Conflict):
    """A studio cannot be restored into a folder that has something in it."""


class OtherModel(StorageError, Conflict):
    """A studio of another model cannot be merged in."""


class CopyingStopped(StorageError, Conflict):
    """Somebody stopped a backup, a restore or a merge; nothing of it is left."""


class AlreadyVoted(StorageError, Conflict):
    """This annotator has a current vote on this pair under another key."""


class NothingToUndo(StorageError, Conflict):
    """This annotator has no current vote."""


class BlindTestOver(StorageError, Conflict):
    """The blind test of this vote has ended."""


class NoLabelingSession(StorageError, Conflict):
    """This annotator has no session under way."""


class NoVotes(StorageError, Conflict):
    """There is no settled left or right vote to write a snapshot from."""


class VersionNeeded(StorageError, Conflict):
    """The version is the base, is active, or something starts from it."""


class PersonKnown(StorageError, Conflict):
    """Somebody has this name already, perhaps capitalized otherwise."""


class LastAdmin(StorageError, Conflict):
    """The only admin who can sign in would be locked out."""


class SourceKnown(StorageError, Conflict):
    """All these files came in before, or another source has this name."""


class SourceInUse(StorageError, Conflict):
    """A run that has not ended reads images in files of this source."""


class ImportStopped(StorageError, Conflict):
    """An import was stopped, and nothing of it is left."""


class StudioInUse(StorageError, Conflict):
    """Another app holds this studio folder."""


class StudioNewer(StorageError, Conflict):
    """The studio folder was written by a newer Palate or a newer DuckDB."""


class DiskFull(StorageError, Unavailable):
    """A write failed and nothing of it was recorded; the store stays usable."""


class BrokenStudio(StorageError, Unavailable):
    """The studio folder cannot be read, or a file it needs is gone."""


class DamagedDatabase(BrokenStudio):
    """The database cannot be read, or not to its end."""


class MissingDatabase(BrokenStudio):
    """The database is gone from a studio that had one."""


class DamagedBackup(StorageError, Unavailable):
    """A backup cannot be read, or files of it cannot."""


class NoCopy(StorageError, Unavailable):
    """A copy of the database could not be made, or there is none to put back."""


class DamagedSource(NoCopy):
    """There is no copy because the database itself is damaged."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"The database is damaged: a copy of it cannot be read. {problem}. "
            "Stop Palate and start it again with --restore."
        )
        self.problem = problem
