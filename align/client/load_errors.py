"""One-sentence reasons why a model cannot be loaded, with the library's own (no torch here)."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from align.errors import (
    BrokenModel,
    ModelError,
    ModelNotFound,
    ModelUnavailable,
    is_disk_full,
    whole_text,
)

MAX_CAUSES = 20
"""A chain of exceptions may be a circle."""
NETWORK_ERRORS = (
    "ConnectionError",
    "TransportError",
    "TimeoutError",
    "gaierror",
    "SSLError",
    "LocalEntryNotFoundError",
)
"""Class names, of any library: importing the libraries to compare classes would take seconds."""
MEMORY_ERRORS = ("MemoryError", "OutOfMemoryError")
MEMORY_PHRASES = (
    "out of memory",
    "allocate memory",
    "not enough memory",
    "paging file is too",
)
RETRYABLE_STATUSES = (408, 425, 429)
"""HTTP status codes below 500 after which a server wants to be asked again."""


def model_load_error(name: str, error: BaseException, logged: str = "") -> ModelError:
    """Return the error to raise for a model that raised `error` while it was loaded.

    A ModelUnavailable is one whose cause may pass by itself. `logged` is the reason where the
    library logged it instead of raising it.
    """
    causes = list(_chain(error))
    return (
        _disk_full(name, causes)
        or _out_of_memory(name, causes)
        or _hub_refuses(name, causes)
        or _no_network(name, causes)
        or _broken(name, causes, logged)
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and its causes, as a traceback would show them."""
    for _ in range(MAX_CAUSES):
        if error is None:
            return
        yield error
        hidden = None if error.__suppress_context__ else error.__context__
        error = error.__cause__ or hidden


def _named(error: BaseException, names: tuple[str, ...]) -> bool:
    return any(kind.__name__ in names for kind in type(error).__mro__)


def _disk_full(name: str, causes: list[BaseException]) -> ModelError | None:
    full = next((cause for cause in causes if is_disk_full(cause)), None)
    if full is None:
        return None
    return ModelUnavailable(
        f"{name} could not be loaded because a disk is full ({whole_text(full)}): free some space "
        "where the hub's cache lies (HF_HOME, else ~/.cache/huggingface)."
    )


def _out_of_memory(name: str, causes: list[BaseException]) -> ModelError | None:
    def is_memory_error(cause: BaseException) -> bool:
        words = str(cause).lower()
        return (
            _named(cause, MEMORY_ERRORS)
            or (isinstance(cause, OSError) and cause.errno == errno.ENOMEM)
            or any(phrase in words for phrase in MEMORY_PHRASES)
        )

    full = next(filter(is_memory_error, causes), None)
    if full is None:
        return None
    return ModelUnavailable(
        f"{name} does not fit into the memory ({whole_text(full)}): close other programs that use "
        "it, or choose a smaller model."
    )


def _hub_refuses(name: str, causes: list[BaseException]) -> ModelError | None:
    """Return the error for an HTTP status that the hub answered with, if it answered."""
    answer = next((cause for cause in causes if _status(cause) is not None), None)
    if answer is None:
        return None
    status, reason = _status(answer) or 0, whole_text(answer)

    if status >= 500 or status in RETRYABLE_STATUSES:
        return ModelUnavailable(
            f"{name} could not be downloaded, since the hub is busy ({reason})."
        )
    if _named(answer, ("GatedRepoError",)) or status == 403:
        return ModelNotFound(
            f"{name} is only for people whom the hub knows ({reason}): ask for access on its page, "
            "and sign in with hf auth login."
        )
    if status in (401, 404):
        # Whoever is not signed in gets 401 for a name that does not exist, too.
        return ModelNotFound(
            f"{name} is not on the hub, or is private ({reason}): check its name, or sign in with "
            "hf auth login."
        )
    return ModelNotFound(f"{name} could not be downloaded ({reason}): check its name.")


def _status(error: BaseException) -> int | None:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _no_network(name: str, causes: list[BaseException]) -> ModelError | None:
    failures = [cause for cause in causes if _named(cause, NETWORK_ERRORS)]
    if not failures:
        return None
    return ModelUnavailable(
        f"{name} is not on this machine and the hub cannot be reached ({whole_text(failures[0])}): "
        "check the connection, or point --model at a folder."
    )


def _broken(name: str, causes: list[BaseException], logged: str) -> ModelError:
    """Return the error for any other cause, with the library's own reason."""
    first, text = causes[0], whole_text(causes[0])
    reason = f"{text.rstrip('!')}: {logged}" if logged else text

    if isinstance(first, ImportError):
        return BrokenModel(
            f"{name} could not be loaded because a library is missing or broken ({reason}): "
            "install Palate again."
        )
    if isinstance(first, PermissionError):
        return BrokenModel(f"{name} may not be read ({reason}): change who may read its files.")
    if isinstance(first, OSError):
        return BrokenModel(
            f"{name} could not be loaded because a file is missing or cannot be read ({reason}): "
            "copy or download it again."
        )
    return BrokenModel(f"{name} could not be loaded ({reason}): copy or download it again.")
