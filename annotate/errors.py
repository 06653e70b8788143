"""Errors that annotate raises on purpose, all but those that only concern its web layer.

AnnotateError
├── InvalidRequest       an argument that cannot be used: a name, a key, a seed, settings
├── InvalidPrompts       a text or a file of prompts that cannot be used
├── InvalidSchedule      a threshold or a time of day that is none
├── NothingToLearn       no left or right vote yet
├── NotResumable         a run that is done has nothing to go on with
├── SamplerSuspended     the image model is stopped while a run has the memory
├── ReleaseBlocked       a version failed its checks
├── VersionFileMissing   a version's file is no longer where it was
├── BrokenImage          an image file that cannot be read
├── LastGoodVersion      the only version known to help cannot be deleted
├── NotAllowed           what somebody who is signed in may not do
├── SignInRefused        a name and a password that do not fit
├── TooManyAttempts      signing in failed too often
├── WeakPassword         a password that is too short or too easy
├── PortInUse            an address that cannot be listened on
├── InvalidImport        a folder of images that cannot be imported
└── BrokenEvaluation     an evaluation that cannot be read, or a report not be written

Every message says what happened, to which thing, and what to do next.
"""


class AnnotateError(Exception):
    """Base of the errors that annotate raises on purpose."""


class InvalidRequest(AnnotateError):
    """An argument cannot be used."""


class InvalidPrompts(AnnotateError):
    """A text or a file of prompts cannot be used."""


class InvalidSchedule(AnnotateError):
    """A threshold or a time of day for automatic runs cannot be used."""


class NothingToLearn(AnnotateError):
    """There is no left or right vote to learn from yet."""


class NotResumable(AnnotateError):
    """The run is done; there is nothing to go on with."""


class BrokenImage(AnnotateError):
    """An image file is gone or is no image."""


class LastGoodVersion(AnnotateError):
    """No other version is known to help."""


class BrokenEvaluation(AnnotateError):
    """An evaluation cannot be read, or its report not be written."""


class InvalidImport(AnnotateError):
    """A folder holds no images that can be imported."""


class SamplerSuspended(AnnotateError):
    """The image model is stopped while a run has the memory of the device."""


class ReleaseBlocked(AnnotateError):
    """A version failed the checks that come before people see it."""


class VersionFileMissing(AnnotateError):
    """The file of a version is no longer where it was."""


class NotAllowed(AnnotateError):
    """A person who is signed in may not do this, or not in this name."""


class SignInRefused(AnnotateError):
    """The name or the password is wrong; the message does not say which."""


class TooManyAttempts(AnnotateError):
    """Signing in failed too often just now."""


class WeakPassword(AnnotateError):
    """A password is too short or too easy to guess."""


class PortInUse(AnnotateError):
    """An address cannot be listened on, most often because another program does."""
