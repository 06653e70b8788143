"""Accounts, links and passwords, a trusted proxy, and what the terminal can do."""

from __future__ import annotations

import contextlib
import ipaddress
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from annotate_sign_in import PASSWORD, House, lived_in, result, serve
from annotate_web import QUICK
from empty_studio import empty_studio

from annotate.__main__ import main
from annotate.auth.accounts import SESSION_LIFETIME, Accounts
from annotate.auth.identity import as_header
from annotate.auth.passwords import Scrypt
from annotate.auth.proxies import as_networks
from annotate.auth.rate_limit import MAX_KEYS, MAX_TRUSTED, RateLimiter
from annotate.errors import InvalidRequest, SignInRefused, TooManyAttempts, WeakPassword
from annotate.web.html.people_cards import people_table
from storage.errors import InvalidPerson, StaleLink
from storage.store import Store
from storage.tables.people import Role

HERE = (ipaddress.ip_network("127.0.0.0/8"),)
ELSEWHERE = (ipaddress.ip_network("10.0.0.0/8"),)


class Clocks:
    """Both clocks, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 1, 1) + timedelta(seconds=self.seconds)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def accounts(tmp_path: Path, clocks: Clocks):
    with Store(empty_studio(tmp_path / "studio"), clocks.now) as store:
        yield Accounts(store.people, clocks.monotonic, clocks.now, QUICK)


def let_in(accounts: Accounts, name: str, role: Role = Role.LABELER) -> str:
    return accounts.choose_password(accounts.add(name, role, "test"), PASSWORD)


# Passwords


@pytest.mark.slow
def test_a_password_is_salted_and_matches_itself_alone():
    hashing = Scrypt()
    first, second = hashing.hash("grüße aus köln"), QUICK.hash("grüße aus köln")
    assert first[:16] == "scrypt$32768$8$3" and first[17:49] != second.split("$")[4]
    assert hashing.matches("gru\u0308ße aus köln", first) and QUICK.matches("grüße aus köln", first)
    for stored in (second, QUICK.hash("other"), None):
        assert QUICK.matches("grüße aus köln", stored) is (stored == second)


@pytest.mark.parametrize("weak", ["short", "x" * 201, "aaaaaaaaaaaa", "Alexandrina"])
def test_a_weak_password_is_refused_and_the_link_stays_good(accounts, weak):
    link = accounts.add("alexandrina", Role.LABELER, "test")
    with pytest.raises(WeakPassword):
        accounts.choose_password(link, weak)
    assert accounts.person_of_token(accounts.choose_password(link, PASSWORD)).name == "alexandrina"


def test_changing_a_password_ends_every_other_sign_in(accounts):
    first = let_in(accounts, "bob")
    second = accounts.sign_in("BOB", PASSWORD, "here")
    with pytest.raises(SignInRefused, match="present password"):
        accounts.change_password("bob", "wrong", "another good one", "here")
    third = accounts.change_password("bob", PASSWORD, "another good one", "here")
    assert [accounts.person_of_token(token) for token in (first, second)] == [None, None]
    assert accounts.person_of_token(third).name == "bob"
    with pytest.raises(SignInRefused):
        accounts.sign_in("bob", PASSWORD, "here")


def test_a_sign_in_expires(accounts, clocks):
    token = let_in(accounts, "bob")
    clocks.seconds += SESSION_LIFETIME.total_seconds() - 1
    assert accounts.person_of_token(token).name == "bob"
    clocks.seconds += 2
    assert accounts.person_of_token(token) is None


def test_a_role_counts_from_the_next_request_on(accounts):
    let_in(accounts, "ada", Role.ADMIN)
    token = let_in(accounts, "bob", Role.ADMIN)
    assert accounts.person_of_token(token).role is Role.ADMIN
    accounts.set_role("bob", Role.LABELER, "ada")
    assert accounts.person_of_token(token).role is Role.LABELER


def test_guesses_are_counted_by_name_and_address_and_fade(clocks):
    limiter = RateLimiter(clocks.monotonic)
    for _ in range(5):
        limiter.begin("bob", "1.1.1.1")
    with pytest.raises(TooManyAttempts, match="Wait 5 minutes"):
        limiter.begin("bob", "1.1.1.1")
    limiter.begin("bob", "2.2.2.2")
    limiter.begin("cem", "1.1.1.1")
    clocks.seconds += 301
    limiter.begin("bob", "1.1.1.1")
    for number in range(29):
        limiter.begin(f"guess {number}", "3.3.3.3")
    limiter.begin("guess", "3.3.3.3")
    with pytest.raises(TooManyAttempts):
        limiter.begin("one more", "3.3.3.3")


def test_a_right_password_forgets_the_wrong_ones(clocks):
    limiter = RateLimiter(clocks.monotonic)
    for _ in range(3):
        for _ in range(4):
            limiter.begin("bob", "1.1.1.1")
        limiter.succeeded("bob", "1.1.1.1")


def test_a_name_that_many_try_slows_down_and_shuts_nobody_out(clocks):
    limiter = RateLimiter(clocks.monotonic)
    limiter.begin("root", "10.0.0.1")
    limiter.succeeded("root", "10.0.0.1")
    refused = 0
    for number in range(300):
        try:
            limiter.begin("root", f"20.0.{number // 200}.{number % 200}")
        except TooManyAttempts:
            refused += 1
        clocks.seconds += 0.5
    assert refused > 200
    limiter.begin("root", "10.0.0.1")
    with pytest.raises(TooManyAttempts, match=r"Wait \d+ second"):
        limiter.begin("root", "30.0.0.1")
    clocks.seconds += 61
    limiter.begin("root", "30.0.0.1")
    limiter.begin("ada", "30.0.0.1")


def test_wrong_passwords_of_strangers_keep_nobody_from_changing_their_own(accounts, clocks):
    token = let_in(accounts, "ada", Role.ADMIN)
    for number in range(100):
        with pytest.raises((SignInRefused, TooManyAttempts)):
            accounts.sign_in("ada", "wrong wrong wrong", f"20.0.0.{number}")
    assert accounts.person_of_token(token).name == "ada"
    accounts.change_password("ada", PASSWORD, "another long one", "20.0.0.1")
    accounts.sign_in("ada", "another long one", "20.0.0.1")


def test_changing_a_password_is_guessed_no_faster(accounts):
    let_in(accounts, "ada", Role.ADMIN)
    for number in range(5):
        with pytest.raises(SignInRefused):
            accounts.change_password("ada", "wrong", "another long one", f"20.0.0.{number}")
    with pytest.raises(TooManyAttempts):
        accounts.change_password("ada", "wrong", "another long one", "20.0.0.9")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:9.9.9.9", "9.9.9.9", True),
        ("9.9.9.9", "9.9.9.8", False),
        ("9.9.9.9:51000", "9.9.9.9:51001", True),
        ("9.9.9.9:51000", "9.9.9.8:51000", False),
        ("[2001:db8:1:2::1]:51000", "2001:db8:1:2::9", True),
        ("x" * 10_000, "x" * 20_000, True),
    ],
)
def test_an_address_is_what_one_person_holds(clocks, one, other, same):
    limiter = RateLimiter(clocks.monotonic)
    for _ in range(5):
        limiter.begin("bob", one)
    if same:
        with pytest.raises(TooManyAttempts):
            limiter.begin("bob", other)
    else:
        limiter.begin("bob", other)


@pytest.mark.slow
def test_made_up_names_and_addresses_take_no_memory_and_hide_nothing(clocks):
    limiter = RateLimiter(clocks.monotonic)
    for number in range(25):
        with contextlib.suppress(TooManyAttempts):
            limiter.begin("root", f"40.0.0.{number}")
    for number in range(30_000):
        limiter.begin(f"{number} made up" * 100, f"2001:db8:{number >> 8:x}:{number & 255:x}::1")
        limiter.succeeded(f"{number}", f"50.0.{number >> 8}.{number & 255}")
    assert len(limiter._attempts) <= MAX_KEYS + 3 and len(limiter._trusted) <= MAX_TRUSTED
    assert max(len(part) for key in limiter._attempts for part in key) <= 64
    with pytest.raises(TooManyAttempts):
        limiter.begin("root", "60.0.0.1")


def test_right_passwords_count_against_nobody(clocks):
    limiter = RateLimiter(clocks.monotonic)
    for number in range(200):
        limiter.begin(f"person {number}", "1.1.1.1")
        limiter.succeeded(f"person {number}", "1.1.1.1")
    limiter.begin("somebody", "1.1.1.1")


# The first admin


def test_the_first_admin_is_made_once_by_who_sees_the_terminal(accounts):
    token = accounts.create_setup_token()
    assert accounts.is_setup_token(token) and not accounts.is_setup_token("x" * 43)
    entered = accounts.choose_password(token, PASSWORD, "Ada")
    assert accounts.person_of_token(entered).role is Role.ADMIN
    with pytest.raises(StaleLink):
        accounts.choose_password(token, PASSWORD, "Eve")
    assert accounts.create_setup_token() is None


def test_of_two_who_use_the_first_link_at_once_one_becomes_admin(accounts):
    token, outcomes = accounts.create_setup_token(), []

    def enter(name: str) -> None:
        try:
            outcomes.append(accounts.choose_password(token, PASSWORD, name))
        except StaleLink:
            outcomes.append(None)

    threads = [threading.Thread(target=enter, args=(name,)) for name in ("ada", "eve", "zoe")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(None) == 2 and len(accounts.people.all()) == 1


@pytest.mark.parametrize("name", ["", "a\x00b", "x" * 65])
def test_a_name_that_cannot_be_leaves_the_first_link_good(accounts, name):
    token = accounts.create_setup_token()
    with pytest.raises(InvalidPerson):
        accounts.choose_password(token, PASSWORD, name)
    assert accounts.person_of_token(accounts.choose_password(token, PASSWORD, "ada")).name == "ada"


def test_somebody_without_a_password_is_no_admin_who_could_let_others_in(accounts):
    accounts.people.add("ada", Role.ADMIN, "proxy")
    assert accounts.has_admin(passwords=False) and not accounts.has_admin()
    token = accounts.create_setup_token()
    accounts.choose_password(token, PASSWORD, "ADA")
    assert accounts.people.find("ada").password and len(accounts.people.all()) == 1


@pytest.mark.slow
def test_the_terminal_adds_people_and_helps_one_who_is_locked_out(tmp_path, capsys):
    home = ["--home", str(tmp_path / "studio")]
    assert main(["people", "list", *home]) == 0
    assert "people add NAME --role admin" in capsys.readouterr().out
    assert main(["people", "add", "Ada", "--role", "admin", *home, "--url", "https://x/p"]) == 0
    link = capsys.readouterr().out.splitlines()[1]
    assert link.startswith("https://x/p/welcome?token=")
    with Store(tmp_path / "studio") as store:
        first = Accounts(store.people).choose_password(link.split("=")[1], PASSWORD)
        assert Accounts(store.people).person_of_token(first).role is Role.ADMIN
        main(["people", "list", *home])
        assert "Another" in capsys.readouterr().err
    assert main(["people", "disable", "Ada", *home]) == 1
    assert "only admin" in capsys.readouterr().err
    assert main(["people", "link", "ada", *home]) == 0
    assert main(["people", "list", *home]) == 0
    assert "Ada  admin  may sign in  0 votes" in capsys.readouterr().out
    with Store(tmp_path / "studio") as store:
        assert Accounts(store.people).person_of_token(first) is None


# A proxy that names people


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory):
    with lived_in(tmp_path_factory.mktemp("proxied"), "X-Forwarded-User", HERE) as house:
        house.authenticator.accounts.people.add("Ada", Role.ADMIN, "test")
        yield house


def named(house: House, *names: str, **more: str):
    headers = [("X-Forwarded-User", name) for name in names] + list(more.items())
    return house.stranger(headers=[(name.encode(), value.encode()) for name, value in headers])


def test_a_trusted_proxy_says_who_somebody_is(proxied):
    assert named(proxied, "Ada").get("me").json() == {
        "name": "Ada",
        "role": "admin",
        "account": False,
    }
    newcomer = named(proxied, "zoë").get("me").json()
    assert (newcomer["name"], newcomer["role"]) == ("zoë", "labeler")
    assert "version" in result(named(proxied, "Ada"), "versions")[0]
    wish = {"annotator": "", "have": [], "want": 0}
    assert serve(named(proxied, "zoë"), "stage_pairs", wish).json()["ok"]


@pytest.mark.parametrize("names", [(), ("",), ("Ada", "Bob"), ("\x01",), ("x" * 65,)])
def test_a_header_that_names_nobody_or_two_lets_nobody_in(proxied, names):
    client = named(proxied, *names)
    assert client.get("me").status_code == 401
    assert client.get("config").status_code == 401


def test_with_a_proxy_there_is_no_other_way_in(proxied):
    stranger = proxied.stranger()
    assert stranger.get("").status_code == 401
    for path in ("sign-in", "welcome", "account"):
        assert stranger.get(path).status_code == 404
    sent = {
        "token": proxied.authenticator.accounts.create_setup_token(),
        "name": "Eve",
        "password": PASSWORD,
    }
    assert stranger.post("welcome", data=sent).status_code == 404


def test_somebody_disabled_stays_out_whatever_the_proxy_says(proxied):
    assert named(proxied, "Dan").get("me").status_code == 200
    proxied.authenticator.accounts.set_enabled("Dan", False, "Ada")
    assert named(proxied, "Dan").get("me").status_code == 401


@pytest.mark.slow
def test_the_word_of_an_untrusted_address_is_worth_nothing(tmp_path):
    with lived_in(tmp_path, "X-Forwarded-User", ELSEWHERE) as house:
        house.authenticator.accounts.people.add("Ada", Role.ADMIN, "test")
        for more in ({}, {"X-Forwarded-For": "10.0.0.1"}, {"Forwarded": "for=10.0.0.1"}):
            assert named(house, "Ada", **more).get("config").status_code == 401


@pytest.mark.parametrize("text", ["nonsense", "10.0.0.0/99", "10.0.0.1/8", "1.2.3"])
def test_an_address_of_a_proxy_that_is_none_is_refused(text):
    with pytest.raises(InvalidRequest, match="proxies"):
        as_networks(text)
    assert len(as_networks("127.0.0.1, ::1,10.0.0.0/8")) == 3


@pytest.mark.parametrize("name", ["", "X Forwarded", "X:Y", "naïve"])
def test_a_header_that_cannot_be_is_refused(name):
    with pytest.raises(InvalidRequest, match="header"):
        as_header(name)


# The tab


def test_the_people_tab_says_who_waits_and_what_to_do_when_one_is_alone(accounts):
    let_in(accounts, "ada", Role.ADMIN)
    alone = people_table(accounts.people.all(), {}, True)
    assert "Only you so far" in alone and "Add somebody" in alone
    accounts.add("bob", Role.LABELER, "ada")
    let_in(accounts, "cem")
    accounts.set_enabled("cem", False, "ada")
    html = people_table(accounts.people.all(), {"bob": 1200}, True)
    assert "Invited" in html and "1,200" in html and "Enable" in html
    assert "Only you" not in html
    assert "New link" not in people_table(accounts.people.all(), {}, False)
