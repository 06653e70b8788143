"""People from the command line: the first admin, and one who is locked out."""

import argparse

from annotate.auth.accounts import Accounts
from storage.store import Store
from storage.tables.people import Role

WHO = "terminal"


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
