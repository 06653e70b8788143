"""HTTP status of the errors that are raised on purpose, where plain HTTP answers."""

from align.contracts.errors import Conflict, InvalidInput, NotFound, PalateError, Unavailable
from annotate.errors import NotAllowed, SignInRefused, TooManyAttempts, WrongMediaType

STATUSES: dict[type[PalateError], int] = {
    # What HTTP knows more exactly than the four categories.
    SignInRefused: 401,
    NotAllowed: 403,
    WrongMediaType: 415,
    TooManyAttempts: 429,
    InvalidInput: 400,
    NotFound: 404,
    Conflict: 409,
    Unavailable: 503,
}
INTERNAL_ERROR = 500


def status_of(error: PalateError) -> int:
    """Return the status of an error: by its own class, else by its category."""
    found = (status for kind, status in STATUSES.items() if isinstance(error, kind))
    return next(found, INTERNAL_ERROR)
