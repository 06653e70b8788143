"""The HTML of the people section, made from plain values."""

from collections.abc import Mapping, Sequence
from html import escape

from annotate.web.html.run_cards import notice_card, when
from storage.tables.people import Person, Role

ONLY_ONE = notice_card(
    "Only you so far",
    "Add somebody below. They get a link to set a password, and a page for labeling.",
)


def people_table(people: Sequence[Person], votes: Mapping[str, int], accounts: bool) -> str:
    """Return a table of people with actions; links only where Palate keeps the passwords."""
    rows = "".join(_row(person, votes.get(person.name, 0), accounts) for person in people)
    return (
        '<div class="card table"><table class="people"><thead><tr><th>Name</th><th>Role</th>'
        f"<th>Votes</th><th>Last seen</th><td></td></tr></thead><tbody>{rows}</tbody></table></div>"
        + (ONLY_ONE if len(people) < 2 else "")
    )


def link_card(name: str, link: str) -> str:
    """Return the link with which a person sets a password; it is shown only once."""
    return (
        f'<div class="card notice link" role="status"><b>A link for <bdi>{escape(name)}</bdi></b>'
        f'<p class="copy-row"><input readonly aria-label="The link" '
        f'value="{escape(link, quote=True)}">'
        '<button type="button" data-copy>Copy</button></p>'
        '<p class="soft">Send it to them. It works once, for seven days, and is shown only now.'
        "</p></div>"
    )


def known_card(name: str, header: str) -> str:
    """Return a card on how a person signs in through a proxy."""
    return notice_card(
        f"{name} is known", f"They come in as soon as the proxy sends {header}: {name}."
    )


def _row(person: Person, votes: int, accounts: bool) -> str:
    name = escape(person.name)
    actions = [("enable", "Enable")] if not person.enabled else _actions(person, accounts)
    buttons = "".join(_button(person, action, text) for action, text in actions)
    gone = "" if person.enabled else ' class="gone"'
    return (
        f"<tr{gone}><td><b><bdi>{name}</bdi></b>{_badges(person, accounts)}</td>"
        f"<td>{person.role.capitalize()}</td>"
        f"<td>{votes:,}</td><td>{when(person.seen) if person.seen else 'Never'}</td>"
        f'<td class="acts"><div>{buttons}</div></td></tr>'
    )


def _actions(person: Person, accounts: bool) -> list[tuple[str, str]]:
    # The one role that the person does not have.
    other = ("labeler", "Make labeler") if person.role is Role.ADMIN else ("admin", "Make admin")
    return [other, *([("link", "New link")] if accounts else []), ("disable", "Disable")]


def _badges(person: Person, accounts: bool) -> str:
    if not person.enabled:
        return '<span class="badge">Disabled</span>'
    if person.link is not None and accounts:
        return '<span class="badge running">Invited</span>'
    return ""


def _button(person: Person, action: str, text: str) -> str:
    name = escape(person.name, quote=True)
    return (
        f'<button type="button" data-action="{action}" data-person="{name}" '
        f'aria-label="{text}: {name}">{text}</button>'
    )
