"""Strangers with made-up cookies cost little, and a revoked session hears nothing more."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from annotate_sign_in import House, lived_in
from annotate_web import HERE, Web, open_web

from annotate.auth import streams
from storage.tables.people import Role

OWN = ("Host", "127.0.0.1")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with lived_in(tmp_path_factory.mktemp("strangers")) as house:
        house.let_in("Ada", Role.ADMIN)
        yield house


def searches_of(web: Web, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The thread of each search in the database, from now on."""
    searches: list[str] = []
    people = web.place.store.people
    whole = people._database.read

    def read(*args: Any, **kwargs: Any) -> Any:
        searches.append(threading.current_thread().name)
        return whole(*args, **kwargs)

    monkeypatch.setattr(people._database, "read", read)
    return searches


@pytest.mark.slow
@pytest.mark.parametrize("sign_in", ["accounts", "proxy"])
def test_a_made_up_cookie_or_name_is_not_searched_for_where_others_wait(
    tmp_path, monkeypatch, sign_in
):
    with open_web(tmp_path, sign_in) as web:
        searches = searches_of(web, monkeypatch)
        for _ in range(20):
            cookie = ("Cookie", f"palate_session={secrets.token_urlsafe(32)}")
            name = ("X-Forwarded-User", f"made up {secrets.token_hex(4)}")
            status = web.ask("/me", [OWN, cookie, name], client=HERE).status
            assert status == (401 if sign_in == "accounts" else 200)
        # Asked in this thread, which runs the loop.
        assert threading.current_thread().name not in searches
        if sign_in == "accounts":
            assert sum("AnyIO" in thread for thread in searches) <= 2


@pytest.mark.parametrize(
    "token",
    ["", "x", "a" * 43 + "=", "../../etc/passwd", "é" * 43, "a" * 8000, '"' * 43, "%" * 43],
)
def test_a_token_of_another_shape_is_nobodys(house, token):
    client = house.stranger()
    for path in ("/me", "/", "/config"):
        sent = {"Cookie": f"palate_session={token}".encode("latin-1")}
        assert client.get(path, headers=sent).status_code in (303, 401)
    assert client.get("/welcome", params={"token": token}).status_code == 404


@pytest.mark.parametrize("change", ["disabled", "new link", "new role", "signed out"])
def test_a_stream_ends_for_whoever_may_hear_no_more(house, monkeypatch, change):
    monkeypatch.setattr(streams, "CHECK_INTERVAL_S", 0.05)
    name, accounts = f"Bob {change}", house.authenticator.accounts
    house.let_in(name, Role.LABELER)
    bob = house.signed_in(name)
    with bob.stream("GET", f"gradio_api/heartbeat/{secrets.token_hex(5)}") as beats:
        heard = beats.iter_lines()
        assert "ALIVE" in next(heard)
        if change == "disabled":
            accounts.set_enabled(name, False, "Ada")
        elif change == "new link":
            accounts.new_link(name, "Ada")
        elif change == "new role":
            accounts.set_role(name, Role.ADMIN, "Ada")
        else:
            accounts.sign_out(bob.cookies["palate_session"])
        assert list(heard) in ([], [""])


def test_a_stream_goes_on_for_whoever_may_hear_it(house, monkeypatch):
    monkeypatch.setattr(streams, "CHECK_INTERVAL_S", 0.01)
    ada = house.signed_in("Ada")
    with ada.stream("GET", f"gradio_api/heartbeat/{secrets.token_hex(5)}", timeout=0.5) as beats:
        heard = beats.iter_lines()
        assert "ALIVE" in next(heard)
        house.let_in(f"Somebody {secrets.token_hex(3)}", Role.LABELER)
        next(heard)
        with pytest.raises(httpx.ReadTimeout):
            next(heard)
