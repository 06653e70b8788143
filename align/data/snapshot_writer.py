"""Write snapshots from labeled pairs, for training without an app and its database."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Iterable
from numbers import Real
from pathlib import Path
from typing import get_args

from PIL import Image

from align.contracts.snapshot_files import (
    FORMAT,
    MANIFEST,
    PAIRS,
    PairKind,
    PairRow,
    PreferenceRow,
    SnapshotManifest,
    UndecidedRow,
)
from align.data.image_files import image_fault
from align.data.labeled_pairs import LabeledPair
from align.errors import SnapshotError
from align.files import read_json


def write_snapshot(folder: Path | str, pairs: Iterable[LabeledPair]) -> Path:
    """Write pairs and their images into a folder that `read_snapshot` and `fine_tune` read.

    Image files are copied as they are, images in memory are written as PNG. The folder appears
    whole or not at all. Writing the same pairs again changes nothing.

    Args:
        folder: the new folder.
        pairs: votes; their order is kept.

    Returns:
        The folder.

    Raises:
        SnapshotError: there are no pairs, one cannot be used, or the folder holds something else.
    """
    target = Path(folder)
    _make_parent(target)
    # Beside the target: a rename is atomic within one file system only.
    work = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        (work / "images").mkdir(parents=True)
        rows = [_row(work, number, pair) for number, pair in enumerate(pairs, start=1)]
        if not rows:
            raise SnapshotError(f"There are no pairs to write to {target}.")

        text = "".join(json.dumps(row) + "\n" for row in rows).encode()
        (work / PAIRS).write_bytes(text)
        digest = hashlib.sha256(text).hexdigest()
        # The name of an image is its digest, so that of the rows stands for every byte.
        images = {f"images/{path.name}": path.stem for path in sorted((work / "images").iterdir())}
        manifest: SnapshotManifest = {
            "format": FORMAT,
            "snapshot_id": f"pairs-{digest[:8]}",
            "counts": Counter(row["kind"] for row in rows),
            "files": {PAIRS: digest, **images},
        }
        (work / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
        _move(work, target, digest)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def _make_parent(target: Path) -> None:
    """Make the folder above a new one; raises SnapshotError where there can be none."""
    if target.name in ("", ".."):
        raise SnapshotError(f"{target} is no new folder. Name one, such as {target / 'votes'}.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise SnapshotError(
            f"{target} cannot be made, for a file lies where its folder should be. Name another."
        ) from None


def _move(work: Path, target: Path, digest: str) -> None:
    """Move the finished folder to its place, unless the same snapshot is there."""
    empty = target.is_dir() and not any(target.iterdir())
    if target.is_symlink() and (empty or not target.exists()):
        raise SnapshotError(f"{target} is a link. Name the folder that it leads to, or a new one.")
    if empty:
        target.rmdir()
    if target.exists():
        if _digest_in(target) != digest:
            raise SnapshotError(
                f"{target} holds something else than these pairs. Name a new folder."
            )
        return
    os.replace(work, target)


def _digest_in(folder: Path) -> str | None:
    """Return the digest of the rows of a snapshot; None for a folder that is none, or a file."""
    try:
        manifest = read_json(folder / MANIFEST) if folder.is_dir() else None
        return manifest and str(manifest["files"][PAIRS])
    except (KeyError, TypeError, ValueError):
        return None


def _row(work: Path, number: int, pair: LabeledPair) -> PairRow:
    """Return the row of pairs.jsonl for a pair, whose images are put into the folder."""
    if fault := _fault(pair):
        raise SnapshotError(f"Pair {number} {fault}.")
    chosen, rejected = (_add_image(work, number, each) for each in (pair.chosen, pair.rejected))
    if chosen == rejected:
        raise SnapshotError(f"Pair {number} shows the same image twice.")

    row: PreferenceRow | UndecidedRow
    if pair.kind == "preference":
        row = {"kind": pair.kind, "prompt": pair.prompt, "chosen": chosen, "rejected": rejected}
    else:
        row = {"kind": pair.kind, "prompt": pair.prompt, "images": [chosen, rejected]}
    # Numbers of NumPy cannot be written as JSON.
    if pair.weight != 1:
        row["weight"] = float(pair.weight)
    if pair.strength != 1:
        row["strength"] = int(pair.strength)
    return row


def _fault(pair: LabeledPair) -> str | None:
    """Say what is wrong with a pair, its images left aside."""
    if not isinstance(pair, LabeledPair):
        return f"is a {type(pair).__name__}. Make it a LabeledPair(prompt, chosen, rejected)"
    if not isinstance(pair.prompt, str) or not pair.prompt.strip():
        return f"has the prompt {pair.prompt!r}. It must be a text that is not empty"
    if pair.kind not in get_args(PairKind):
        return f"has the kind {pair.kind!r}. Choose one of {', '.join(get_args(PairKind))}"
    if not isinstance(pair.weight, Real) or not 0 < pair.weight <= 1:
        return f"has the weight {pair.weight!r}. It must be a number above 0 and at most 1"
    if not isinstance(pair.strength, Real) or pair.strength not in (1, 2):
        return f"has the strength {pair.strength!r}. It must be 1 or 2"
    return None


def _add_image(work: Path, number: int, image: Path | str | Image.Image) -> str:
    """Put an image into the folder under the SHA-256 of its bytes, and return its name there."""
    if isinstance(image, Image.Image):
        buffer = io.BytesIO()
        image.convert("RGB").save(buffer, "PNG")
        name = f"images/{hashlib.sha256(buffer.getvalue()).hexdigest()}.png"
        (work / name).write_bytes(buffer.getvalue())
        return name

    if not isinstance(image, str | os.PathLike):
        raise SnapshotError(
            f"Pair {number} has a {type(image).__name__} for an image. Give the path of a file, or "
            "an image of PIL, such as Image.fromarray makes of an array."
        )
    source = Path(image)
    if fault := image_fault(source):
        raise SnapshotError(f"Pair {number} cannot use {source}: {fault}.")
    # A copy, no hard link: whoever writes to the file later must not change the snapshot.
    content = source.read_bytes()
    name = f"images/{hashlib.sha256(content).hexdigest()}{source.suffix.lower()}"
    (work / name).write_bytes(content)
    return name
