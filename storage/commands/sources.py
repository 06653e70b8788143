"""Command line: bring votes of others in as a source; list sources and change them."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from storage.commands.models import model_of
from storage.commands.studios import opened
from storage.errors import UnreadableData
from storage.layouts.found import FoundData, find_data
from storage.layouts.inputs import name_for
from storage.layouts.layouts import LAYOUTS
from storage.layouts.mapping import ColumnMapping, mapping_from_data
from storage.layouts.reading import ReadFiles
from storage.sources.source_import import ImportedSource, NewSource
from storage.sources.source_preview import SourcePreview
from storage.sources.source_records import Source
from storage.store import Store

WHO = "command line"
"""Who did it, where no person has signed in."""


def bring_in(arguments: Sequence[str], prog: str) -> int:
    """Bring files in as a source, and print what came in."""
    chosen = import_parser(prog).parse_args(arguments)
    found = find_data(chosen.files)
    reading = ReadFiles(found, chosen_mapping(found, chosen.layout, columns_of(chosen.columns)))
    with opened(chosen.home, "Bring in") as store:
        base = model_of(store, chosen.model)
        if chosen.dry_run:
            seen = store.sources.preview(base, found.files, reading)
            print(*preview_lines(seen, reading.mapping), sep="\n")
            return 0

        new = NewSource(
            base=base,
            name=chosen.name or name_for(chosen.files[0]),
            layout=reading.mapping.layout,
            files=found.files,
            read=reading,
            who=WHO,
            mapping={**reading.mapping.as_data()},
            rows=found.rows or 0,
            taken="copy" if chosen.copy else "stay",
        )
        came_in = store.sources.bring_in(new, progress_line)
        print(*imported_lines(came_in), sep="\n")
    return 0


def import_parser(prog: str) -> argparse.ArgumentParser:
    """Return the parser of `import`."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Bring votes of others into a studio, as a source that runs learn from: files "
        "of Parquet, JSON or CSV, or folders of better and worse images.",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a file, a folder or a pattern")
    parser.add_argument("--home", type=Path, required=True, help="folder of the studio")
    parser.add_argument("--model", help="the model that they are for, where there are several")
    parser.add_argument("--name", help="name of the source; that of the first file")
    parser.add_argument("--layout", choices=sorted(LAYOUTS), help="the one that is recognised")
    parser.add_argument(
        "--column",
        dest="columns",
        action="append",
        default=[],
        metavar="ROLE=COLUMN",
        help="read this from another column than the one that is guessed; may be given again",
    )
    parser.add_argument("--copy", action="store_true", help="copy Parquet files into the studio")
    parser.add_argument("--dry-run", action="store_true", help="show what would come in, only")
    return parser


def columns_of(given: Sequence[str]) -> dict[str, str]:
    """Return columns by their roles; raises UnreadableData."""
    columns = dict[str, str]()
    for each in given:
        role, equals, column = each.partition("=")
        if not equals:
            raise UnreadableData(f"{each!r} names no column. Write --column ROLE=COLUMN.")
        columns[role] = column
    return columns


def chosen_mapping(
    found: FoundData, layout: str | None, columns: Mapping[str, str]
) -> ColumnMapping:
    """Return the guessed mapping with what was chosen; raises UnreadableData without either."""
    guess = found.guess
    if guess is not None and layout in (None, guess.layout):
        return guess.with_columns(columns)
    if layout is None:
        raise UnreadableData(
            "The names of the columns do not say which image is better. Choose a --layout, and a "
            f"--column for each of its roles. There are {', '.join(list(found.cells)[:20])}."
        )
    return mapping_from_data({"layout": layout, "columns": dict(columns)})


def sources(arguments: Sequence[str], prog: str) -> int:
    """List the sources of a studio after a change, if there is one."""
    chosen = sources_parser(prog).parse_args(arguments)
    with opened(chosen.home, "the buttons of a source") as store:
        base = model_of(store, chosen.model)
        change(store, base, chosen)
        known = store.sources.all(base)
        print(*map(source_line, known), sep="\n") if known else print("There is no source yet.")
    return 0


