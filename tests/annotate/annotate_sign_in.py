"""The real page behind the real gate, in this process, with quick stand-ins for the models."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from annotate_web import LOCAL, answering, open_web
from places import Place, until

from annotate.auth.identity import Authenticator
from storage.tables.people import Role

PASSWORD = "correct horse battery"


@dataclass
class House:
    """An app with sign-in on, and the people who live in it."""

    place: Place
    authenticator: Authenticator
    url: str
    clients: list[httpx.Client] = field(default_factory=list)

    def stranger(self, **options: Any) -> httpx.Client:
        """A browser that nobody signed in with."""
        self.clients.append(httpx.Client(base_url=self.url, timeout=30, **options))
        return self.clients[-1]

    def signed_in(self, name: str, password: str = PASSWORD) -> httpx.Client:
        """A browser that this person signed in with."""
        client = self.stranger()
        reply = client.post("sign-in", data={"name": name, "password": password})
        assert reply.status_code == 303, reply.text
        return client

    def let_in(self, name: str, role: Role) -> None:
        """Make a person who knows the password."""
        self.authenticator.accounts.choose_password(
            self.authenticator.accounts.add(name, role, "test"), PASSWORD
        )


@contextmanager
def lived_in(folder: Path, header: str | None = None, proxies: Any = LOCAL) -> Iterator[House]:
    """Open a studio and serve it with sign-in on."""
    with open_web(folder, "proxy" if header else "accounts", proxies, header) as web:
        assert web.authenticator is not None
        with answering(web) as url:
            house = House(web.place, web.authenticator, url)
            yield house
            for client in house.clients:
                client.close()


def stage_of(client: httpx.Client, function: str = "stage_pairs") -> int:
    """The id of the labeling stage on this person's page, or of what else has the function."""
    components = client.get("config").json()["components"]
    holders = {
        name: one["id"] for one in components for name in one["props"].get("server_fns") or ()
    }
    return int(holders.get(function, holders["stage_pairs"]))


def serve(client: httpx.Client, function: str, argument: Any, session: str = "") -> httpx.Response:
    """Call a server function as the page does."""
    sent = {
        "component_id": stage_of(client, function),
        "fn_name": function,
        "session_hash": session or uuid.uuid4().hex[:11],
        "data": argument,
    }
    return client.post("gradio_api/component_server", json=sent)


def pairs(client: httpx.Client, want: int = 1, **wish: Any) -> list[dict[str, Any]]:
    """Pairs as the page gets them, as soon as there are any."""
    wish = {"annotator": "", "have": [], "want": want, **wish}
    ask = lambda: serve(client, "stage_pairs", wish).json().get("pairs")  # noqa: E731
    return list(until(ask))


def cast(client: httpx.Client, pair_id: str, annotator: str = "", **more: Any) -> dict[str, Any]:
    """A vote as the page sends it."""
    event = {"kind": "vote", "pair_id": pair_id, "verdict": "left", "annotator": annotator}
    sent = {**event, "key": uuid.uuid4().hex, **more}
    return dict(serve(client, "stage_send", sent).json())


def call(client: httpx.Client, name: str, *data: Any) -> tuple[int, str]:
    """Call an endpoint as a program does: the status, and everything that was answered."""
    sent = client.post(f"gradio_api/call/{name}", json={"data": list(data)})
    if sent.status_code != 200:
        return sent.status_code, sent.text
    reply = client.get(f"gradio_api/call/{name}/{sent.json()['event_id']}")
    return reply.status_code, reply.text


def result(client: httpx.Client, name: str, *data: Any) -> Any:
    """What an endpoint gives."""
    status, text = call(client, name, *data)
    assert status == 200 and "event: complete" in text, text
    return json.loads(text.split("data: ", 1)[1].splitlines()[0])[0]
