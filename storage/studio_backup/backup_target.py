"""The folder that a studio is backed up to: what it may hold, and what goes from it."""

from contextlib import suppress
from pathlib import Path

from storage.errors import InvalidTarget
from storage.file_sizes import walk
from storage.studio_backup.manifest import Manifest, manifests_in, readable

KEPT = 5
"""Backups that are kept in one folder, besides the one with the most votes."""
README = "README.txt"
ABOUT = """This folder holds backups of a Palate studio.

    palate data restore {target} STUDIO     puts the newest one into an empty folder

backups/ has a list of files for each backup, files/ the files themselves, named by their SHA-256.
Change nothing in here: Palate adds to it and tidies up when it backs up again.
"""
OURS = {"backups", "files", README}


def require_target(home: Path, target: Path) -> None:
    """Raise InvalidTarget for a folder that no backup of this studio can go to."""
    if not home.is_dir():
        raise InvalidTarget(f"{home} is no folder. Name the folder of a studio.")
    if not (home / "palate.duckdb").is_file():
        raise InvalidTarget(
            f"{home} is no studio: it has no palate.duckdb. Name a studio's folder."
        )
    if target.resolve().is_relative_to(home.resolve()):
        raise InvalidTarget(
            f"{target} lies in the studio itself, and would be lost with it. Name a folder "
            "elsewhere, best on another disk."
        )
    if target.exists() and not target.is_dir():
        raise InvalidTarget(f"{target} is a file. Name a folder for the backup.")
    others = {path.name for path in target.iterdir()} if target.is_dir() else set()
    if others := {name for name in others - OURS if not name.startswith(".palate-")}:
        raise InvalidTarget(
            f"{target} has {sorted(others)[0]!r} in it, and is no backup of Palate's. Name an "
            "empty folder, a new one, or one that was backed up to before."
        )


def require_same(studio: str, before: list[Manifest], target: Path) -> None:
    """Raise InvalidTarget for a folder with backups of another studio."""
    if before and before[0].facts.studio != studio:
        raise InvalidTarget(
            f"{target} holds backups of another studio, the newest {before[0]}. Name another "
            "folder for this one."
        )


def prune(target: Path) -> None:
    """Remove old backups, and the files that no backup names.

    Nothing goes while a manifest cannot be read: what it names is not known. The one with the most
    votes stays, since somebody may have put an older database in place.
    """
    backups = readable(target)
    if len(backups) < len(manifests_in(target)):
        return
    kept = [*backups[:KEPT], max(backups, key=lambda each: each.facts.acts)]
    for each in backups:
        if each not in kept:
            (target / "backups" / f"{each.name}.jsonl").unlink(missing_ok=True)
    named = {target / file.stored for each in kept for file in each.files}
    for file in walk(target / "files"):
        if file.path not in named:
            with suppress(OSError):
                file.path.unlink()
