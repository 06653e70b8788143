"""Errors as labelers may see them: only sentences about what they sent themselves."""

from collections.abc import Iterator
from contextlib import contextmanager

from align.contracts.errors import PalateError
from annotate.errors import InvalidRequest
from storage.errors import (
    AlreadyVoted,
    BlindTestOver,
    DiskFull,
    InvalidAnnotation,
    InvalidAnnotator,
    InvalidFlag,
    InvalidGoal,
    InvalidKey,
    InvalidPrompt,
    InvalidRanking,
    InvalidVerdict,
    NoLabelingSession,
    NothingToUndo,
    UnknownPair,
    UnknownQuad,
    UnknownVote,
)

SHOWABLE_ERRORS = (
    AlreadyVoted,
    BlindTestOver,
    InvalidAnnotator,
    InvalidGoal,
    InvalidKey,
    InvalidRanking,
    InvalidAnnotation,
    InvalidFlag,
    InvalidPrompt,
    InvalidRequest,
    InvalidVerdict,
    NoLabelingSession,
    NothingToUndo,
    UnknownPair,
    UnknownQuad,
    UnknownVote,
)
"""Errors whose sentences are only about what the labeler sent.

Named one by one, not by category: an error that is new stays hidden until somebody has read it."""
DISK_FULL = "Votes cannot be saved just now, since a disk is full. Tell whoever runs this Palate."
GENERIC_ERROR = "That did not work. Tell whoever runs this Palate."


@contextmanager
def hidden_details() -> Iterator[None]:
    """Replace the text of errors that are raised on purpose by one that a labeler may read.

    Errors of SHOWABLE_ERRORS pass unchanged. Raises DiskFull or InvalidRequest for the others,
    without the original as their cause; unexpected exceptions pass unchanged too.
    """
    try:
        yield
    except SHOWABLE_ERRORS:
        raise
    # Without the original as a cause: its text may name a path, a model or a version.
    except DiskFull:
        raise DiskFull(DISK_FULL) from None
    except PalateError:
        raise InvalidRequest(GENERIC_ERROR) from None
