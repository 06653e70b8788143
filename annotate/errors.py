"""Errors that annotate raises on purpose, all but those that only concern its web layer.

AnnotateError
├── NotFound
│   ├── VersionFileMissing   a version's file is no longer where it was
│   └── DeletedRun           a run whose files somebody deleted
├── InvalidInput
│   ├── InvalidRequest       an argument that cannot be used: a name, a key, a seed, settings
│   ├── InvalidPrompts       a text or a file of prompts that cannot be used
│   ├── InvalidSchedule      a threshold or a time of day that is none
│   ├── InvalidImport        a folder of images that cannot be imported
│   ├── BrokenImage          an image file that cannot be read
│   ├── BrokenEvaluation     an evaluation that cannot be read, or a report not be written
│   ├── WeakPassword         a password that is too short or too easy
│   └── WrongMediaType       a request of a kind that is not read, such as a form in place of JSON
├── Conflict
│   ├── NothingToLearn       no left or right vote yet
│   ├── NotResumable         a run that is done has nothing to go on with, or another one trains
│   ├── NotDeletable         a run under way keeps its files
│   ├── ReleaseBlocked       a version failed its checks
│   ├── LastGoodVersion      the only version known to help cannot be deleted
│   ├── ModelBusy            something works with the model, so that no other can be opened
│   ├── AlreadyPreparing     pairs are being prepared, so that no more can be asked for
│   ├── DataJobBusy          votes are brought in or written already, one job at a time
│   └── PortInUse            an address that cannot be listened on
├── Unavailable
│   ├── SamplerSuspended     the image model is stopped while a run has the memory
│   └── TooManyAttempts      signing in failed too often
├── NotAllowed               what somebody who is signed in may not do
└── SignInRefused            a name and a password that do not fit

The categories are those of `align/contracts/errors.py`. Every message says what happened, to which
thing, and what to do next.
"""

from align.contracts.errors import Conflict, InvalidInput, NotFound, PalateError, Unavailable


class AnnotateError(PalateError):
    """Base of the errors that annotate raises on purpose."""


class VersionFileMissing(AnnotateError, NotFound):
    """The file of a version is no longer where it was."""


class DeletedRun(AnnotateError, NotFound):
    """Somebody deleted the run."""


class InvalidRequest(AnnotateError, InvalidInput):
    """An argument cannot be used."""


class InvalidPrompts(AnnotateError, InvalidInput):
    """A text or a file of prompts cannot be used."""


class InvalidSchedule(AnnotateError, InvalidInput):
    """A threshold or a time of day for automatic runs cannot be used."""


class InvalidImport(AnnotateError, InvalidInput):
    """A folder holds no images that can be imported."""


class BrokenImage(AnnotateError, InvalidInput):
    """An image file is gone or is no image."""


class BrokenEvaluation(AnnotateError, InvalidInput):
    """An evaluation cannot be read, or its report not be written."""


class WeakPassword(AnnotateError, InvalidInput):
    """A password is too short or too easy to guess."""


class WrongMediaType(AnnotateError, InvalidInput):
    """A request is of a kind that is not read there, such as a form in place of JSON."""


class NothingToLearn(AnnotateError, Conflict):
    """There is no left or right vote to learn from yet."""


class NotResumable(AnnotateError, Conflict):
    """The run is done, so that there is nothing to go on with, or another run trains."""


class NotDeletable(AnnotateError, Conflict):
    """The run is under way, and needs its files."""


class ReleaseBlocked(AnnotateError, Conflict):
    """A version failed the checks that come before people see it."""


class LastGoodVersion(AnnotateError, Conflict):
    """No other version is known to help."""


class ModelBusy(AnnotateError, Conflict):
    """Something works with the model, so that no other one can be opened now."""


class AlreadyPreparing(AnnotateError, Conflict):
    """Pairs are being prepared already."""


class DataJobBusy(AnnotateError, Conflict):
    """Votes are being brought in, written or copied already."""


class PortInUse(AnnotateError, Conflict):
    """An address cannot be listened on, most often because another program does."""


class SamplerSuspended(AnnotateError, Unavailable):
    """The image model is stopped while a run has the memory of the device."""


class TooManyAttempts(AnnotateError, Unavailable):
    """Signing in failed too often just now."""


class NotAllowed(AnnotateError):
    """A person who is signed in may not do this, or not in this name."""


class SignInRefused(AnnotateError):
    """The name or the password is wrong; the message does not say which."""
