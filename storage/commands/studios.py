"""Studios that a command opens: the folder has to be one, and no app may hold it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import BrokenStudio, StudioInUse
from storage.replacement import finish_replacement
from storage.store import Store


def existing_studio(home: Path) -> Path:
    """Return the folder of a studio; raises BrokenStudio where there is none."""
    if not home.is_dir():
        raise BrokenStudio(f"{home} is no folder. Name the folder of a studio.")
    return home


def require_studio(home: Path) -> Path:
    """Return the folder of a studio; raises BrokenStudio for a folder of other things.

    Opened, such a folder would become a studio.
    """
    finish_replacement(home)
    existing_studio(home)
    if not is_studio(home) and any(home.iterdir()):
        raise BrokenStudio(
            f"{home} is no studio: it has no palate.duckdb. Name the folder of a studio."
        )
    return home


def is_studio(home: Path) -> bool:
    """Return True for a folder that has a database, had one, or was about to get one."""
    marks = ("palate.duckdb", "palate.lock", "copies")
    return any((home / name).exists() for name in marks)


@contextmanager
def opened(home: Path, in_the_page: str) -> Iterator[Store]:
    """Open an existing studio for a command, and close it afterwards.

    `in_the_page` is the button that does the same while the app runs. Raises StudioInUse, which
    names it, or BrokenStudio.
    """
    try:
        store = Store(require_studio(home))
    except StudioInUse as error:
        raise StudioInUse(
            f"Palate is running on {home}. Press {in_the_page} under Settings, Data in its page, "
            "or stop it first."
        ) from error
    with store:
        yield store
