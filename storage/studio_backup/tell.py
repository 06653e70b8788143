"""Sentences about backups and restores, for the command line and for the page."""

from storage.studio_backup.backup import BackupReport
from storage.studio_backup.restore import RestoreReport


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
    if report.missing:
        told.append(f"{report.missing:,} images were gone from the studio already.")
    return told


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
