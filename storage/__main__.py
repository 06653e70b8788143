"""Command line: take votes in and out of a studio, and look after it, without the app.

`palate data` runs the same commands.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

from align.contracts.errors import PalateError


class Command(NamedTuple):
    """A command: the function that runs it, by name, and how the help teaches it."""

    function: str
    """`module:function`, which takes the arguments and the command's own name."""
    example: str = ""
    """What is typed behind `palate data`; "" for a command that only Palate itself starts."""
    does: str = ""


COMMANDS = {
    "import": Command(
        "storage.commands.sources:bring_in",
        "import FILE --home HOME",
        "bring in preferences from files",
    ),
    "sources": Command(
        "storage.commands.sources:sources",
        "sources HOME",
        "list, weigh, leave out or remove what came in",
    ),
    "export": Command(
        "storage.commands.export_votes:main",
        "export HOME TARGET --form FORM",
        "write votes and images for other programs",
    ),
    "restore-votes": Command(
        "storage.commands.restore_votes:main",
        "restore-votes FOLDER HOME",
        "Palate's own Parquet, as it was",
    ),
    "backup": Command(
        "storage.commands.backup:back_up",
        "backup HOME TARGET",
        "copy a whole studio, also while the app runs",
    ),
    "merge": Command(
        "storage.commands.merge:main", "merge HOME OTHER", "take all of another studio of the model"
    ),
    "copies": Command(
        "storage.commands.copies:list_copies", "copies HOME", "the database's copies, newest first"
    ),
    "restore": Command(
        "storage.commands.backup:restore",
        "restore BACKUP HOME",
        "put a studio back; HOME --copy NAME: a copy of its database",
    ),
    "images": Command("storage.commands.images:main"),
    "inspect": Command("storage.commands.inspect:main"),
}
"""The commands by name. Named, not imported: each takes only what it needs.

A PalateError that a command raises ends in one sentence and exit code 1.
"""


def main(arguments: Sequence[str] | None = None, prog: str = "python -m storage") -> int:
    """Run one command, and return the exit code."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog=prog,
        description=f"{__doc__}\n{command_lines(prog)}",
        usage="%(prog)s COMMAND ...",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=sorted(COMMANDS), metavar="COMMAND")
    # What follows is the command's own, its --help too.
    name = parser.parse_args(argv[:1]).command

    module, function = COMMANDS[name].function.split(":")
    try:
        code: int = getattr(import_module(module), function)(argv[1:], f"{prog} {name}")
    except PalateError as error:
        print(f"{'palate' if prog.startswith('palate') else 'storage'}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    return code


def command_lines(prog: str) -> str:
    """Return a line for each command that a person types."""
    taught = [command for command in COMMANDS.values() if command.example]
    width = max(len(command.example) for command in taught)
    return "\n".join(f"{prog} {each.example:{width}}  {each.does}" for each in taught)


if __name__ == "__main__":
    sys.exit(main())
