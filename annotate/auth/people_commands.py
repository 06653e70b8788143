"""People on the command line: list, add, enable, disable, and make a new link.

For the first admin, and for an admin who is locked out; the app must not run meanwhile.
"""

import argparse

from annotate.auth.accounts import Accounts
from storage.store import Store
from storage.tables.people import Role

ACTOR = "terminal"


def run_people(chosen: argparse.Namespace) -> list[str]:
    """Run the chosen act and return the lines to print; raises what storage raises."""
    with Store(chosen.home) as store:
        accounts = Accounts(store.people)
        if chosen.act == "list":
            return person_lines(accounts)
        if chosen.act in ("enable", "disable"):
            accounts.set_enabled(chosen.name, chosen.act == "enable", ACTOR)
            return [f"{chosen.name}: {chosen.act}d."]

        if chosen.act == "add":
            token = accounts.add(chosen.name, Role(chosen.role or Role.LABELER), ACTOR)
        else:
            token = accounts.new_link(chosen.name, ACTOR, rescue=True)
        return [
            f"{chosen.name} chooses a password here, once, within seven days:",
            f"{chosen.url.rstrip('/')}/welcome?token={token}",
        ]


def person_lines(accounts: Accounts) -> list[str]:
    """Return a line per person: name, role, whether they may sign in, and votes."""
    votes = accounts.people.votes()
    lines = [
        f"{person.name}  {person.role}  {'may sign in' if person.enabled else 'disabled'}  "
        f"{votes.get(person.name, 0)} votes"
        for person in accounts.people.all()
    ]
    return lines or ["Nobody yet. Add somebody: python -m annotate people add NAME --role admin"]
