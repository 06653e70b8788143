"""Work on what the studio made, without the app.

python -m annotate report FOLDER [--out DIR]    an evaluation as report.html and report.md
python -m annotate people add NAME --role admin    somebody who may sign in
"""

import argparse
import os
import sys
from pathlib import Path

from annotate.errors import AnnotateError, BrokenEvaluation
from annotate.people.commands import add_people_command, run_people
from storage import StorageError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; errors we know end in one sentence."""
    root = argparse.ArgumentParser(
        prog="python -m annotate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = root.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report", help="write an evaluation as a page and as Markdown")
    report.add_argument("folder", type=Path, metavar="FOLDER", help="holds evaluation.json")
    report.add_argument("--out", type=Path, metavar="DIR", help="where to write (FOLDER itself)")
    add_people_command(commands)
    chosen = root.parse_args(arguments)
    try:
        if chosen.command == "people":
            print(*run_people(chosen), sep="\n")
            return 0
        for file in write_report(chosen.folder, chosen.out or chosen.folder):
            print(file)
    except (AnnotateError, StorageError) as error:
        print(f"annotate: {error}", file=sys.stderr)
        return 1
    return 0


def write_report(folder: Path, out: Path) -> list[Path]:
    """Write report.html and report.md, each whole or not at all; raises BrokenEvaluation."""
    from annotate.report.evaluation import read_evaluation  # noqa: PLC0415  Pillow takes a moment
    from annotate.report.markdown import markdown_report  # noqa: PLC0415
    from annotate.report.page import html_report  # noqa: PLC0415

    evaluation = read_evaluation(folder)
    texts = {"report.html": html_report(evaluation), "report.md": markdown_report(evaluation, out)}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            scratch = out / f".{name}.tmp"
            try:
                scratch.write_text(text, encoding="utf-8")
                os.replace(scratch, out / name)
            finally:
                scratch.unlink(missing_ok=True)
    except OSError as error:
        raise BrokenEvaluation(
            f"The report could not be written to {out}: {error.strerror or error}. Free some space "
            "or name another folder with --out."
        ) from None
    return [out / name for name in texts]


if __name__ == "__main__":
    sys.exit(main())
