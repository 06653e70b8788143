"""Nobody comes in under the looks of somebody else; names of every script may come in."""

import pytest

from storage.errors import InvalidPerson, PersonKnown
from storage.tables.people import Role

pytestmark = pytest.mark.slow

TAKEN = ("boss", "ada", "Ольга", "Νίκος", "william", "marie-claire", "modern")
ALIKE = [
    "b\u043ess", "\u0432oss", "b\u03bfss", "BO\u0405S", "ｂｏｓｓ", "bo\u200bss", "bo\u202ess",
    "boss.", "boss .", "boss_", "b0ss", "\u00adboss", "bo\u2060ss", "ad\u0430",
    "\u0430\u0501\u0430",
    "Oльга", "vvilliam", "wi1liam", "marie\u2011claire", "modem", "bo\ufe0fss",
    "bo\u034fss", "b𝐨ss",
]  # fmt: skip
FINE = [
    "Борис", "Μαρία", "ada2", "bóss", "adam", "李雷", "علی", "José", "山田 太郎", "O'Neill",
    "Анна", "Łukasz", "אבי", "สมชาย", "하나", "bo", "ada lovelace", "modest",
]  # fmt: skip


@pytest.fixture
def people(store):
    for name in TAKEN:
        store.people.add(name, Role.LABELER, "me")
    return store.people


@pytest.mark.parametrize("name", ALIKE)
def test_a_name_that_is_read_as_another_is_refused(people, name):
    before = len(people.all())
    with pytest.raises((InvalidPerson, PersonKnown)):
        people.add(name, Role.LABELER, "me")
    assert len(people.all()) == before


def test_names_of_any_script_may_come_in(people):
    for name in FINE:
        people.add(name, Role.LABELER, "me")
        assert people.find(name.upper()).name == name
