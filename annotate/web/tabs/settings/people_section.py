"""The people section: accounts, their roles, and invitation links."""

from typing import Any
from urllib.parse import urljoin

import gradio as gr

from annotate.auth.hosts import as_origin
from annotate.auth.identity import Authenticator, asker, scope_of
from annotate.auth.request_guard import BASE_KEY
from annotate.errors import InvalidRequest
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error
from annotate.web.html.people_cards import known_card, link_card, people_table
from annotate.web.permissions import require
from annotate.web.static_files import start_script
from annotate.web.tabs.layout import heading, setting
from storage.tables.people import Role

ROLES = [
    ("Labeler: only votes", Role.LABELER),
    ("Admin: everything", Role.ADMIN),
]


class PeopleSection:
    """Components and events of the section."""

    def __init__(self, sign_in: Authenticator) -> None:
        self._sign_in, self._accounts = sign_in, sign_in.accounts
        with setting(
            "People", "Who may sign in, to label or to do everything.", "people-section"
        ) as self._section:
            self._table = gr.HTML(
                elem_id="people",
                js_on_load=start_script("people.js", "startTable"),
                apply_default_css=False,
            )
            self._notice = gr.HTML(
                elem_id="person-link",
                js_on_load=start_script("people.js", "startLink"),
                apply_default_css=False,
            )

            heading("Add a person")
            with gr.Row(equal_height=True):
                self._name = gr.Textbox(
                    label="Name",
                    placeholder="ada",
                    max_length=64,
                    scale=2,
                    min_width=220,
                    elem_id="person-name",
                )
                self._role = gr.Dropdown(
                    ROLES,
                    value=Role.LABELER,
                    label="Role",
                    scale=2,
                    min_width=220,
                    elem_id="person-role",
                )
                self._add = gr.Button("Add", variant="primary", min_width=90, elem_id="add-person")
        self._listen()

    def _listen(self) -> None:
        shown = [self._table, self._notice]

        @errors_as_gr_error
        def add(name: str, role: str, request: gr.Request) -> list[Any]:
            token = self._accounts.add(name, as_role(role), require_admin(request))
            return [self._listed(), self._invited(name.strip(), token, request), ""]

        @errors_as_gr_error
        def act(event: gr.EventData, request: gr.Request) -> list[Any]:
            notice = self._perform(str(event._data["person"]), str(event._data["action"]), request)
            return [self._listed(), notice]

        gr.on(
            [self._add.click, self._name.submit],
            add,
            [self._name, self._role],
            [*shown, self._name],
            **PRIVATE,
        )
        self._table.select(act, None, shown, **PRIVATE)
        self._section.expand(lambda: [self._listed(), ""], None, shown, **PRIVATE)

    def _perform(self, name: str, action: str, request: gr.Request) -> str:
        who, accounts = require_admin(request), self._accounts
        if action == "link":
            return self._invited(name, accounts.new_link(name, who), request)
        if action in ("disable", "enable"):
            accounts.set_enabled(name, action == "enable", who)
        else:
            accounts.set_role(name, as_role(action), who)
        return ""

    def _invited(self, name: str, token: str, request: gr.Request) -> str:
        if self._sign_in.header is not None:
            return known_card(name, self._sign_in.header)
        return link_card(name, urljoin(base_of(request), f"welcome?token={token}"))

    def _listed(self) -> str:
        people = self._accounts.people
        return people_table(people.all(), people.votes(), self._sign_in.header is None)


def require_admin(request: gr.Request) -> str:
    """Return the name of the admin who asks; raises NotAllowed for anybody else."""
    # Checked again here, since the page of admins is no proof of who sends the event.
    person = asker(request)
    require(person, Role.ADMIN)
    return person.name if person else "nobody"


def as_role(role: str) -> Role:
    """Return a role by its name; raises InvalidRequest."""
    try:
        return Role(role)
    except ValueError:
        raise InvalidRequest(f"{role!r} is no role. Choose labeler or admin.") from None


def base_of(request: gr.Request) -> str:
    """Return the base URL of Palate as the browser sees it, at a host that the guard allows.

    The browser's referrer knows port and path even where a proxy does not pass them on.
    """
    base, page = str(scope_of(request)[BASE_KEY]), str(request.headers.get("referer", ""))
    own, shown = (as_origin("/".join(url.split("/", 3)[:3])) for url in (base, page))
    return urljoin(page, "./") if own and shown and own.host == shown.host else base
