"""What takes space in the studio folder, in words, and what may go."""

from dataclasses import dataclass

from storage.records import Taken


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file as a person knows it; `clean` is what of it may be removed, if anything."""

    title: str
    advice: str
    clean: str | None = None


KINDS = {
    "images": Kind(
        "Images",
        "Kept while a pair, a vote, a snapshot or a comparison names them. Others that are older "
        "than a day may go; they are drawn again when they are wanted.",
        "images",
    ),
    "snapshots": Kind(
        "Snapshots",
        "What each run learned from. Keep them: they make every version explainable. Their "
        "images are mostly links to the ones above and take no space twice.",
    ),
    "versions": Kind(
        "Versions",
        "Adapters and imports. Delete a version above to free its file; what is left of deleted "
        "ones may go.",
        "deleted",
    ),
    "runs": Kind("Runs", "Settings, curves and logs: small, and worth keeping."),
    "checkpoints": Kind(
        "Checkpoints",
        "Where a run would go on. Those of runs that are done may go; a cancelled, failed or "
        "interrupted run keeps its own.",
        "checkpoints",
    ),
    "caches": Kind(
        "Caches",
        "Encodings and errors of the reference that runs share. They may go while no run waits or "
        "goes on; the next run takes longer once.",
        "caches",
    ),
    "exports": Kind("Exports", "Files you had written. Remove by hand what you copied elsewhere."),
    "rest": Kind("Votes and logs", "The database. Keep it, and back it up."),
}


def in_bytes(size: int) -> str:
    """Say a size in the unit that fits."""
    amount = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return (
        f"{amount:.0f} {unit}"
        if unit in ("bytes", "kB") or amount >= 100
        else f"{amount:.1f} {unit}"
    )


def promise(taken: Taken) -> str:
    """Say what a clean-up would remove."""
    if not taken.files:
        return "Nothing of this kind may go now."
    files = "1 file" if taken.files == 1 else f"{taken.files:,} files"
    return f"{files} would go, and {in_bytes(taken.bytes)} be free."
