"""Arguments of `python -m annotate people`; apart, so that other commands load no database."""

import argparse
from pathlib import Path

URL = "http://127.0.0.1:7860/"
ROLES = ("labeler", "admin")


def add_people_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the parser of `python -m annotate people`."""
    people = commands.add_parser("people", help="who may sign in, while the app does not run")
    people.add_argument("act", choices=("list", "add", "link", "enable", "disable"))
    people.add_argument("name", nargs="?", default="", metavar="NAME")
    people.add_argument("--role", choices=ROLES, default=None, help="of add (labeler)")
    people.add_argument("--home", type=Path, default=Path("studio"), metavar="DIR")
    people.add_argument("--url", default=URL, help=f"where the page is, for links ({URL})")
