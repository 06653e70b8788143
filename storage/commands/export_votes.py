"""Command line: write a studio's votes and images in a form that other programs read."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from storage.commands.backup import progress_line
from storage.commands.studios import opened
from storage.exports.exported_votes import ExportChoice
from storage.exports.forms.form_list import OTHER_NAMES, TITLES

SWITCHES = {
    "--no-sources": "only votes that were given here",
    "--no-skips": "leave out skips",
    "--with-tests": "also votes of blind tests and on control pairs",
    "--with-excluded": "also excluded votes and those on flagged pairs",
    "--names": "the annotators' names in place of pseudonyms",
    "--notes": "why votes were excluded, in an admin's words",
}


def main(arguments: Sequence[str], prog: str) -> int:
    """Export votes, and print what is in the export and what is not."""
    chosen = parser_of(prog).parse_args(arguments)
    choice = ExportChoice(
        bases=tuple(chosen.model) or None,
        voters=tuple(chosen.by) or None,
        sources=() if chosen.no_sources else tuple(chosen.source) or None,
        skips=not chosen.no_skips,
        tests=chosen.with_tests,
        excluded=chosen.with_excluded,
        names=chosen.names,
        notes=chosen.notes,
    )

    with opened(chosen.home, "Export") as store:
        done = store.exports.write(chosen.form, chosen.target, choice, progress_line)
    print(f"{done.path}: {done.rows:,} rows")
    for reason, count in sorted(done.left_out.items(), key=lambda left: (-left[1], left[0])):
        print(f"left out: {count:,} ({reason})")
    return 0


def parser_of(prog: str) -> argparse.ArgumentParser:
    """Return the parser of the command."""
    forms = "\n".join(f"  {name:14}{title}" for name, title in TITLES.items())
    parser = argparse.ArgumentParser(
        prog=prog,
        description=f"{__doc__}\n\nforms:\n{forms}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("home", type=Path, metavar="HOME", help="folder of the studio")
    parser.add_argument("target", type=Path, metavar="TARGET", help="new folder for the export")
    parser.add_argument(
        "--form", choices=(*TITLES, *OTHER_NAMES), required=True, metavar="FORM", help="as above"
    )
    for name, metavar, text in (
        ("--model", "ID", "only votes on this model; several times for several"),
        ("--by", "NAME", "only this annotator's votes, and of sources only named ones"),
        ("--source", "NAME", "of sources only this one"),
    ):
        parser.add_argument(name, action="append", default=[], metavar=metavar, help=text)
    for name, text in SWITCHES.items():
        parser.add_argument(name, action="store_true", help=text)
    return parser
