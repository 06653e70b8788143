"""Disk usage of the studio folder in words, and what may be removed."""

from dataclasses import dataclass

from annotate.wording import in_bytes
from storage.records import DiskUsage


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file as the page names it; `clean` is the kind of clean-up, if there is one."""

    title: str
    advice: str
    clean: str | None = None


FILE_KINDS = {
    "images": FileKind(
        "Images",
        "Kept while a pair, a vote, a snapshot or a comparison uses them. Others that are older "
        "than a day may go; they are rendered again when needed.",
        "images",
    ),
    "snapshots": FileKind(
        "Snapshots",
        "The votes and images that each run was trained on. Keep them: they make every version "
        "explainable. Their images are mostly links to the ones above and take no space twice.",
    ),
    "versions": FileKind(
        "Versions",
        "Adapters and imports. Delete a version on Train to free its file; what is left of deleted "
        "ones may go.",
        "deleted",
    ),
    "runs": FileKind("Runs", "Settings, curves and logs: small, and worth keeping."),
    "checkpoints": FileKind(
        "Checkpoints",
        "States that a run can be resumed from. Those of finished runs may go; a cancelled, "
        "failed or interrupted run keeps its own.",
        "checkpoints",
    ),
    "caches": FileKind(
        "Caches",
        "Latents and reference errors that runs share. They may go while no run waits or is "
        "running; the next run takes longer once.",
        "caches",
    ),
    "exports": FileKind(
        "Exports", "Files that you exported. Remove by hand what you copied elsewhere."
    ),
    "rest": FileKind("Votes and logs", "The database. Keep it, and back it up."),
}


def promise(taken: DiskUsage) -> str:
    """Return what a clean-up would remove, in a sentence."""
    if not taken.files:
        return "Nothing of this kind may go now."
    files = "1 file" if taken.files == 1 else f"{taken.files:,} files"
    return f"{files} would go, and {in_bytes(taken.bytes)} be free."
