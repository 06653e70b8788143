"""People from the command line: the first admin, and one who is locked out."""

import argparse
from pathlib import Path

from annotate.people.accounts import Accounts
from storage.people import Role
from storage.store import Store

WHO = "terminal"
URL = "http://127.0.0.1:7860/"


def add_people_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe `python -m annotate people`."""
    people = commands.add_parser("people", help="who may sign in, while the app does not run")
    people.add_argument("act", choices=("list", "add", "link", "enable", "disable"))
    people.add_argument("name", nargs="?", default="", metavar="NAME")
    people.add_argument("--role", choices=tuple(Role), default=None, help="of add (labeler)")
    people.add_argument("--home", type=Path, default=Path("studio"), metavar="DIR")
    people.add_argument("--url", default=URL, help=f"where the page is, for links ({URL})")


def run_people(chosen: argparse.Namespace) -> list[str]:
    """Do what was asked for and return what to print; raises what storage raises."""
    with Store(chosen.home) as store:
        accounts = Accounts(store.people)
        if chosen.act == "list":
            return listed(accounts)
        if chosen.act in ("enable", "disable"):
            accounts.set_enabled(chosen.name, chosen.act == "enable", WHO)
            return [f"{chosen.name}: {chosen.act}d."]
        if chosen.act == "add":
            token = accounts.add(chosen.name, Role(chosen.role or Role.LABELER), WHO)
        else:
            token = accounts.new_link(chosen.name, WHO, rescue=True)
        return [
            f"{chosen.name} chooses a password here, once, within seven days:",
            f"{chosen.url.rstrip('/')}/welcome?token={token}",
        ]


def listed(accounts: Accounts) -> list[str]:
    """Return a line for everybody."""
    votes = accounts.people.votes()
    lines = [
        f"{one.name}  {one.role}  {'may sign in' if one.enabled else 'disabled'}  "
        f"{votes.get(one.name, 0)} votes"
        for one in accounts.people.all()
    ]
    return lines or ["Nobody yet. Add somebody: python -m annotate people add NAME --role admin"]
