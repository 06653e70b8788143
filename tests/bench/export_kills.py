"""Kill an export with SIGKILL at named points, with and without an earlier export in its place.

python tests/bench/export_kills.py [--form csv]

After each kill the studio is opened again. The place has to be as it was before or as it is after,
whole, with nothing beside it and no note in the studio.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATHS = [ROOT, ROOT / "tests", ROOT / "tests/storage", ROOT / "tests/storage/exports"]
sys.path[:0] = map(str, PATHS)
POINTS = (
    "note written",
    "scratch made",
    "first image written",
    "half of the votes written",
    "all votes written",
    "half of the rows read back",
    "marker written",
    "some files synced",
    "before the exchange",
    "earlier one moved away",
    "renamed",
    "scratch removed",
    "note removed",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--form", default="csv")
    parser.add_argument("--child", nargs=3)
    chosen = parser.parse_args()
    if chosen.child:
        die_at(chosen.form, *chosen.child)
        return

    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        make_studio(scratch / "made")
        for point in POINTS:
            for earlier in (False, True):
                print(f"{point}{', over an earlier one' if earlier else ''}: ", end="")
                print(check(scratch, chosen.form, point, earlier), flush=True)


def make_studio(home: Path) -> None:
    from every_kind import give_every_kind  # noqa: PLC0415
    from storage_making import BASE  # noqa: PLC0415

    from storage import Store  # noqa: PLC0415

    with Store(home) as store:
        store.ensure_base(BASE)
        give_every_kind(store)


def check(scratch: Path, form: str, point: str, earlier: bool) -> str:
    """Kill one export, open the studio again, and say what is there."""
    from storage import Store  # noqa: PLC0415
    from storage.exports.exported_votes import ExportChoice  # noqa: PLC0415

    work = scratch / "work"
    shutil.copytree(scratch / "made", work / "studio")
    target = work / "out"
    if earlier:
        with Store(work / "studio") as store:
            store.exports.write(form, target, ExportChoice(skips=False))
    before = contents(target)

    child = [sys.executable, __file__, "--form", form, "--child", point, work / "studio", target]
    ended = subprocess.run(child, check=False, capture_output=True, text=True)
    killed = ended.returncode == -signal.SIGKILL
    with Store(work / "studio") as store:
        after = contents(target)
        left = [*work.glob(".*"), *(work / "studio" / "exports").glob(".*")]
        store.exports.write(form, work / "whole")
        whole = contents(work / "whole")
    shutil.rmtree(work)

    assert killed or (point == "earlier one moved away" and not earlier), ended.stderr
    assert not left, left
    if after == before:
        return "as before"
    assert set(after) == set(whole), "a half export"
    return "as after"


def contents(folder: Path) -> dict[str, int]:
    """Return the sizes of the files of an export, apart from its marker, by name."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name[0] != "."]
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def die_at(form: str, point: str, home: str, target: str) -> None:
    """Export, and end this process at a point."""
    from storage import Store  # noqa: PLC0415
    from storage.exports import export_folder as exporting  # noqa: PLC0415
    from storage.exports.forms.form import Form  # noqa: PLC0415
    from storage.exports.forms.form_list import FORMS  # noqa: PLC0415

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def after(owner: object, name: str, times: int = 1, before: bool = False) -> None:
        """Die once a function was called so often, or is about to be."""
        original, calls = getattr(owner, name), []

        def wrapped(*arguments: object, **named: object) -> object:
            calls.append(arguments)
            if before and len(calls) == times:
                die()
            result = original(*arguments, **named)
            if len(calls) == times:
                die()
            return result

        setattr(owner, name, wrapped)

    def progress(done: int, of: int) -> None:
        at = {"half of the votes written": 4, "all votes written": 2}
        if point in at and done >= of // at[point]:
            die()
        if point == "half of the rows read back" and done >= of * 3 // 4 - 3:
            die()

    with Store(Path(home)) as store:
        if point == "note written":
            after(exporting, "begin")
        elif point == "scratch made":
            after(FORMS[form], "write", before=True)
        elif point == "first image written":
            after(Form, "put_image")
        elif point == "marker written":
            after(exporting, "write_text", 2)
        elif point == "some files synced":
            after(os, "fsync", 5)
        elif point == "before the exchange":
            after(exporting.os, "replace", before=True)
        elif point == "earlier one moved away" and Path(target).exists():
            after(exporting.os, "replace")
        elif point == "renamed":
            after(exporting.os, "replace", 2 if Path(target).exists() else 1)
        elif point == "scratch removed":
            after(exporting.shutil, "rmtree")
        elif point == "note removed":
            after(exporting, "settle")
        store.exports.write(form, Path(target), progress=progress)


if __name__ == "__main__":
    main()
