"""Prompts are removed, weighted and edited by one more row each; no text is ever changed."""

import pytest

from storage import InvalidPrompt, Store
from storage.errors import UnknownPrompt


def numbers(store: Store) -> dict[str, int]:
    return {prompt.text: prompt.prompt_id for prompt in store.prompts()}


def now(store: Store) -> dict[str, tuple[bool, float]]:
    return {p.text: (p.removed, p.weight) for p in store.prompt_changes.current()}


def test_a_prompt_that_is_removed_comes_back_with_its_weight(store):
    store.add_prompts(["a cat", "a dog"], "pasted")
    [cat] = [numbers(store)["a cat"]]

    store.prompt_changes.change([cat], "ann", weight=4.0)
    store.prompt_changes.change([cat], "ann", removed=True)
    assert now(store) == {"a cat": (True, 4.0), "a dog": (False, 1.0)}

    store.prompt_changes.change([cat], "bea", removed=False)
    assert now(store) == {"a cat": (False, 4.0), "a dog": (False, 1.0)}
    rows = store._database.read("SELECT who, state FROM prompt_changes ORDER BY prompt_change_id")
    assert rows == [("ann", "in use"), ("ann", "removed"), ("bea", "in use")]


def test_several_prompts_change_at_once_or_none_does(store):
    store.add_prompts(["a cat", "a dog", "a fox"], "pasted")
    known = numbers(store)

    store.prompt_changes.change([known["a cat"], known["a fox"]], "ann", removed=True)
    with pytest.raises(UnknownPrompt, match="no prompt 99"):
        store.prompt_changes.change([known["a dog"], 99], "ann", removed=True)
    assert [text for text, (removed, _) in now(store).items() if removed] == ["a cat", "a fox"]


def test_an_edit_is_a_new_prompt_with_the_weight_of_the_old_one(store):
    store.add_prompts(["a cat"], "built-in")
    old = numbers(store)["a cat"]
    store.prompt_changes.change([old], "ann", weight=2.0)

    store.prompt_changes.replace(old, " a tabby cat ", "ann")

    first, second = store.prompt_changes.current()
    assert (first.text, first.removed, first.replaced_by) == ("a cat", True, second.prompt_id)
    assert (second.text, second.removed, second.weight) == ("a tabby cat", False, 2.0)
    assert second.source == "edited" and second.replaced_by is None
    with pytest.raises(InvalidPrompt):
        store.prompt_changes.replace(old, "two\nlines", "ann")
    with pytest.raises(UnknownPrompt):
        store.prompt_changes.replace(99, "a dog", "ann")


def test_an_edit_back_to_an_earlier_text_uses_that_again(store):
    store.add_prompts(["a cat"], "pasted")
    old = numbers(store)["a cat"]
    store.prompt_changes.replace(old, "a dog", "ann")
    store.prompt_changes.replace(numbers(store)["a dog"], "a cat", "ann")

    assert now(store) == {"a cat": (False, 1.0), "a dog": (True, 1.0)}
    assert store.prompt_changes.current()[0].replaced_by is None


def test_an_edit_that_changes_nothing_removes_nothing(store):
    store.add_prompts(["a cat"], "pasted")
    store.prompt_changes.replace(numbers(store)["a cat"], "a cat", "ann")

    assert now(store) == {"a cat": (False, 1.0)}


def test_changes_are_there_after_the_studio_is_opened_again(tmp_path):
    with Store(tmp_path) as store:
        store.add_prompts(["a cat", "a dog"], "pasted")
        store.prompt_changes.change([numbers(store)["a dog"]], "ann", removed=True, weight=0.5)
    with Store(tmp_path) as store:
        assert now(store) == {"a cat": (False, 1.0), "a dog": (True, 0.5)}
