"""Sentences about backups and restores, for the command line and for the page."""

from collections.abc import Sequence
from pathlib import Path

from storage.studio_backup.backup import BackupReport
from storage.studio_backup.restore import RestoreReport

NAMED = 3


def sentences_of_backup(report: BackupReport) -> list[str]:
    """Return what a backup holds, what came new, and what to know about it."""
    votes = "1 vote" if report.votes == 1 else f"{report.votes:,} votes"
    told = [
        f"Backed up to {report.target} as {report.name}: {votes} as of "
        f"{report.as_of:%d %B %Y, %H:%M:%S} UTC, {report.files:,} files, {size(report.bytes)}.",
        f"New: {report.new_files:,} files, {size(report.new_bytes)} copied. All were read back.",
    ]
    if report.note:
        told.append(report.note)
    if report.linked:
        told.append(
            f"{report.linked:,} images share their bytes with the studio, since both are on one "
            "disk. Back up to another disk as well: this one can fail."
        )
    if report.outside:
        told.append(sentence_of_outside(report.outside))
    if report.missing:
        told.append(f"{report.missing:,} images were gone from the studio already.")
    return told


def sentence_of_outside(files: Sequence[Path]) -> str:
    """Say which files a backup lacks, since they lie outside of the studio."""
    named = ", ".join(map(str, files[:NAMED])) + (" and others" if len(files) > NAMED else "")
    which = "1 file of a source lies" if len(files) == 1 else f"{len(files):,} files of sources lie"
    return (
        f"{which} outside of the studio and stayed there: {named}. The votes are in the backup, "
        "their images are not: keep these files as well."
    )


def sentences_of_restore(report: RestoreReport) -> list[str]:
    """Return what was restored, what could not be, and where what was there lies."""
    told = [f"{report.home} is the studio of {report.backup}: {report.files:,} files."]
    if report.damaged:
        told.append(f"Left out, being damaged or gone: {', '.join(report.damaged)}.")
    if report.aside:
        told.append(f"What was there before is {report.aside}.")
    return told


def size(count: int) -> str:
    """Write a number of bytes with a fitting unit."""
    for unit, power in (("GB", 9), ("MB", 6), ("kB", 3)):
        if count >= 10**power:
            return f"{count / 10**power:.1f} {unit}"
    return f"{count} bytes"
