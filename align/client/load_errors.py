"""Say in one sentence why a model cannot be loaded, with the library's reason (no torch here)."""

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

DEEPEST = 20
"""Causes looked at; a chain of exceptions may be a circle."""
NO_NETWORK = (
    "ConnectionError",
    "TransportError",
    "TimeoutError",
    "gaierror",
    "SSLError",
    "LocalEntryNotFoundError",
)
"""Names of classes, in any library, that say that nothing answered."""
NO_MEMORY = ("MemoryError", "OutOfMemoryError")
NO_MEMORY_WORDS = ("out of memory", "allocate memory", "not enough memory", "paging file is too")
TRY_LATER = (408, 425, 429)
"""Answers below 500 after which a server wants to be asked again."""


def why_not_loaded(name: str, error: BaseException, logged: str = "") -> ModelError:
    """Return the error to raise for a model that raised `error` while it was loaded.

    A ModelUnavailable is one whose cause may pass by itself. `logged` is what the library logged instead
    of saying it.
    """
    causes = list(_chain(error))
    return (
        _no_disk(name, causes)
        or _no_memory(name, causes)
        or _hub_refuses(name, causes)
        or _no_network(name, causes)
        or _not_here(name, causes, logged)
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what caused it, as a traceback would show them."""
    for _ in range(DEEPEST):
        if error is None:
            return
        yield error
        hidden = None if error.__suppress_context__ else error.__context__
        error = error.__cause__ or hidden


def _named(error: BaseException, names: tuple[str, ...]) -> bool:
    return any(one.__name__ in names for one in type(error).__mro__)


def _no_disk(name: str, causes: list[BaseException]) -> ModelError | None:
    full = next((cause for cause in causes if is_disk_full(cause)), None)
    if full is None:
        return None
    return ModelUnavailable(
        f"{name} could not be loaded because a disk is full ({whole_text(full)}): free some space "
        "where the hub's cache lies (HF_HOME, else ~/.cache/huggingface)."
    )


def _no_memory(name: str, causes: list[BaseException]) -> ModelError | None:
    def says_so(cause: BaseException) -> bool:
        words = str(cause).lower()
        return (
            _named(cause, NO_MEMORY)
            or (isinstance(cause, OSError) and cause.errno == errno.ENOMEM)
            or any(phrase in words for phrase in NO_MEMORY_WORDS)
        )

    full = next(filter(says_so, causes), None)
    if full is None:
        return None
    return ModelUnavailable(
        f"{name} does not fit into the memory ({whole_text(full)}): close other programs that use "
        "it, or choose a smaller model."
    )


def _hub_refuses(name: str, causes: list[BaseException]) -> ModelError | None:
    """What a server said that was reached."""
    told = next((cause for cause in causes if _status(cause) is not None), None)
    if told is None:
        return None
    status, reason = _status(told) or 0, whole_text(told)
    if status >= 500 or status in TRY_LATER:
        return ModelUnavailable(
            f"{name} could not be downloaded, since the hub is busy ({reason})."
        )
    if _named(told, ("GatedRepoError",)) or status == 403:
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
    silent = [cause for cause in causes if _named(cause, NO_NETWORK)]
    if not silent:
        return None
    return ModelUnavailable(
        f"{name} is not on this machine and the hub cannot be reached ({whole_text(silent[0])}): "
        "check the connection, or point --model at a folder."
    )


def _not_here(name: str, causes: list[BaseException], logged: str) -> ModelError:
    """Whatever else it is, said by the library."""
    first, said = causes[0], whole_text(causes[0])
    reason = f"{said.rstrip('!')}: {logged}" if logged else said
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