def sources_parser(prog: str) -> argparse.ArgumentParser:
    """Return the parser of `sources`."""
    parser = argparse.ArgumentParser(
        prog=prog, description="List the sources of a studio: votes that came in from files."
    )
    parser.add_argument("home", type=Path, metavar="HOME", help="folder of the studio")
    parser.add_argument("--model", help="the model that they are for, where there are several")
    parser.add_argument("--rename", nargs=2, metavar=("NAME", "NEW"), help="give it another name")
    parser.add_argument(
        "--weigh", nargs=2, metavar=("NAME", "WEIGHT"),
        help="what a vote of it counts beside one given here: above 0, up to 1",
    )  # fmt: skip
    parser.add_argument("--leave-out", metavar="NAME", help="runs take it no more")
    parser.add_argument("--use", metavar="NAME", help="runs take it again")
    parser.add_argument("--remove", metavar="NAME", help="remove it with its votes and its files")
    return parser


def change(store: Store, base: str, chosen: argparse.Namespace) -> None:
    """Make the changes that were asked for."""
    known = store.sources
    if chosen.weigh:
        name, weight = chosen.weigh
        known.weigh(base, name, as_number(weight), WHO)
    if chosen.leave_out:
        known.use(base, chosen.leave_out, False, WHO)
    if chosen.use:
        known.use(base, chosen.use, True, WHO)
    if chosen.rename:
        name, new_name = chosen.rename
        known.rename(base, name, new_name, WHO)
    if chosen.remove:
        known.remove(base, chosen.remove, WHO)


def as_number(text: str) -> float:
    """Return a weight; 0, which is refused, for what is no number."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def preview_lines(seen: SourcePreview, mapping: ColumnMapping) -> list[str]:
    """Return what would come in."""
    columns = (f"{role}={column}" for role, column in mapping.as_data()["columns"].items())
    of_all = "" if seen.whole else f" (the first {seen.rows:,} rows only)"
    examples = (f"  row {each.row + 1}: {each.kind}, {each.prompt[:80]}" for each in seen.examples)
    return [
        f"Layout {mapping.layout}: {', '.join(columns)}",
        f"Would come in{of_all}: {kinds(seen.votes)}; {seen.images:,} images.",
        *left_out_lines(seen.left_out),
        *(f"{file} came in before, as the source {name}." for file, name in seen.known.items()),
        *examples,
    ]


def imported_lines(came_in: ImportedSource) -> list[str]:
    """Return what came in."""
    counts = came_in.source.counts
    return [
        f"The source {came_in.source.name} came in: {kinds(counts['votes'])}; "
        f"{counts['images']:,} images.",
        *left_out_lines(counts["left_out"]),
        *(
            f"In the source {name} too: {votes:,} of them."
            for name, votes in counts["double"].items()
        ),
        *(f"{file} came in before, as the source {name}." for file, name in came_in.known.items()),
    ]


def left_out_lines(left_out: Mapping[str, int]) -> list[str]:
    """Return the rows that give no vote, by reason."""
    return [f"Left out: {rows:,} because {reason}." for reason, rows in left_out.items()]


def source_line(source: Source) -> str:
    """Return a line on a source."""
    used = f"weight {source.weight:g}" if source.used else "left out of runs"
    return (
        f"{source.name}: {kinds(source.counts['votes'])}; {used}; since {source.created:%Y-%m-%d}"
    )


def kinds(counts: Mapping[str, int]) -> str:
    """Return votes by kind, in words."""
    told = (f"{votes:,} {kind.replace('_', ' ')}" for kind, votes in counts.items())
    return ", ".join(told) or "nothing"


def progress_line(done: int, of: int) -> None:
    """Show how far the import is, where somebody looks."""
    if sys.stderr.isatty():
        told = f"{done:,} of {of:,} rows" if of else f"{done:,} rows"
        print(f"\r{told}", end="\n" if done == of else "", file=sys.stderr, flush=True)
