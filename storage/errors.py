"""Errors of the storage package.

StorageError
├── StudioInUse        another app holds this studio folder
├── StudioNewer        the folder was written by a newer Palate (or a newer DuckDB)
├── BrokenStudio       the folder cannot be read, or a file it needs is gone
│   ├── DamagedDatabase   the database cannot be read, or not to its end
│   └── MissingDatabase   the database is gone from a studio that had one
├── NoCopy             a copy of the database could not be made
│   └── DamagedSource     the database itself is damaged
├── DiskFull           a write failed; nothing of it was recorded
├── UnknownImage       no image has this id
├── UnknownPair        no pair has this id
├── UnknownSnapshot    no snapshot has this id
├── UnknownRun         no run has this id
├── UnknownVersion     the model has no version of this name
├── VersionNeeded      a version that something needs cannot be deleted
├── InvalidLabel       a version's name or note cannot be used
├── InvalidExclusion   an exclusion without a reason, or of nothing
├── UnknownKind        no kind of file is cleaned up by this name
├── AlreadyVoted       this annotator has a current vote on this pair
├── NothingToUndo      this annotator has no current vote
├── UnknownVote        this annotator has no vote under this key
├── InvalidAnnotation  a strength, reason or criterion that cannot be
├── UnknownFlag        no flag has this id
├── InvalidFlag        a note or a decision that cannot be
├── UnknownQuad        no four images have this id
├── InvalidRanking     not a best and another one as the worst
├── NoLabelingSession  this annotator has no session under way
├── InvalidGoal        a goal that no session can have
├── NoVotes            no settled left or right vote to write a snapshot from
├── InvalidPrompt      empty, too long, or with control characters
├── InvalidVerdict     not one of the six verdicts
├── InvalidAnnotator   empty, too long, or with control characters
├── InvalidKey         empty, too long, or used before for another kind of act
├── InvalidState       not one of the six states of a run
├── InvalidPerson      a name that nobody can have
├── PersonKnown        somebody has this name already
├── UnknownPerson      nobody has this name
├── StaleLink          a link to choose a password was used or has expired
└── LastAdmin          nobody else could let people in

Every message says what happened, to which thing, and what to do next.
"""


class StorageError(Exception):
    """Base of the errors of the storage package."""


class StudioInUse(StorageError):
    """Another app holds this studio folder."""


class StudioNewer(StorageError):
    """The studio folder was written by a newer Palate or a newer DuckDB."""


class BrokenStudio(StorageError):
    """The studio folder cannot be read, or a file it needs is gone."""


class DamagedDatabase(BrokenStudio):
    """The database cannot be read, or not to its end."""


class MissingDatabase(BrokenStudio):
    """The database is gone from a studio that had one."""


class NoCopy(StorageError):
    """A copy of the database could not be made, or there is none to put back."""


class DamagedSource(NoCopy):
    """There is no copy because the database itself is damaged."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"The database is damaged: a copy of it cannot be read. {problem}. "
            "Stop Palate and start it again with --restore."
        )
        self.problem = problem


class DiskFull(StorageError):
    """A write failed and nothing of it was recorded; the store stays usable."""


class UnknownImage(StorageError):
    """No image has this id."""


class UnknownPair(StorageError):
    """No pair has this id."""


class UnknownSnapshot(StorageError):
    """No snapshot has this id."""


class UnknownRun(StorageError):
    """No run has this id."""


class UnknownVersion(StorageError):
    """The model has no version of this name."""


class UnknownTrial(StorageError):
    """No blind test has this id."""


class InvalidTrial(StorageError):
    """A blind test without two different versions, a question or a prompt."""


class VersionNeeded(StorageError):
    """The version is the base, is active, or something starts from it."""


class InvalidLabel(StorageError):
    """A name or note is too long, holds control characters, or is another version's."""


class InvalidExclusion(StorageError):
    """An exclusion has no reason, or there is nothing that it could leave out."""


class UnknownKind(StorageError):
    """No kind of file that may be cleaned up has this name."""


class AlreadyVoted(StorageError):
    """This annotator has a current vote on this pair under another key."""


class NothingToUndo(StorageError):
    """This annotator has no current vote."""


class NoVotes(StorageError):
    """There is no settled left or right vote to write a snapshot from."""


class InvalidPrompt(StorageError):
    """A prompt is empty, too long, or holds control characters."""


class InvalidVerdict(StorageError):
    """The verdict is not one of left, right, tie, both_good, both_bad, skip."""


class InvalidAnnotator(StorageError):
    """An annotator's name is empty, too long, or holds control characters."""


class InvalidKey(StorageError):
    """An idempotency key is empty, too long, or was used before for another kind of act."""


class InvalidState(StorageError):
    """The state is not one of queued, running, done, failed, cancelled, interrupted."""


class InvalidPerson(StorageError):
    """A person's name is empty, too long, or not plain text."""


class PersonKnown(StorageError):
    """Somebody has this name already, perhaps capitalized otherwise."""


class UnknownPerson(StorageError):
    """No person has this name."""


class StaleLink(StorageError):
    """A link to choose a password was used or has expired."""


class LastAdmin(StorageError):
    """The only admin who can sign in would be locked out."""


class UnknownVote(StorageError):
    """This annotator has no vote under this key."""


class InvalidAnnotation(StorageError):
    """The strength, reason or criterion of a vote cannot be used."""


class UnknownFlag(StorageError):
    """No flag has this id."""


class InvalidFlag(StorageError):
    """The note of a flag, or the decision on it, cannot be used."""


class UnknownQuad(StorageError):
    """No four images have this id."""


class InvalidRanking(StorageError):
    """A ranking without a best and another one as the worst."""


class NoLabelingSession(StorageError):
    """This annotator has no session under way."""


class InvalidGoal(StorageError):
    """A goal of a session is no vote, or too many."""
