"""Who may sign in is kept with the votes, and nobody is ever locked out for good."""

from datetime import timedelta

import pytest
from storage_making import make_pair

from storage import Store
from storage.acts import NewVote
from storage.errors import InvalidPerson, LastAdmin, PersonKnown, StaleLink, UnknownPerson
from storage.tables.people import LINK_LASTS, Role

WEEK = LINK_LASTS.total_seconds()


def test_a_person_comes_back_after_a_restart_whatever_the_capitals(home):
    with Store(home) as store:
        store.people.add(" Ada ", Role.ADMIN, "setup")
        store.people.set_password("ada", "hash", "Ada")
    with Store(home) as store:
        ada = store.people.find("ADA")
        assert ada and (ada.name, ada.role, ada.password) == ("Ada", "admin", "hash")
        assert store.people.find("bob") is None


@pytest.mark.parametrize("name", ["", "   ", "a\x00b", "x" * 65, "a\u202eb", "a\nb"])
def test_a_name_is_plain_text(store, name):
    with pytest.raises(InvalidPerson):
        store.people.add(name, Role.LABELER, "setup")


def test_two_people_never_share_a_name(store):
    store.people.add("Ada", Role.LABELER, "setup")
    for same in ("Ada", "ada ", "ＡＤＡ"):
        with pytest.raises(PersonKnown, match="already"):
            store.people.add(same, Role.LABELER, "setup")


def test_the_newest_role_counts_and_every_change_stays_a_row(store):
    for name in ("ada", "bob"):
        store.people.add(name, Role.ADMIN, "setup")
    store.people.set_role("bob", Role.LABELER, "ada")
    store.people.set_enabled("bob", False, "ada")
    bob = store.people.find("bob")
    assert (bob.role, bob.enabled) == (Role.LABELER, False)
    rows = store.people._database.read(
        "SELECT kind, value, who FROM person_changes WHERE name = 'bob' ORDER BY person_change_id"
    )
    assert rows == [
        ("role", "admin", "setup"),
        ("access", "open", "setup"),
        ("role", "labeler", "ada"),
        ("access", "closed", "ada"),
    ]


def test_the_last_admin_who_can_come_in_stays(store):
    people = store.people
    people.add("ada", Role.ADMIN, "setup")
    people.set_password("ada", "hash", "ada")
    people.add("bob", Role.ADMIN, "ada")
    people.set_link("bob", "link", "ada")
    for lock_out in (
        lambda: people.set_role("ada", Role.LABELER, "ada"),
        lambda: people.set_enabled("ada", False, "ada"),
        lambda: people.set_link("ada", "other", "ada"),
    ):
        with pytest.raises(LastAdmin, match="ada"):
            lock_out()
    people.use_link("link", "hash")
    people.set_enabled("ada", False, "bob")
    with pytest.raises(LastAdmin, match="bob"):
        people.set_enabled("bob", False, "bob")
    people.set_link("bob", "again", "terminal", rescue=True)


def test_a_link_is_used_once_and_expires(store, clock):
    store.people.add("bob", Role.LABELER, "ada")
    store.people.set_link("bob", "link", "ada")
    assert store.people.link_owner("link") == "bob"
    assert store.people.use_link("link", "hash").password == "hash"
    with pytest.raises(StaleLink, match="used"):
        store.people.use_link("link", "other")
    store.people.set_link("bob", "second", "ada")
    clock.move(WEEK + 1)
    assert store.people.link_owner("second") is None
    with pytest.raises(StaleLink, match="expired"):
        store.people.use_link("second", "other")


def test_a_sign_in_ends_by_itself_by_signing_out_and_with_the_password(store, clock):
    people = store.people
    people.add("bob", Role.LABELER, "ada")
    for token in ("one", "two", "three"):
        people.sign_in(token, "bob", clock() + timedelta(days=1))
    assert people.sign_ins()["one"] == ("bob", clock() + timedelta(days=1))
    people.sign_out("one")
    people.sign_out("one")
    assert people.sign_ins().keys() == {"two", "three"}
    people.set_password("bob", "hash", "bob")
    assert not people.sign_ins()
    people.sign_in("four", "bob", clock() + timedelta(days=1))
    clock.move(86_400)
    assert not people.sign_ins()


def test_a_change_to_nobody_is_refused(store):
    with pytest.raises(UnknownPerson, match="carl"):
        store.people.set_role("carl", Role.ADMIN, "ada")


def test_votes_are_counted_by_person_and_tell_which_images_a_person_saw(store):
    pair = make_pair(store)
    store.vote(NewVote.parse(pair.pair_id, "left", "bob", "k1"))
    assert store.people.votes() == {"bob": 1}
    assert store.people.was_shown("bob", pair.left) and store.people.was_shown("bob", pair.right)
    assert not store.people.was_shown("ada", pair.left)
