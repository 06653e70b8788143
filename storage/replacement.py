"""A folder takes the place of another one: two renames, of which a kill may leave the first.

Between them the place is empty, and an app that was started then would begin a new studio there. So
the folder that is on its way knows what it takes the place of, and whoever opens the place next
finishes the second rename.
"""

import os
from contextlib import suppress
from pathlib import Path

REPLACES = ".palate-replaces"
"""A file in the new folder, which holds the name that the old one was given."""


def waiting_for(place: Path) -> Path:
    """Return the path of the folder that is about to take a place."""
    return place.with_name(f".palate-ready-{place.name}")


def take_place(new: Path, place: Path, aside: Path | None) -> None:
    """Put a folder in a place, and what is there aside, unless that is nothing or empty.

    Raises OSError, and then what was there is there again.
    """
    if aside is None:
        if place.is_dir():
            place.rmdir()
        os.rename(new, place)
        return

    ready = waiting_for(place)
    (new / REPLACES).write_text(aside.name, encoding="utf-8")
    os.rename(new, ready)
    os.rename(place, aside)
    try:
        os.rename(ready, place)
    except OSError:
        os.rename(aside, place)
        raise
    (place / REPLACES).unlink()


def finish_replacement(place: Path) -> bool:
    """Finish the second rename where a kill left it out; return True if so."""
    place = place.absolute()
    ready = waiting_for(place)
    with suppress(OSError):
        aside = place.with_name((ready / REPLACES).read_text(encoding="utf-8"))
        if aside.is_dir() and not os.path.lexists(place):
            os.rename(ready, place)
            (place / REPLACES).unlink()
            return True
    return False
